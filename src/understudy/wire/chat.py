"""Chat completions on the wire: the request's types, the answer, and the chunks of a stream.

Requests travel as the plain dict that was parsed, so that fields nobody here knows (an upstream's
`enable_thinking`) survive; `ChatRequestShape` only judges them. Answers are msgspec structs: a
field that is UNSET is omitted, a field that is None is written as null.
"""

from typing import Annotated, Any, Literal, TypeAlias, TypedDict

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from understudy.wire.metadata import Metadata

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class ChatRequest(TypedDict, total=False):
    """A chat request after parsing and validation; unknown keys may be present as well."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool | None
    stream_options: dict[str, Any] | None
    temperature: float | None
    top_p: float | None
    n: int | None
    stop: str | list[str] | None
    max_tokens: int | None
    max_completion_tokens: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: dict[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    seed: int | None
    user: str | None
    tools: list[dict[str, Any]] | None
    tool_choice: str | dict[str, Any] | None
    parallel_tool_calls: bool | None
    functions: list[dict[str, Any]] | None
    function_call: str | dict[str, Any] | None
    response_format: dict[str, Any] | None
    store: bool | None
    metadata: dict[str, str] | None
    reasoning_effort: str | None


class PromptTokensDetails(Struct, omit_defaults=False):
    """What the prompt's tokens were."""

    cached_tokens: int = 0
    audio_tokens: int = 0


class CompletionTokensDetails(Struct):
    """What the completion's tokens were."""

    reasoning_tokens: int = 0
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class Usage(Struct):
    """Token counts of one completion; the details are objects, never null."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: PromptTokensDetails = msgspec.field(default_factory=PromptTokensDetails)
    completion_tokens_details: CompletionTokensDetails = msgspec.field(
        default_factory=CompletionTokensDetails
    )


class FunctionCall(Struct):
    """A call's name and its arguments, which are JSON text."""

    name: str
    arguments: str


class ToolCall(Struct):
    """One complete tool call of an assistant message."""

    id: str
    function: FunctionCall
    type: str = "function"


class Message(Struct):
    """The assistant message of a plain answer."""

    role: str = "assistant"
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET
    function_call: FunctionCall | UnsetType = UNSET
    annotations: list[dict[str, Any]] | UnsetType = UNSET
    audio: dict[str, Any] | UnsetType = UNSET


class Choice(Struct):
    """One of the `n` answers."""

    index: int
    message: Message
    finish_reason: str | None
    logprobs: dict[str, Any] | None = None


class ChatCompletion(Struct):
    """A plain (not streamed) chat completion."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    object: str = "chat.completion"
    system_fingerprint: str | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET


class FunctionDelta(Struct):
    """A piece of a call: the name comes once, the arguments are concatenated."""

    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


class ToolCallDelta(Struct):
    """A piece of the tool call number `index`; id, type and name only in its first piece."""

    index: int
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    function: FunctionDelta | UnsetType = UNSET


class Delta(Struct):
    """What a chunk adds to a message: it omits what does not change, and never holds a null."""

    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType = UNSET
    function_call: FunctionDelta | UnsetType = UNSET
    annotations: list[dict[str, Any]] | UnsetType = UNSET
    audio: dict[str, Any] | UnsetType = UNSET


class ChunkChoice(Struct):
    """One choice's part of a chunk; `finish_reason` is null on all but the choice's last."""

    index: int
    delta: Delta
    finish_reason: str | None = None
    logprobs: dict[str, Any] | UnsetType | None = UNSET


class ChatChunk(Struct):
    """One event of a chat stream. `usage` is set on the last chunk that an engine yields."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | UnsetType | None = UNSET
    object: str = "chat.completion.chunk"
    system_fingerprint: str | UnsetType = UNSET
    service_tier: str | UnsetType = UNSET


# --- the request's types, judged before any engine sees it ------------------------------------

Probability = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Count = Annotated[int, Meta(ge=1)]
FunctionName: TypeAlias = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_.\-]{1,128}$")]
Content: TypeAlias = str | list[dict[str, Any]] | None


class StreamOptions(Struct):
    """`stream_options` of a streamed request."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class FunctionDefinition(Struct):
    """A function that the model may call; legal without `parameters`."""

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolDefinition(Struct):
    """An entry of `tools`; `custom` tools have `custom` in place of `function`."""

    type: Literal["function", "custom"]
    function: FunctionDefinition | None = None
    custom: dict[str, Any] | None = None


class JsonSchemaFormat(Struct):
    """`response_format.json_schema`."""

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_\-]{1,64}$")]
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(Struct):
    """`response_format`: text, json_object, or json_schema with its schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


class RequestedFunctionCall(Struct):
    """A call inside a message of the history."""

    name: str
    arguments: str | None = None


class RequestedToolCall(Struct):
    """A tool call inside an assistant message of the history."""

    id: str
    type: Literal["function", "custom"] = "function"
    function: RequestedFunctionCall | None = None
    custom: dict[str, Any] | None = None


class RequestedMessage(Struct):
    """A message of the history, any role; which fields a role needs is judged in `chat/`."""

    role: Role
    content: str | list[dict[str, Any]] | dict[str, Any] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[RequestedToolCall] | None = None
    function_call: RequestedFunctionCall | None = None
    refusal: str | None = None


class ChatRequestShape(Struct):
    """Types and bounds of a chat request's known fields; unknown fields pass."""

    messages: Annotated[list[RequestedMessage], Meta(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Probability | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    seed: int | None = None
    user: str | None = None
    tools: Annotated[list[ToolDefinition], Meta(max_length=128)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[FunctionDefinition], Meta(min_length=1, max_length=128)] | None = None
    function_call: str | dict[str, Any] | None = None
    response_format: ResponseFormat | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: dict[str, Any] | None = None
    prediction: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None
    moderation: dict[str, Any] | None = None
