"""A user's program for the Assistants API v1, which openai 1.14 speaks: assistants with files,
threads and messages. Each section tells what the program saw, and every answer that it got with
what the package's models find wrong with it.
"""

import json
from collections.abc import Callable
from typing import Any

import openai
from openai.pagination import SyncCursorPage
from openai.types.beta import Assistant, AssistantDeleted, Thread, ThreadDeleted
from openai.types.beta.assistants import AssistantFile, FileDeleteResponse
from openai.types.beta.threads import Message
from openai.types.beta.threads.messages import MessageFile
from pydantic import BaseModel, ValidationError
from reporting import CAT, DOG, WEATHER, main

client = openai.OpenAI(max_retries=0, timeout=30)
assistants, threads = client.beta.assistants, client.beta.threads
TOOLS: Any = [{"type": "retrieval"}, {"type": "function", "function": WEATHER}]


class Answers:
    """The raw answers of one section, each judged by the model of its route."""

    def __init__(self) -> None:
        self.judged: list[Any] = []

    def take(self, model: type[BaseModel], schema: str, answer: Any) -> Any:
        """Judge an answer and return what the package makes of it."""
        body = json.loads(answer.http_response.content)
        self.judged.append({"schema": schema, "answer": body, "faults": _faults(model, body)})
        return answer.parse()


def _faults(model: type[BaseModel], body: Any) -> list[str]:
    try:
        model.model_validate(body, strict=True)
    except ValidationError as error:
        return [f"{fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return []


def assistants_and_files() -> Any:
    answers = Answers()
    cat, dog = _send("cat.txt", CAT), _send("dog.txt", DOG)
    raw, files = assistants.with_raw_response, assistants.files.with_raw_response
    made = answers.take(
        Assistant,
        "AssistantObject",
        raw.create(model="gpt-4", name="Tutor", tools=TOOLS, file_ids=[cat], metadata={"a": "b"}),
    )
    attached = answers.take(
        AssistantFile, "AssistantFileObject", files.create(made.id, file_id=dog)
    )
    read = answers.take(
        AssistantFile, "AssistantFileObject", files.retrieve(dog, assistant_id=made.id)
    )
    page = answers.take(
        SyncCursorPage[AssistantFile], "ListAssistantFilesResponse", files.list(made.id)
    )
    listed = [file.id for file in page]
    detached = answers.take(
        FileDeleteResponse,
        "DeleteAssistantFileResponse",
        files.delete(cat, assistant_id=made.id),
    )
    changed = answers.take(
        Assistant, "AssistantObject", raw.update(made.id, instructions="Be kind.")
    )
    answers.take(Assistant, "AssistantObject", raw.retrieve(made.id))
    answers.take(SyncCursorPage[Assistant], "ListAssistantsResponse", raw.list())
    deleted = answers.take(AssistantDeleted, "DeleteAssistantResponse", raw.delete(made.id))
    return {
        "answers": answers.judged,
        "saw": {
            "tools": [tool.type for tool in made.tools],
            "file_ids": [made.file_ids == [cat], changed.file_ids == [dog]],
            "attached": attached.id == read.id == dog,
            "listed": listed == [dog, cat],
            "instructions": changed.instructions,
            "deleted": [detached.deleted, deleted.deleted],
            "missing": _error_of(lambda: assistants.retrieve(made.id)),
        },
    }


def threads_and_messages() -> Any:
    answers = Answers()
    cat = _send("cat.txt", CAT)
    raw, messages = threads.with_raw_response, threads.messages.with_raw_response
    first: Any = {"role": "user", "content": "First", "file_ids": [cat]}
    thread = answers.take(Thread, "ThreadObject", raw.create(messages=[first]))
    second = answers.take(
        Message,
        "MessageObject",
        messages.create(thread.id, role="user", content="Second", metadata={"n": "2"}),
    )
    page = answers.take(
        SyncCursorPage[Message], "ListMessagesResponse", messages.list(thread.id, limit=1)
    )
    listed = list(page)
    read = answers.take(
        Message, "MessageObject", messages.retrieve(listed[-1].id, thread_id=thread.id)
    )
    changed = answers.take(
        Message,
        "MessageObject",
        messages.update(second.id, thread_id=thread.id, metadata={"n": "3"}),
    )
    files = threads.messages.files.with_raw_response
    page = answers.take(
        SyncCursorPage[MessageFile],
        "ListMessageFilesResponse",
        files.list(read.id, thread_id=thread.id),
    )
    attached = [file.id for file in page]
    answers.take(
        MessageFile,
        "MessageFileObject",
        files.retrieve(cat, thread_id=thread.id, message_id=read.id),
    )
    renamed = answers.take(Thread, "ThreadObject", raw.update(thread.id, metadata={"a": "b"}))
    answers.take(Thread, "ThreadObject", raw.retrieve(thread.id))
    deleted = answers.take(ThreadDeleted, "DeleteThreadResponse", raw.delete(thread.id))
    return {
        "answers": answers.judged,
        "saw": {
            "texts": [message.content[0].text.value for message in listed],
            "files": attached == read.file_ids == [cat],
            "metadata": [changed.metadata, renamed.metadata],
            "deleted": deleted.deleted,
            "missing": _error_of(lambda: threads.retrieve(thread.id)),
        },
    }


def deleting_while_listing() -> Any:
    made = [assistants.create(model="gpt-4", name=str(number)).id for number in range(5)]
    deleted = [each.id for each in assistants.list(limit=2) if assistants.delete(each.id).deleted]
    return {"all": deleted == made[::-1], "left": len(list(assistants.list()))}


def _send(name: str, text: str) -> str:
    sent: str = client.files.create(file=(name, text.encode()), purpose="assistants").id
    return sent


def _error_of(call: Callable[[], Any]) -> Any:
    try:
        call()
    except openai.APIStatusError as error:
        return {"class": type(error).__name__, "status": error.status_code}
    return None


if __name__ == "__main__":
    main(
        {
            "assistants_and_files": assistants_and_files,
            "threads_and_messages": threads_and_messages,
            "deleting_while_listing": deleting_while_listing,
        }
    )
