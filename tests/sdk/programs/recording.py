"""A client of the openai package whose answers are kept as they came, and judged by the package's
own models, strictly: the package itself builds its objects without validating.
"""

import importlib
import re
from typing import Any, Literal

import openai
import pydantic
from reporting import as_described

VERSION = tuple(int(part) for part in openai.__version__.split(".")[:2])
HAS_VECTOR_STORES = VERSION >= (1, 21)
HAS_OWN_VECTOR_STORES = VERSION >= (1, 66)
HAS_UPLOADS = VERSION >= (1, 36)
HAS_STORED_CHATS = VERSION >= (1, 60)
HAS_RESPONSES = VERSION >= (2, 0)
_PREFIXES = "file-|vs_|vsfb_|upload_|chatcmpl-|asst_|thread_|msg_|run_|step_|resp_|conv_"
_IDS = re.compile(rf"(?<=/)(?:{_PREFIXES})[^/]+")


def faults_in(model: pydantic.TypeAdapter[Any], value: Any) -> list[str]:
    """Return what a model of the package finds wrong with a value, strictly."""
    try:
        model.validate_python(value, strict=True)
    except pydantic.ValidationError as error:
        return [f"{fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return []


class Recorder:
    """Keeps every JSON answer to `client`, with what the package's model finds wrong with it."""

    def __init__(self) -> None:
        httpx = importlib.import_module("httpx2" if VERSION >= (3, 0) else "httpx")
        self._models = _models()
        self._answers: list[Any] = []
        http = httpx.Client(event_hooks={"response": [self._keep]}, timeout=30)
        self.client = openai.OpenAI(http_client=http, max_retries=0)

    def taken(self) -> list[Any]:
        """Return the answers since the last call, each with its route, status and faults."""
        taken, self._answers = self._answers, []
        return taken

    def _keep(self, response: Any) -> None:
        if response.headers["content-type"] != "application/json":
            return
        response.read()
        path = response.request.url.path.removeprefix("/v1")
        route = f"{response.request.method} {path}"
        faults = [] if response.is_error else self._faults(_IDS.sub("*", route), response.json())
        self._answers.append(
            {
                "route": route,
                "status": response.status_code,
                "answer": response.json(),
                "faults": faults,
            }
        )

    def _faults(self, route: str, answer: Any) -> list[str]:
        try:
            self._models[route].model_validate(as_described(route, answer), strict=True)
        except pydantic.ValidationError as error:
            return [f"{e['loc']}: {e['msg']}" for e in error.errors() if not _is_renamed(e["loc"])]
        return []


def _is_renamed(place: tuple[Any, ...]) -> bool:
    """Tell what was renamed after this release, while the header that names the dialect stayed."""
    return not HAS_OWN_VECTOR_STORES and place[-2:] == ("last_error", "code")


def _models() -> dict[str, Any]:
    """Return, by route, the model of the answer in this release of the package."""
    models = _models_of_files() | _models_of_assistants() | _models_of_runs()
    if HAS_VECTOR_STORES:
        models |= _models_of_vector_stores()
    if HAS_OWN_VECTOR_STORES:
        models |= _models_of_search()
    if HAS_UPLOADS:
        models |= _models_of_uploads()
    if HAS_STORED_CHATS:
        models |= _models_of_chats()
    if HAS_RESPONSES:
        models |= _models_of_responses() | _models_of_conversations()
    return models


def _models_of_files() -> dict[str, Any]:
    from openai.pagination import SyncPage
    from openai.types import FileDeleted, FileObject

    return {
        "POST /files": FileObject,
        "GET /files": SyncPage[FileObject],
        "GET /files/*": FileObject,
        "DELETE /files/*": FileDeleted,
    }


def _models_of_assistants() -> dict[str, Any]:
    from openai.pagination import SyncCursorPage
    from openai.types.beta import Assistant, AssistantDeleted, Thread, ThreadDeleted
    from openai.types.beta.threads import Message

    return {
        "POST /assistants": Assistant,
        "GET /assistants": SyncCursorPage[Assistant],
        "GET /assistants/*": Assistant,
        "POST /assistants/*": Assistant,
        "DELETE /assistants/*": AssistantDeleted,
        "POST /threads": Thread,
        "GET /threads/*": Thread,
        "POST /threads/*": Thread,
        "DELETE /threads/*": ThreadDeleted,
        "POST /threads/*/messages": Message,
        "GET /threads/*/messages": SyncCursorPage[Message],
        "GET /threads/*/messages/*": Message,
        "POST /threads/*/messages/*": Message,
    }


def _models_of_runs() -> dict[str, Any]:
    from openai.pagination import SyncCursorPage
    from openai.types.beta.threads import Run
    from openai.types.beta.threads.runs import RunStep

    run = "/threads/*/runs/*"
    return {
        "POST /threads/runs": Run,
        "POST /threads/*/runs": Run,
        "GET /threads/*/runs": SyncCursorPage[Run],
        f"GET {run}": Run,
        f"POST {run}": Run,
        f"POST {run}/cancel": Run,
        f"POST {run}/submit_tool_outputs": Run,
        f"GET {run}/steps": SyncCursorPage[RunStep],
        f"GET {run}/steps/*": RunStep,
    }


def _models_of_uploads() -> dict[str, Any]:
    from openai.types import Upload
    from openai.types.uploads import UploadPart

    return {
        "POST /uploads": Upload,
        "POST /uploads/*/parts": UploadPart,
        "POST /uploads/*/complete": Upload,
        "POST /uploads/*/cancel": Upload,
    }


def _models_of_vector_stores() -> dict[str, Any]:
    from openai.pagination import SyncCursorPage

    types = importlib.import_module(
        "openai.types" if HAS_OWN_VECTOR_STORES else "openai.types.beta"
    )
    parts = importlib.import_module(f"{types.__name__}.vector_stores")
    store, file, batch = (
        "/vector_stores/*",
        "/vector_stores/*/files",
        "/vector_stores/*/file_batches",
    )
    return {
        "POST /vector_stores": types.VectorStore,
        "GET /vector_stores": SyncCursorPage[types.VectorStore],
        f"GET {store}": types.VectorStore,
        f"POST {store}": types.VectorStore,
        f"DELETE {store}": types.VectorStoreDeleted,
        f"POST {file}": parts.VectorStoreFile,
        f"GET {file}": SyncCursorPage[parts.VectorStoreFile],
        f"GET {file}/*": parts.VectorStoreFile,
        f"POST {file}/*": parts.VectorStoreFile,
        f"DELETE {file}/*": parts.VectorStoreFileDeleted,
        f"POST {batch}": parts.VectorStoreFileBatch,
        f"GET {batch}/*": parts.VectorStoreFileBatch,
        f"POST {batch}/*/cancel": parts.VectorStoreFileBatch,
        f"GET {batch}/*/files": SyncCursorPage[parts.VectorStoreFile],
    }


def _models_of_search() -> dict[str, Any]:
    from openai.pagination import SyncPage
    from openai.types import VectorStoreSearchResponse
    from openai.types.vector_stores import FileContentResponse

    return {
        "POST /vector_stores/*/search": SyncPage[VectorStoreSearchResponse],
        "GET /vector_stores/*/files/*/content": SyncPage[FileContentResponse],
    }


def _models_of_chats() -> dict[str, Any]:
    from openai.pagination import SyncCursorPage
    from openai.types.chat import (
        ChatCompletion,
        ChatCompletionDeleted,
        ChatCompletionStoreMessage,
    )

    chats = "/chat/completions"
    return {
        f"POST {chats}": ChatCompletion,
        f"GET {chats}": SyncCursorPage[ChatCompletion],
        f"GET {chats}/*": ChatCompletion,
        f"POST {chats}/*": ChatCompletion,
        f"DELETE {chats}/*": ChatCompletionDeleted,
        f"GET {chats}/*/messages": SyncCursorPage[ChatCompletionStoreMessage],
    }


class _DeletedResponse(pydantic.BaseModel):
    """What the package takes for nothing, and OpenAI answers."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]


def _models_of_responses() -> dict[str, Any]:
    from openai.pagination import SyncCursorPage
    from openai.types.responses import CompactedResponse, Response, ResponseItem
    from openai.types.responses.input_token_count_response import InputTokenCountResponse

    return {
        "POST /responses": Response,
        "GET /responses/*": Response,
        "DELETE /responses/*": _DeletedResponse,
        "POST /responses/*/cancel": Response,
        "GET /responses/*/input_items": SyncCursorPage[ResponseItem],
        "POST /responses/input_tokens": InputTokenCountResponse,
        "POST /responses/compact": CompactedResponse,
    }


def _models_of_conversations() -> dict[str, Any]:
    from openai.pagination import SyncConversationCursorPage
    from openai.types.conversations import (
        Conversation,
        ConversationDeletedResource,
        ConversationItem,
        ConversationItemList,
    )

    conversation = "/conversations/*"
    return {
        "POST /conversations": Conversation,
        f"GET {conversation}": Conversation,
        f"POST {conversation}": Conversation,
        f"DELETE {conversation}": ConversationDeletedResource,
        f"POST {conversation}/items": ConversationItemList,
        f"GET {conversation}/items": SyncConversationCursorPage[ConversationItem],
        f"GET {conversation}/items/*": pydantic.RootModel[ConversationItem],
        f"DELETE {conversation}/items/*": Conversation,
    }
