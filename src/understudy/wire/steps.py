"""Steps of runs on the wire: messages that were made and tools that were called.

Pure: knows neither the model nor the search.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from understudy.errors import InvalidValue
from understudy.wire.assistant_tools import Ranker
from understudy.wire.runs import RunUsage

StepType = Literal["message_creation", "tool_calls"]
StepStatus = Literal["in_progress", "cancelled", "failed", "completed", "expired"]
StepErrorCode = Literal["server_error", "rate_limit_exceeded"]
Include = Literal["step_details.tool_calls[*].file_search.results[*].content"]
"""What a request may ask for in addition."""

_INCLUDE_NAMES = frozenset({"include", "include[]"})
_RESULT_CONTENT: Include = "step_details.tool_calls[*].file_search.results[*].content"


# --- calls of tools ---------------------------------------------------------------------------


class FunctionCall(Struct):
    """A call of a function of the client; its output is null until it is submitted."""

    name: str
    arguments: str
    output: str | None = None


class FunctionToolCall(Struct, tag="function", tag_field="type"):
    """A step's call of a function."""

    id: str
    function: FunctionCall


class UsedRanking(Struct):
    """How the results of a search were ranked."""

    ranker: Ranker
    score_threshold: float


class ResultContent(Struct):
    """A piece of text that was found."""

    text: str
    type: Literal["text"] = "text"


class FileSearchResult(Struct):
    """A file that was found; its content is left out unless it is asked for."""

    file_id: str
    file_name: str
    score: Annotated[float, Meta(ge=0, le=1)]
    content: list[ResultContent] | UnsetType = UNSET


class FileSearch(Struct):
    """A search; both fields are omitted until it is done."""

    ranking_options: UsedRanking | UnsetType = UNSET
    results: list[FileSearchResult] | UnsetType = UNSET


class RetrievalToolCall(Struct, tag="retrieval", tag_field="type"):
    """How v1 shows a search: without results."""

    id: str
    retrieval: dict[str, str] = {}


class FileSearchToolCall(Struct, tag="file_search", tag_field="type"):
    """A step's search of files."""

    id: str
    file_search: FileSearch = field(default_factory=FileSearch)

    def as_v1(self) -> RetrievalToolCall:
        """Return the v1 form."""
        return RetrievalToolCall(self.id)


class CodeLogs(Struct, tag="logs", tag_field="type"):
    """What code printed."""

    logs: str


class CodeImageFile(Struct):
    """An image file that code made."""

    file_id: str


class CodeImage(Struct, tag="image", tag_field="type"):
    """An image that code made."""

    image: CodeImageFile


class CodeRun(Struct):
    """Code that was run, and what came out."""

    input: str
    outputs: list[CodeLogs | CodeImage]


class CodeInterpreterToolCall(Struct, tag="code_interpreter", tag_field="type"):
    """A step's run of code; imported objects have them."""

    id: str
    code_interpreter: CodeRun


StepToolCall: TypeAlias = FunctionToolCall | FileSearchToolCall | CodeInterpreterToolCall


# --- steps ------------------------------------------------------------------------------------


class CreatedMessage(Struct):
    """The message that a step makes."""

    message_id: str


class MessageCreationDetails(Struct, tag="message_creation", tag_field="type"):
    """Details of a step that makes a message."""

    message_creation: CreatedMessage


class ToolCallsDetails(Struct, tag="tool_calls", tag_field="type"):
    """Details of a step that calls tools."""

    tool_calls: list[StepToolCall]


StepDetails: TypeAlias = MessageCreationDetails | ToolCallsDetails


class StepError(Struct):
    """Why a step failed."""

    code: StepErrorCode
    message: str


class RunStep(Struct, kw_only=True):
    """A step of a run. `usage` is null until it ends."""

    id: str
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: StepType
    step_details: StepDetails
    status: StepStatus = "in_progress"
    last_error: StepError | None = None
    expired_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    metadata: dict[str, str] = {}
    usage: RunUsage | None = None
    object: Literal["thread.run.step"] = "thread.run.step"


def include_of(parameters: Iterable[tuple[str, str]]) -> frozenset[Include]:
    """Return what a query asks for with `include` or `include[]`. Raises InvalidValue."""
    known: tuple[Include, ...] = get_args(Include)
    included: set[Include] = set()
    for name, value in parameters:
        if name not in _INCLUDE_NAMES:
            continue
        if value not in known:
            raise InvalidValue("include", f"expected {', '.join(known)}")
        included.add(known[known.index(value)])
    return frozenset(included)


def with_included(step: RunStep, include: frozenset[Include]) -> RunStep:
    """Return `step` with the content of search results only if it is asked for."""
    if _RESULT_CONTENT in include or not isinstance(step.step_details, ToolCallsDetails):
        return step
    calls = [_without_content(call) for call in step.step_details.tool_calls]
    return structs.replace(step, step_details=ToolCallsDetails(calls))


def _without_content(call: StepToolCall) -> StepToolCall:
    if not isinstance(call, FileSearchToolCall) or call.file_search.results is UNSET:
        return call
    results = [structs.replace(result, content=UNSET) for result in call.file_search.results]
    return FileSearchToolCall(call.id, structs.replace(call.file_search, results=results))
