"""One answer of the model as it becomes a message, calls of tools, and the events about them.

Pure: chunks go in, rows and events come out. A turn that is repeated after a crash makes the same
ids, so its rows take the place of those that were written before.
"""

from understudy.retrieval.cite import CitationStream, CitedText
from understudy.runs.calls_draft import CallsDraft
from understudy.runs.commits import Rows
from understudy.runs.drafts import Draft
from understudy.runs.message_draft import MessageDraft
from understudy.store.runs import StoredRun
from understudy.wire.chat import ChatChunk, Usage
from understudy.wire.runs import RunUsage
from understudy.wire.steps import RunStep


class Turn:
    """What the model answers in one call, the `number`th of its run, from 0."""

    def __init__(
        self,
        run: StoredRun,
        number: int,
        *,
        search_name: str | None = None,
        citations: CitationStream | None = None,
    ) -> None:
        """`search_name` is what the model knows the search of files as."""
        self._draft = Draft(run, number)
        self._citations = citations
        self._message: MessageDraft | None = None
        self._calls = CallsDraft(self._draft, search_name)
        self._usage: Usage | None = None
        self.finish_reason: str | None = None

    @property
    def is_dirty(self) -> bool:
        """Whether `take` has something to give."""
        if self._message is not None:
            return self._message.has_news or not self._draft.is_empty
        return self._calls.has_news

    @property
    def is_cut(self) -> bool:
        """Whether the answer ended at a limit on its length."""
        return self.finish_reason == "length"

    @property
    def calls_step(self) -> RunStep | None:
        """The step of the calls, None when there are none."""
        return self._calls.step

    @property
    def steps(self) -> list[RunStep]:
        """The steps of this turn, in their order."""
        made = (self._message.step if self._message else None, self._calls.step)
        return [step for step in made if step is not None]

    def add(self, chunk: ChatChunk) -> None:
        """Take the next chunk of the answer."""
        if isinstance(chunk.usage, Usage):
            self._usage = chunk.usage
        for choice in chunk.choices:
            delta = choice.delta
            if delta.content:
                self._add_text(self._cited(delta.content))
            if delta.refusal:
                self._opened().add_refusal(delta.refusal)
            for piece in delta.tool_calls or ():
                self._calls.add(piece)
            if choice.finish_reason is not None:
                self.finish_reason = choice.finish_reason

    def take(self) -> Rows:
        """Return what is new: rows to write and events to send.

        Calls after a text are held back: the message ends first, and ends when it is whole.
        """
        if self._message is not None:
            self._message.tell()
        else:
            self._calls.tell()
        return self._draft.take()

    def finish(self) -> Rows:
        """Return the rest, with the message and its step closed and the calls written down.

        The step of the calls stays open until their outputs are there. Where the answer was cut
        off, the message is incomplete, and calls are not made: their arguments may end anywhere.
        """
        if self._citations is not None:
            self._add_text(self._citations.finish())
        if not self._calls:
            self._opened()
        has_calls = bool(self._calls) and not self.is_cut
        usage = self._run_usage()
        if self._message is not None:
            self._message.close(
                "incomplete" if self.is_cut else "completed", None if has_calls else usage
            )
        if has_calls:
            self._calls.write(usage)
        else:
            self._calls.drop(None if self._message else usage)
        return self._draft.take()

    def _cited(self, text: str) -> CitedText:
        return CitedText(text, ()) if self._citations is None else self._citations.feed(text)

    def _add_text(self, cited: CitedText) -> None:
        if cited.text:
            self._opened().add_text(cited)

    def _opened(self) -> MessageDraft:
        if self._message is None:
            self._message = MessageDraft(self._draft)
        return self._message

    def _run_usage(self) -> RunUsage | None:
        used = self._usage
        if used is None:
            return None
        return RunUsage(used.prompt_tokens, used.completion_tokens, used.total_tokens)
