"""Responses on the wire: the request judged, the response as answered, and what it echoes.

Every parameter of the API is honoured, refused by name, or passed to the model's engine, which
names in `x-understudy-ignored` what it cannot use. Pure: knows no store and no model.
"""

from typing import Annotated, Any, Literal, TypeAlias, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from understudy.errors import InvalidRequest, InvalidValue, MissingParameter, UnsupportedParameter
from understudy.wire.assistants import Model
from understudy.wire.base import check_shape
from understudy.wire.chat import Penalty, Probability
from understudy.wire.kept_json import check_kept_json
from understudy.wire.metadata import Metadata
from understudy.wire.response_items import ItemDocument, input_items
from understudy.wire.response_options import (
    Reasoning,
    StreamOptions,
    TextOptions,
    check_reasoning,
    check_text,
    echoed_reasoning,
    echoed_text,
)
from understudy.wire.response_tools import (
    ResponseTools,
    ToolChoice,
    check_choice,
    check_choice_type,
    check_tool_types,
    check_tools,
    echoed_tools,
)
from understudy.wire.vector_stores import Text

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
IncompleteReason = Literal["max_output_tokens", "content_filter"]
Include = Literal[
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "web_search_call.action.sources",
    "web_search_call.results",
]
"""The last four belong to tools that are refused, so they find nothing to include."""
_Id: TypeAlias = Annotated[Text, Meta(min_length=1, max_length=256)]

_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "functions": "tools",
    "function_call": "tool_choice",
    "logprobs": "include",
}
"""Parameters of chat completions that the Responses API calls otherwise."""
_WITHOUT = {
    "prompt": "templates of prompts are kept by OpenAI. Send their text as 'instructions'",
    "context_management": "nothing is compacted on its own. Use 'truncation', or send the items "
    "to POST /v1/responses/compact",
    "moderation": "use POST /v1/moderations for input and output",
    "personality": "say in 'instructions' how the model shall speak",
    "n": "a response is one answer. Send the request several times",
    "audio": "use chat completions, or POST /v1/audio/speech",
    "modalities": "answers are text. Use chat completions, or POST /v1/audio/speech",
    "prediction": "use chat completions",
    "web_search_options": "offer the model a function or an MCP server that searches",
}
"""Parameters that are refused, with the remedy."""


# --- the request ------------------------------------------------------------------------------


class ConversationReference(Struct):
    """A conversation by its id."""

    id: _Id


