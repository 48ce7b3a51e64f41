"""The chunks of upstream streams in OpenAI's form: one state machine per stream, pure.

Roles once, no empty deltas, tool calls with stable indexes, one finish reason per choice and
usage at the very end. Finish reasons are held back until the stream ends, since some servers send
`stop` with every chunk or text after it.
"""

from msgspec import UNSET, UnsetType

from understudy.engines.answers import (
    complete_logprobs,
    estimated_usage,
    finish_reason,
    reasoning_of,
    text_of,
    usage_of,
)
from understudy.engines.decode import RawAnswer, RawChoice, RawMessage, RawToolCall, RawUsage
from understudy.engines.tool_call_pieces import ToolCallTracker
from understudy.ids import new_id, now_s
from understudy.wire.chat import ChatChunk, ChunkChoice, Delta, ToolCallDelta, Usage

_NOT_FINISHED = frozenset({None, "null", "None"})


class _ChoiceState:
    """What was seen of one choice."""

    __slots__ = ("calls", "finish")

    def __init__(self) -> None:
        self.calls = ToolCallTracker()
        self.finish: str | None = None


class StreamNormaliser:
    """Turns the raw chunks of one stream into chunks that every client reads.

    `choices` is how many the request asked for; with one, whatever index the server gives is 0.
    """

    def __init__(self, model: str, prompt_characters: int, choices: int = 1) -> None:
        self._id = ""
        self._created = 0
        self._model = model
        self._prompt_characters = prompt_characters
        self._completion_characters = 0
        self._is_single = choices == 1
        self._states: dict[int, _ChoiceState] = {}
        self._usage: RawUsage | None = None
        self._fingerprint: str | UnsetType = UNSET
        self._tier: str | UnsetType = UNSET

    @property
    def is_finished(self) -> bool:
        """Whether every choice that began has its finish reason."""
        return bool(self._states) and all(s.finish for s in self._states.values())

    def take(self, raw: RawAnswer) -> ChatChunk | None:
        """Return what `raw` adds to the answer, or None when it adds nothing."""
        if raw.usage is not None:
            self._usage = raw.usage
        if not self._id:
            self._open(raw)
        if not raw.choices:
            return None
        if len(raw.choices) == 1:
            choices = self._more_text(raw.choices[0]) or self._choices(raw.choices[0])
        else:
            ordered = sorted(raw.choices, key=lambda choice: choice.index or 0)
            choices = [entry for choice in ordered for entry in self._choices(choice)]
        return self._chunk(choices) if choices else None

    def finish(self) -> list[ChatChunk]:
        """Return the last chunks: the finish reason of every choice, then the usage.

        Call it only once the stream has ended and `is_finished` holds.
        """
        chunks = []
        for index in sorted(self._states):
            state = self._states[index]
            if late := state.calls.unannounced():
                chunks.append(self._chunk([ChunkChoice(index, Delta(tool_calls=late))]))
            reason = finish_reason(state.finish, has_calls=bool(state.calls))
            chunks.append(self._chunk([ChunkChoice(index, Delta(), reason)]))
        last = self._chunk([])
        last.usage = self._final_usage()
        return [*chunks, last]

    def _open(self, raw: RawAnswer) -> None:
        self._id = str(raw.id or new_id("chatcmpl-"))
        self._created = int(raw.created or now_s())
        self._model = raw.model or self._model
        self._fingerprint = raw.system_fingerprint or UNSET
        self._tier = raw.service_tier or UNSET

    def _chunk(self, choices: list[ChunkChoice]) -> ChatChunk:
        return ChatChunk(
            id=self._id,
            created=self._created,
            model=self._model,
            choices=choices,
            system_fingerprint=self._fingerprint,
            service_tier=self._tier,
        )

    def _final_usage(self) -> Usage:
        if self._usage is not None:
            return usage_of(self._usage)
        return estimated_usage(self._prompt_characters, self._completion_characters)

    def _more_text(self, raw: RawChoice) -> list[ChunkChoice] | None:
        """Return the entry of a choice that only goes on with its text, as nearly all do."""
        index = 0 if self._is_single else raw.index or 0
        state = self._states.get(index)
        if state is None or state.finish or not (text := _text_alone(raw)):
            return None
        self._completion_characters += len(text)
        return [ChunkChoice(index, Delta(content=text))]

    def _choices(self, raw: RawChoice) -> list[ChunkChoice]:
        """Return the choice's entry, after those that open the choices before it."""
        index = 0 if self._is_single else raw.index or 0
        state = self._states.get(index)
        opened: list[ChunkChoice] = []
        is_first = state is None
        if state is None:
            opened = self._open_before(index)
            state = self._states[index] = _ChoiceState()
        message = raw.delta or raw.message
        delta = self._delta(message, state, is_first=is_first) if message else None
        if delta is None and is_first:
            delta = Delta(role="assistant")
        _note_finish(state, raw.finish_reason, has_more=delta is not None)
        if delta is None and raw.logprobs is None:
            return opened
        entry = ChunkChoice(index, delta or Delta())
        if raw.logprobs is not None:
            entry.logprobs = complete_logprobs(raw.logprobs)
        return [*opened, entry]

    def _open_before(self, index: int) -> list[ChunkChoice]:
        """Open the choices below `index`: clients need choice 0 first."""
        missing = [lower for lower in range(index) if lower not in self._states]
        for lower in missing:
            self._states[lower] = _ChoiceState()
        return [ChunkChoice(lower, Delta(role="assistant", content="")) for lower in missing]

    def _delta(self, raw: RawMessage, state: _ChoiceState, *, is_first: bool) -> Delta | None:
        """Return what `raw` adds to its message, or None; the first delta carries the role."""
        content = raw.content if isinstance(raw.content, str) else text_of(raw.content)
        reasoning = reasoning_of(raw)
        pieces = raw.tool_calls
        if raw.function_call is not None:
            pieces = [RawToolCall(function=raw.function_call)]
        calls = self._tool_calls(pieces, state) if pieces else UNSET
        has_extras = bool(raw.refusal or raw.annotations or raw.audio)
        if not (content or reasoning or calls or has_extras or is_first):
            return None
        self._completion_characters += len(content or "") + len(reasoning or "")
        delta = Delta()
        if is_first:
            delta.role = "assistant"
        if content or (is_first and content is not None):
            delta.content = content
        if reasoning:
            delta.reasoning_content = reasoning
        if calls:
            delta.tool_calls = calls
        if has_extras:
            delta.refusal = raw.refusal or UNSET
            delta.annotations = raw.annotations or UNSET
            delta.audio = raw.audio or UNSET
        return delta

    def _tool_calls(
        self, pieces: list[RawToolCall], state: _ChoiceState
    ) -> list[ToolCallDelta] | UnsetType:
        deltas = [delta for piece in pieces if (delta := state.calls.take(piece))]
        for delta in deltas:
            if delta.function is not UNSET:
                self._completion_characters += len(delta.function.arguments or "")
        return deltas or UNSET


def _text_alone(raw: RawChoice) -> str | None:
    """Return the text of a choice that brings nothing else."""
    delta = raw.delta
    if delta is None or raw.finish_reason is not None or raw.logprobs is not None:
        return None
    if delta.reasoning_content or delta.reasoning or delta.tool_calls or delta.function_call:
        return None
    if delta.refusal or delta.annotations or delta.audio:
        return None
    return delta.content if isinstance(delta.content, str) else None


def _note_finish(state: _ChoiceState, reason: str | None, *, has_more: bool) -> None:
    """Keep the finish reason; text that comes after one shows that it was premature."""
    if reason not in _NOT_FINISHED and (reason or not has_more):
        state.finish = reason or "stop"
    elif has_more:
        state.finish = None
