"""Runs on the wire: requests for them, tool outputs, and the run itself.

Pure: knows neither which state follows which nor what an assistant is set to.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from understudy.errors import InvalidValue, MissingParameter
from understudy.wire.assistant_tools import (
    FileSearchTool,
    FunctionName,
    FunctionTool,
    RequestedResponseFormat,
    RequestedToolResources,
    ResponseFormat,
    Tool,
    Tools,
    check_tool_resources,
    check_tools,
    response_format_of,
)
from understudy.wire.assistants import Model, ReasoningEffort, Temperature, TopP
from understudy.wire.base import check_shape
from understudy.wire.dialect import V1, V2, in_latest_words
from understudy.wire.messages import CreateMessage, check_messages
from understudy.wire.metadata import Metadata
from understudy.wire.threads import CreateThread, check_thread
from understudy.wire.vector_stores import Text

RunStatus = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
RunErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
RunIncompleteReason = Literal["max_completion_tokens", "max_prompt_tokens"]
Instructions: TypeAlias = Annotated[str, Meta(max_length=256_000)]
TokenLimit: TypeAlias = Annotated[int, Meta(ge=256)]


# --- choices ----------------------------------------------------------------------------------


class ChosenFunction(Struct):
    """The function that the model must call."""

    name: FunctionName


class NamedToolChoice(Struct, omit_defaults=True):
    """The tool that the model must use; `function` goes with the type of that name."""

    type: Literal["function", "code_interpreter", "file_search", "retrieval"]
    function: ChosenFunction | None = None

    def as_v1(self) -> "NamedToolChoice":
        """Return the v1 form, in which file_search is called retrieval."""
        return NamedToolChoice("retrieval") if self.type == "file_search" else self


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | NamedToolChoice


class TruncationStrategy(Struct):
    """Which messages of the thread the model sees; `last_messages` goes with that type."""

    type: Literal["auto", "last_messages"] = "auto"
    last_messages: Annotated[int, Meta(ge=1)] | None = None


# --- requests ---------------------------------------------------------------------------------


class RunOptions(Struct, kw_only=True):
    """What a request may set for a run of any thread."""

    assistant_id: Annotated[Text, Meta(min_length=1)]
    model: Model | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    stream: bool | None = None
    max_prompt_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: RequestedResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None


class CreateRun(RunOptions, kw_only=True):
    """A request for a run of a thread; None takes what the assistant says."""

    additional_instructions: Instructions | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRun(RunOptions, kw_only=True):
    """A request for a thread and a run of it."""

    thread: CreateThread | None = None
    tool_resources: RequestedToolResources | None = None


class ModifyRun(Struct):
    """What a run can be changed in; null empties the metadata, absence leaves them."""

    metadata: Metadata | UnsetType | None = UNSET


class ToolOutput(Struct):
    """What a function of the client returned; an output that is null or absent is empty."""

    tool_call_id: str
    output: str | None = None


class SubmitToolOutputs(Struct):
    """The outputs of all calls that a run waits for."""

    tool_outputs: list[ToolOutput]
    stream: bool | None = None


def parse_create_run(body: object) -> CreateRun:
    """Return a request for a run. Raises InvalidRequest whose `param` names the field."""
    request = check_shape(in_latest_words(body), CreateRun)
    _check_options(request)
    check_messages(request.additional_messages, "additional_messages")
    return request


def parse_create_thread_and_run(body: object) -> CreateThreadAndRun:
    """Return a request for a thread and its run. Raises InvalidRequest that names the field."""
    request = check_shape(in_latest_words(body), CreateThreadAndRun)
    _check_options(request)
    check_tool_resources(request.tool_resources, "tool_resources")
    if request.thread is not None:
        check_thread(request.thread, "thread.")
    return request


def parse_submit_tool_outputs(body: object) -> SubmitToolOutputs:
    """Return submitted outputs, each call once. Raises InvalidRequest that names the field."""
    request = check_shape(body, SubmitToolOutputs)
    seen: set[str] = set()
    for index, output in enumerate(request.tool_outputs):
        if output.tool_call_id in seen:
            param = f"tool_outputs[{index}].tool_call_id"
            raise InvalidValue(param, f"there is another output for '{output.tool_call_id}'")
        seen.add(output.tool_call_id)
    return request


def _check_options(request: RunOptions) -> None:
    check_tools(request.tools, "tools")
    if request.response_format is not None:
        request.response_format = response_format_of(request.response_format, "response_format")
    if (strategy := request.truncation_strategy) is not None:
        _check_truncation(strategy)
    if isinstance(choice := request.tool_choice, NamedToolChoice):
        request.tool_choice = _checked_choice(choice)


def _check_truncation(strategy: TruncationStrategy) -> None:
    param = "truncation_strategy.last_messages"
    if strategy.type == "last_messages" and strategy.last_messages is None:
        raise MissingParameter(param)
    if strategy.type == "auto" and strategy.last_messages is not None:
        raise InvalidValue(param, "it goes with the type 'last_messages' only")


def _checked_choice(choice: NamedToolChoice) -> NamedToolChoice:
    if choice.type == "function" and choice.function is None:
        raise MissingParameter("tool_choice.function")
    return choice if choice.type == "function" else NamedToolChoice(choice.type)


def check_chosen_tool(choice: ToolChoice, tools: Iterable[Tool]) -> None:
    """Raise InvalidValue unless a run that has `tools` can obey `choice`."""
    offered = {_name_of(tool) for tool in tools}
    if choice == "required" and not offered:
        raise InvalidValue("tool_choice", "the run has no tools, so none can be required")
    if isinstance(choice, str):
        return
    name = choice.function.name if choice.function else None
    if (choice.type, name) not in offered:
        raise InvalidValue("tool_choice", f"the run has no tool '{name or choice.type}'")


def _name_of(tool: Tool) -> tuple[str, str | None]:
    if isinstance(tool, FunctionTool):
        return "function", tool.function.name
    return ("file_search" if isinstance(tool, FileSearchTool) else "code_interpreter"), None


# --- answers ----------------------------------------------------------------------------------


class CalledFunction(Struct):
    """The function of a call, its arguments as JSON in a string."""

    name: str
    arguments: str


class ToolCall(Struct):
    """A call that a run waits for."""

    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class PendingCalls(Struct):
    """The calls whose outputs are to be submitted."""

    tool_calls: list[ToolCall]


class RequiredAction(Struct):
    """What a client has to do before the run goes on."""

    submit_tool_outputs: PendingCalls
    type: Literal["submit_tool_outputs"] = "submit_tool_outputs"


class LastError(Struct):
    """Why a run failed."""

    code: RunErrorCode
    message: str


class IncompleteDetails(Struct):
    """Why a run is incomplete."""

    reason: RunIncompleteReason


class RunUsage(Struct):
    """Tokens of a run or of a step."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Run(Struct, kw_only=True):
    """A run. `usage` is null until it ends; `reasoning_effort` is omitted rather than null."""

    id: str
    created_at: int
    thread_id: str
    assistant_id: str
    model: str
    status: RunStatus = "queued"
    required_action: RequiredAction | None = None
    last_error: LastError | None = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str = ""
    tools: list[Tool] = []
    metadata: dict[str, str] = {}
    usage: RunUsage | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: TruncationStrategy = field(default_factory=TruncationStrategy)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: Annotated[bool, V2] = True
    response_format: ResponseFormat | None = "auto"
    reasoning_effort: Annotated[str | UnsetType, V2] = UNSET
    file_ids: Annotated[list[str], V1] = []
    object: Literal["thread.run"] = "thread.run"

    def as_v1(self) -> "Run":
        """Return the v1 form, whose statuses have no `incomplete`."""
        if self.status != "incomplete":
            return self
        return structs.replace(self, status="completed")