class CreateResponse(Struct, kw_only=True, omit_defaults=True):
    """A judged request: `input` as items, `conversation` as an id, None where nothing was said.

    `unknown` holds the fields that nobody here knows, for the engine. A request survives
    `msgspec.to_builtins` and `msgspec.convert`, so it can be kept for later.
    """

    input: list[ItemDocument] = []
    model: Model | None = None
    instructions: Text | None = None
    previous_response_id: _Id | None = None
    conversation: _Id | ConversationReference | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    include: list[Include] | None = None
    tools: ResponseTools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    text: TextOptions | None = None
    reasoning: Reasoning | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Probability | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Metadata | None = None
    user: Text | None = None
    safety_identifier: Annotated[Text, Meta(max_length=64)] | None = None
    prompt_cache_key: Text | None = None
    prompt_cache_retention: Literal["in_memory", "in-memory", "24h"] | None = None
    prompt_cache_options: dict[str, Any] | None = None
    service_tier: (
        Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None
    ) = None
    unknown: dict[str, Any] = {}

    @property
    def is_stored(self) -> bool:
        """Whether the response is kept."""
        return self.store is not False

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation that the response belongs to."""
        given = self.conversation
        return given.id if isinstance(given, ConversationReference) else given

    @property
    def reasoning_summary(self) -> bool:
        """Whether what the model thought is shown as a summary."""
        asked = self.reasoning
        return asked is not None and bool(asked.summary or asked.generate_summary)

    @property
    def wants_logprobs(self) -> bool:
        """Whether tokens come with their probabilities."""
        return "message.output_text.logprobs" in (self.include or ())


_PARAMETERS = frozenset(CreateResponse.__struct_fields__) - {"unknown"}


def parse_create(body: object) -> CreateResponse:
    """Return a request for a response. Raises InvalidRequest whose `param` names the field."""
    wanted = _parse(body)
    if not (wanted.input or wanted.previous_response_id or wanted.conversation):
        raise MissingParameter("input")
    if wanted.background and not wanted.is_stored:
        raise InvalidValue(
            "background",
            "a response in the background has to be stored. Leave out 'store', or 'background'",
        )
    if wanted.conversation and not wanted.is_stored:
        raise InvalidValue(
            "store",
            "a conversation keeps what was said in it. Leave out 'store', or 'conversation'",
        )
    return wanted


def parse_input_tokens(body: object) -> CreateResponse:
    """Return a request for the number of tokens that an input has; nothing in it is required."""
    return _parse(body)


def parse_compact(body: object) -> CreateResponse:
    """Return a request for a compaction. Raises InvalidRequest whose `param` names the field."""
    wanted = _parse(body)
    if wanted.model is None:
        raise MissingParameter("model")
    if not (wanted.input or wanted.previous_response_id):
        raise MissingParameter("input")
    return wanted


def _parse(request: object) -> CreateResponse:
    body = check_shape(request, dict[str, Any])
    _refuse(body)
    given = {name: value for name, value in body.items() if name in _PARAMETERS}
    check_tool_types(given.get("tools"), "tools")
    check_choice_type(given.get("tool_choice"))
    _check_include(given.get("include"))
    items = given.pop("input", None)
    if items is not None and not isinstance(items, str | list):
        raise InvalidValue("input", "expected a string or an array of items")
    wanted = check_shape(given, CreateResponse)
    wanted.input = [] if items is None else input_items(items)
    wanted.conversation = wanted.conversation_id
    wanted.unknown = {
        name: value for name, value in body.items() if name not in _PARAMETERS and value is not None
    }
    _check(wanted)
    if wanted.top_logprobs and not wanted.wants_logprobs:
        wanted.include = [*(wanted.include or ()), "message.output_text.logprobs"]
    return wanted


def _refuse(body: dict[str, Any]) -> None:
    """Raise for what has another name here, and for what this server does not do."""
    for name, value in body.items():
        if value is None:
            continue
        if (here := _MOVED.get(name)) is not None:
            raise UnsupportedParameter(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved "
                f"to '{here}'.",
                param=name,
            )
        if (remedy := _WITHOUT.get(name)) is not None:
            raise UnsupportedParameter(f"'{name}' is not supported: {remedy}.", param=name)


def _check_include(include: object) -> None:
    known = get_args(Include)
    for index, one in enumerate(include if isinstance(include, list) else ()):
        if one not in known:
            said = f"'{one}' is not supported; expected one of {', '.join(known)}"
            raise InvalidValue(f"include[{index}]", said)


def _check(wanted: CreateResponse) -> None:
    check_tools(wanted.tools or (), "tools")
    if wanted.tool_choice is not None:
        check_choice(wanted.tool_choice, wanted.tools or ())
    if wanted.previous_response_id and wanted.conversation:
        raise InvalidRequest(
            "Mutually exclusive parameters: give either 'previous_response_id' or 'conversation', "
            "since both say what came before.",
            param="previous_response_id",
            code="mutually_exclusive_parameters",
        )
    if wanted.stream_options is not None and not wanted.stream:
        raise InvalidValue("stream_options", "it is only allowed when 'stream' is true")
    if wanted.text is not None:
        check_text(wanted.text)
    if wanted.reasoning is not None:
        check_reasoning(wanted.reasoning)
    check_kept_json(wanted.prompt_cache_options, "prompt_cache_options")
    for name, value in wanted.unknown.items():
        check_kept_json(value, name)


# --- the answer -------------------------------------------------------------------------------


class InputTokensDetails(Struct):
    """What the tokens of the input were."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(Struct):
    """What the tokens of the output were."""

    reasoning_tokens: int = 0


