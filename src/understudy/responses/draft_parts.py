"""Items that grow by their texts while the model writes them: messages and reasoning. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from understudy.responses.drafted import Sheet
from understudy.retrieval.cite import Citation
from understudy.runs.message_draft import annotation
from understudy.wire.response_events import of_item
from understudy.wire.response_items import ItemDocument


@dataclass(frozen=True, slots=True)
class PartKind:
    """What a kind of part and its events are called; `text` is the field that holds its text."""

    type: str
    text: str
    stem: str
    holder: Literal["content", "summary"] = "content"
    part: str = "content_part"
    index: str = "content_index"


TEXT = PartKind("output_text", "text", "output_text")
REFUSAL = PartKind("refusal", "refusal", "refusal")
REASONING = PartKind("reasoning_text", "text", "reasoning_text")
SUMMARY = PartKind(
    "summary_text",
    "text",
    "reasoning_summary_text",
    holder="summary",
    part="reasoning_summary_part",
    index="summary_index",
)


@dataclass(slots=True)
class _Part:
    """A part as far as the model has written it; `offset` is where it begins in what was cited."""

    kind: PartKind
    offset: int
    text: str = ""
    told: int = 0
    annotations: list[dict[str, Any]] = field(default_factory=list)
    told_annotations: int = 0
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    told_logprobs: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the part as the API shows it."""
        return self._document([_as_shown(one) for one in self.annotations])

    def kept(self) -> dict[str, Any]:
        """Return the part as the log keeps it."""
        return self._document(list(self.annotations))

    def _document(self, annotations: list[dict[str, Any]]) -> dict[str, Any]:
        document: dict[str, Any] = {"type": self.kind.type, self.kind.text: self.text}
        if self.kind is TEXT:
            document |= {"annotations": annotations, "logprobs": list(self.logprobs)}
        return document

    @property
    def has_news(self) -> bool:
        """Whether something was added that was not told."""
        return self.told < len(self.text) or self.told_annotations < len(self.annotations)


class PartsDraft:
    """A message, or what the model thought, from its making until `close`."""

    def __init__(self, sheet: Sheet, prefix: str, document: ItemDocument) -> None:
        self._sheet = sheet
        self._item, self._output_index = sheet.begin(prefix, {**document, "status": "in_progress"})
        self._parts: list[_Part] = []

    @property
    def has_news(self) -> bool:
        """Whether `tell` has something to tell."""
        return bool(self._parts) and self._parts[-1].has_news

    def add(
        self,
        kind: PartKind,
        text: str,
        *,
        offset: int = 0,
        citations: Sequence[Citation] = (),
        logprobs: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Append to the part of this kind, or begin one; `offset` is where the text is cited."""
        if not self._parts or self._parts[-1].kind is not kind:
            self._begin(kind, offset)
        part = self._parts[-1]
        part.text += text
        part.logprobs += logprobs
        part.annotations += [annotation(one, part.text, part.offset) for one in citations]

    def tell(self) -> None:
        """Tell what was added since the last time."""
        if not self.has_news:
            return
        part = self._parts[-1]
        if part.told < len(part.text):
            delta: dict[str, Any] = {"delta": part.text[part.told :]}
            if part.kind is TEXT:
                delta["logprobs"] = part.logprobs[part.told_logprobs :]
            self._tell(f"{part.kind.stem}.delta", **delta)
            part.told, part.told_logprobs = len(part.text), len(part.logprobs)
        for number in range(part.told_annotations, len(part.annotations)):
            self._tell(
                "output_text.annotation.added",
                annotation_index=number,
                annotation=_as_shown(part.annotations[number]),
            )
        part.told_annotations = len(part.annotations)

    def close(self, status: Literal["completed", "incomplete"]) -> None:
        """Tell the rest, and that the item has ended; write it down."""
        self._end_part()
        shown, kept = {**self._item, "status": status}, {**self._item, "status": status}
        for part in self._parts:
            shown[part.kind.holder] = [*shown[part.kind.holder], part.shown()]
            kept[part.kind.holder] = [*kept[part.kind.holder], part.kept()]
        self._sheet.end(shown, self._output_index)
        self._sheet.write(kept)

    def _begin(self, kind: PartKind, offset: int) -> None:
        self._end_part()
        part = _Part(kind, offset)
        self._parts.append(part)
        self._tell(f"{kind.part}.added", part=part.shown())

    def _end_part(self) -> None:
        if not self._parts:
            return
        self.tell()
        part = self._parts[-1]
        ended: dict[str, Any] = {part.kind.text: part.text}
        if part.kind is TEXT:
            ended["logprobs"] = list(part.logprobs)
        self._tell(f"{part.kind.stem}.done", **ended)
        self._tell(f"{part.kind.part}.done", part=part.shown())

    def _tell(self, name: str, /, **data: Any) -> None:
        """Tell of the last part."""
        index = {self._parts[-1].kind.index: len(self._parts) - 1}
        self._sheet.tell(of_item(name, self._item["id"], self._output_index, **index, **data))


def _as_shown(annotation: dict[str, Any]) -> dict[str, Any]:
    return {name: annotation[name] for name in ("type", "file_id", "filename", "index")}
