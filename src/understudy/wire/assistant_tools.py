"""What an assistant can use: its tools, what they work on, and the format of its answers.

Shared by assistants, threads, messages and runs. Pure: knows no store of files or vectors.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from understudy.errors import InvalidValue
from understudy.wire.json_schemas import check_schema
from understudy.wire.kept_json import check_kept_json
from understudy.wire.metadata import Metadata
from understudy.wire.vector_stores import ChunkingStrategy, FileId, Text, static_chunking

_MOST_FILES_OF_A_STORE = 10_000

Ranker = Literal["auto", "default_2024_08_21"]
FunctionName: TypeAlias = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}(?!\n)$")]
"""Without `(?!\\n)`, `$` would let a line break follow."""


# --- tools ------------------------------------------------------------------------------------


class CodeInterpreterTool(Struct, tag="code_interpreter", tag_field="type"):
    """The tool code_interpreter, which has no options."""


class FileSearchRankingOptions(Struct):
    """How the tool ranks what it finds."""

    ranker: Ranker = "auto"
    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0


class FileSearchOptions(Struct, omit_defaults=True):
    """Options of the tool file_search; None is omitted."""

    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: FileSearchRankingOptions | None = None


class RetrievalTool(Struct, tag="retrieval", tag_field="type"):
    """How v1 calls the tool file_search. Requests are read as `file_search`."""


class FileSearchTool(Struct, tag="file_search", tag_field="type", omit_defaults=True):
    """The tool that searches the files of the assistant and of the thread."""

    file_search: FileSearchOptions | None = None

    def as_v1(self) -> RetrievalTool:
        """Return the v1 form, which has no options."""
        return RetrievalTool()


class FunctionDefinition(Struct, omit_defaults=True):
    """A function that the client runs; legal without `parameters`. None is omitted."""

    name: FunctionName
    description: Text | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Struct, tag="function", tag_field="type"):
    """A tool that is a function of the client."""

    function: FunctionDefinition


Tool: TypeAlias = CodeInterpreterTool | FileSearchTool | FunctionTool
Tools: TypeAlias = Annotated[list[Tool], Meta(max_length=128)]
"""At most 128; the description's 20 on a run is older than its 128 on an assistant."""


def check_tools(tools: Sequence[Tool] | None, param: str) -> None:
    """Raise InvalidRequest for parameters that are no JSON Schema, or a name that is there twice.

    `param` is where the list stands in the request, e.g. `tools`.
    """
    names: set[str] = set()
    for index, tool in enumerate(tools or ()):
        if not isinstance(tool, FunctionTool):
            continue
        at = f"{param}[{index}].function"
        function = tool.function
        if function.name in names:
            raise InvalidValue(f"{at}.name", f"there is another function '{function.name}'")
        names.add(function.name)
        _check_kept_schema(function.parameters, f"{at}.parameters")


def _check_kept_schema(schema: dict[str, Any] | None, param: str) -> None:
    """Raise InvalidRequest for what is no JSON Schema, or cannot be stored as JSON everywhere."""
    check_kept_json(schema, param)
    check_schema(schema, param)


# --- what tools work on -----------------------------------------------------------------------


class CodeInterpreterResources(Struct):
    """Files for the tool code_interpreter."""

    file_ids: Annotated[list[FileId], Meta(max_length=20)] = []


class FileSearchResources(Struct):
    """Vector stores for the tool file_search."""

    vector_store_ids: list[str] = []


class ToolResources(Struct, omit_defaults=True):
    """What an assistant's or a thread's tools work on; a member is omitted, never null."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: FileSearchResources | None = None


class NewVectorStore(Struct):
    """A vector store to make and attach in the same request."""

    file_ids: Annotated[list[FileId], Meta(max_length=_MOST_FILES_OF_A_STORE)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    metadata: Metadata | None = None


class RequestedFileSearchResources(Struct):
    """Vector stores for the tool file_search, by id or to be made; only one of the two."""

    vector_store_ids: Annotated[list[FileId], Meta(max_length=1)] | None = None
    vector_stores: Annotated[list[NewVectorStore], Meta(max_length=1)] | None = None


class RequestedToolResources(Struct):
    """`tool_resources` of a request."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: RequestedFileSearchResources | None = None


def check_tool_resources(resources: RequestedToolResources | None, param: str) -> None:
    """Raise InvalidRequest for stores both named and to be made, and for wrong sizes of chunks."""
    if resources is None or (search := resources.file_search) is None:
        return
    at = f"{param}.file_search.vector_stores"
    if search.vector_stores and search.vector_store_ids:
        raise InvalidValue(at, "it cannot be given together with 'vector_store_ids'")
    for index, store in enumerate(search.vector_stores or ()):
        static_chunking(store.chunking_strategy, f"{at}[{index}].chunking_strategy")


# --- the format of answers --------------------------------------------------------------------


class TextFormat(Struct, tag="text", tag_field="type"):
    """Plain text."""


class JsonObjectFormat(Struct, tag="json_object", tag_field="type"):
    """Any JSON object."""


class JsonSchema(Struct, omit_defaults=True):
    """A schema that answers obey. None is omitted."""

    name: FunctionName
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: Text | None = None


class JsonSchemaFormat(Struct, tag="json_schema", tag_field="type"):
    """JSON that obeys a schema."""

    json_schema: JsonSchema


ResponseFormat: TypeAlias = Literal["auto"] | TextFormat | JsonObjectFormat | JsonSchemaFormat
RequestedResponseFormat: TypeAlias = ResponseFormat | Literal["none"]
"""v1 knew `none`, which meant what `auto` means."""


def response_format_of(requested: RequestedResponseFormat | None, param: str) -> ResponseFormat:
    """Return the format that a request asks for, `auto` where it says nothing.

    Raises InvalidRequest for a schema that is none.
    """
    if requested is None or requested == "none" or requested == "auto":
        return "auto"
    if isinstance(requested, JsonSchemaFormat):
        _check_kept_schema(requested.json_schema.schema, f"{param}.json_schema.schema")
    return requested