class ResponseUsage(Struct):
    """Token counts of a response, over all of its turns."""

    input_tokens: int = 0
    input_tokens_details: InputTokensDetails = field(default_factory=InputTokensDetails)
    output_tokens: int = 0
    output_tokens_details: OutputTokensDetails = field(default_factory=OutputTokensDetails)
    total_tokens: int = 0


class ResponseError(Struct):
    """Why a response failed; the codes are a closed set."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(Struct):
    """Why a response is incomplete."""

    reason: IncompleteReason


class Response(Struct, kw_only=True):
    """A response as it is answered; what is UNSET is omitted, never null."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: ResponseStatus
    background: bool
    completed_at: int | None = None
    conversation: ConversationReference | None
    error: ResponseError | None = None
    frequency_penalty: float
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: dict[str, str]
    model: str
    output: list[ItemDocument] = []
    parallel_tool_calls: bool
    presence_penalty: float
    previous_response_id: str | None
    prompt_cache_key: str | None
    prompt_cache_retention: str | None
    prompt_cache_options: dict[str, Any] | UnsetType = UNSET
    reasoning: dict[str, Any]
    safety_identifier: str | None
    service_tier: str
    store: bool
    temperature: float
    text: dict[str, Any] | UnsetType = UNSET
    tool_choice: ToolChoice
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float
    truncation: Literal["auto", "disabled"]
    usage: ResponseUsage | UnsetType = UNSET
    user: str | UnsetType = UNSET


class DeletedResponse(Struct):
    """The answer to the deletion of a response; the specification has none."""

    id: str
    object: Literal["response"] = "response"
    deleted: bool = True


class InputTokens(Struct):
    """How many tokens an input has."""

    input_tokens: int
    object: Literal["response.input_tokens"] = "response.input_tokens"


class Compacted(Struct):
    """A conversation made short."""

    id: str
    created_at: int
    output: list[ItemDocument]
    usage: ResponseUsage
    object: Literal["response.compaction"] = "response.compaction"


def echoed(
    wanted: CreateResponse, *, id_: str, created_at: int, model: str, status: ResponseStatus
) -> Response:
    """Return the response to `wanted` without output, with OpenAI's values for what it left out."""
    conversation_id = wanted.conversation_id
    tier = wanted.service_tier
    return Response(
        id=id_,
        created_at=created_at,
        status=status,
        background=bool(wanted.background),
        conversation=ConversationReference(conversation_id) if conversation_id else None,
        frequency_penalty=_or(wanted.frequency_penalty, 0.0),
        instructions=wanted.instructions,
        max_output_tokens=wanted.max_output_tokens,
        max_tool_calls=wanted.max_tool_calls,
        metadata=wanted.metadata or {},
        model=model,
        parallel_tool_calls=wanted.parallel_tool_calls is not False,
        presence_penalty=_or(wanted.presence_penalty, 0.0),
        previous_response_id=wanted.previous_response_id,
        prompt_cache_key=wanted.prompt_cache_key,
        prompt_cache_retention=_retention(wanted),
        prompt_cache_options=_cache_options(wanted),
        reasoning=echoed_reasoning(wanted.reasoning or Reasoning()),
        safety_identifier=wanted.safety_identifier,
        service_tier="default" if tier in (None, "auto") else tier,
        store=wanted.is_stored,
        temperature=_or(wanted.temperature, 1.0),
        text=echoed_text(wanted.text or TextOptions()),
        tool_choice=wanted.tool_choice or "auto",
        tools=echoed_tools(wanted.tools or ()),
        top_logprobs=wanted.top_logprobs or 0,
        top_p=_or(wanted.top_p, 1.0),
        truncation=wanted.truncation or "disabled",
        user=UNSET if wanted.user is None else wanted.user,
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _retention(wanted: CreateResponse) -> str | None:
    """Return the retention as the API spells it; SDKs send another spelling as well."""
    given = wanted.prompt_cache_retention
    return "in_memory" if given == "in-memory" else given


def _cache_options(wanted: CreateResponse) -> dict[str, Any] | UnsetType:
    if wanted.prompt_cache_options is None:
        return UNSET
    return {"ttl": "30m", "mode": "implicit", **wanted.prompt_cache_options}
