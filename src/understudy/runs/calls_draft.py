"""The calls of a turn while the model writes them: functions of the client, searches. Pure."""

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from understudy.ids import now_s
from understudy.runs.drafts import Draft
from understudy.store.items import Item
from understudy.wire.chat import ToolCallDelta
from understudy.wire.run_events import (
    FileSearchToolCallDelta,
    FunctionCallDelta,
    FunctionToolCallDelta,
    RunStepDelta,
    StepChange,
    StepToolCallDelta,
    ToolCallsDelta,
)
from understudy.wire.runs import RunUsage
from understudy.wire.steps import (
    FileSearchToolCall,
    FunctionCall,
    FunctionToolCall,
    RunStep,
    StepError,
    StepToolCall,
    ToolCallsDetails,
)

_CUT_OFF = "The answer reached the limit on its length while the model wrote the calls."


@dataclass(slots=True)
class _Call:
    """A call as far as the model has written it; the arguments are JSON text."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    is_told: bool = False
    told_arguments: int = 0

    @property
    def has_news(self) -> bool:
        is_behind = self.told_arguments < len(self.arguments)
        return bool(self.name) and (not self.is_told or is_behind)


class CallsDraft:
    """Calls, whose step is opened once there is something to tell of them."""

    def __init__(self, draft: Draft, search_name: str | None) -> None:
        """`search_name` is what the model knows the search of files as."""
        self._draft = draft
        self._search_name = search_name
        self._calls: list[_Call] = []
        self.step: RunStep | None = None

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def has_news(self) -> bool:
        """Whether `tell` has something to tell."""
        return any(call.has_news for call in self._calls)

    def add(self, piece: ToolCallDelta) -> None:
        """Take a piece of a call."""
        while len(self._calls) <= piece.index:
            self._calls.append(_Call())
        call = self._calls[piece.index]
        call.id = call.id or piece.id or ""
        if piece.function is not UNSET:
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.arguments or ""

    def tell(self) -> None:
        """Tell what was added since the last time; a call without a name yet holds up the next."""
        for index, call in enumerate(self._calls):
            if not call.name:
                return
            call.id = call.id or self._draft.id("call", index)
            for delta in self._deltas(index, call):
                change = StepChange(ToolCallsDelta([delta]))
                self._draft.tell("thread.run.step.delta", RunStepDelta(self._opened().id, change))

    def write(self, usage: RunUsage | None) -> None:
        """Tell the rest, and write the calls down; their step stays open for their outputs."""
        self.tell()
        step = self._opened()
        step.step_details = ToolCallsDetails([self._shown(call) for call in self._calls])
        step.usage = usage
        self._draft.write_step(step)
        for index, call in enumerate(self._calls):
            self._draft.write_item(self._item(index, call, step.id))

    def drop(self, usage: RunUsage | None) -> None:
        """End the step, if readers know it: the calls are not made."""
        if self.step is None:
            return
        self.step.status = "failed"
        self.step.failed_at = now_s()
        self.step.last_error = StepError("server_error", _CUT_OFF)
        self.step.usage = usage
        self._draft.close_step(self.step)

    def _opened(self) -> RunStep:
        if self.step is None:
            self.step = self._draft.open_step("calls", "tool_calls", ToolCallsDetails([]))
        return self.step

    def _deltas(self, index: int, call: _Call) -> list[StepToolCallDelta]:
        is_search = call.name == self._search_name
        deltas: list[StepToolCallDelta] = []
        if not call.is_told and is_search:
            deltas.append(FileSearchToolCallDelta(index, call.id))
        elif not call.is_told:
            function = FunctionCallDelta(call.name, "", None)
            deltas.append(FunctionToolCallDelta(index, call.id, function))
        added = call.arguments[call.told_arguments :]
        if added and not is_search:
            deltas.append(FunctionToolCallDelta(index, UNSET, FunctionCallDelta(arguments=added)))
        call.is_told = True
        call.told_arguments = len(call.arguments)
        return deltas

    def _shown(self, call: _Call) -> StepToolCall:
        if call.name == self._search_name:
            return FileSearchToolCall(call.id)
        return FunctionToolCall(call.id, FunctionCall(call.name, call.arguments))

    def _item(self, index: int, call: _Call, step_id: str) -> Item:
        document: dict[str, Any]
        if call.name == self._search_name:
            id_ = self._draft.id("fs", index)
            document = {"type": "file_search_call", "id": id_, "status": "in_progress"}
            document |= {"queries": [], "results": []}
        else:
            id_ = self._draft.id("fc", index)
            document = {"type": "function_call", "id": id_, "status": "completed"}
            document |= {"name": call.name}
        document |= {"call_id": call.id, "arguments": call.arguments}
        return Item(
            id=id_,
            type=document["type"],
            created_at=now_s(),
            document=document,
            run_id=self._draft.run.id,
            step_id=step_id,
            assistant_id=self._draft.run.assistant_id,
        )
