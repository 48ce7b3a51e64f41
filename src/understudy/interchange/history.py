"""From messages, runs and steps as the API shows them to what a thread keeps of them. Pure.

What was going on when it was exported is over: nobody works on it any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
from msgspec import UNSET, structs

from understudy.ids import derived_id
from understudy.interchange.shapes import Fields, Parsed
from understudy.runs.project_messages import MESSAGE
from understudy.runs.states import TERMINAL
from understudy.store.items import Item
from understudy.store.runs import NewRun, Step
from understudy.wire.messages import (
    Annotation,
    AttachedTo,
    Attachment,
    FileCitation,
    ImageFile,
    ImageFileContent,
    ImageUrl,
    ImageUrlContent,
    IncompleteMessage,
    Message,
    MessageContent,
    MessageRole,
    RefusalContent,
    Text,
    TextContent,
)
from understudy.wire.runs import Run
from understudy.wire.steps import (
    FileSearchToolCall,
    FunctionToolCall,
    MessageCreationDetails,
    RunStep,
    StepToolCall,
    ToolCallsDetails,
)

_SEARCHED = AttachedTo("file_search")
_RUN_COLUMNS = (
    "id",
    "created_at",
    "thread_id",
    "assistant_id",
    "status",
    "expires_at",
    "metadata",
    "object",
)
_STEP_COLUMNS = ("id", "created_at", "status", "object")


# --- messages ---------------------------------------------------------------------------------


def message_item(parsed: Parsed[Message]) -> Item:
    """Return the item of a message; one that was being written is incomplete from now on."""
    message = _ended_message(parsed.shape)
    attachments = _attachments(message)
    details = message.incomplete_details
    extra = {
        "attachments": msgspec.to_builtins(attachments),
        "file_ids": list(dict.fromkeys(attachment.file_id for attachment in attachments)),
        "incomplete_details": msgspec.to_builtins(details),
        "completed_at": message.completed_at,
        "incomplete_at": message.incomplete_at,
        **parsed.besides({}),
    }
    document = {
        "type": MESSAGE,
        "id": message.id,
        "role": message.role,
        "status": message.status,
        "content": [_part(part, message.role) for part in message.content],
    }
    return Item(
        id=message.id,
        type=MESSAGE,
        created_at=message.created_at,
        document=document,
        run_id=message.run_id,
        assistant_id=message.assistant_id,
        metadata=message.metadata,
        extra=extra,
    )


def searched_files(item: Item) -> list[str]:
    """Return the files of a message that its thread searches, in their order."""
    attachments = msgspec.convert(item.extra.get("attachments") or [], list[Attachment])
    return [each.file_id for each in attachments if not each.tools or _SEARCHED in each.tools]


def _ended_message(message: Message) -> Message:
    if message.status != "in_progress":
        return message
    why = message.incomplete_details or IncompleteMessage("run_expired")
    return structs.replace(message, status="incomplete", incomplete_details=why)


def _attachments(message: Message) -> list[Attachment]:
    """Return the attachments of v2, and the files of v1 that are not among them."""
    given = list(message.attachments or ())
    ids = {attachment.file_id for attachment in given}
    return [*given, *(Attachment(id_, [_SEARCHED]) for id_ in message.file_ids if id_ not in ids)]


def _part(part: MessageContent, role: MessageRole) -> Fields:
    match part:
        case TextContent(Text(value, annotations)):
            text: Fields = {"type": "input_text", "text": value}
            if role == "assistant":
                text = {"type": "output_text", "text": value, "logprobs": []}
            if role == "assistant" or annotations:
                text["annotations"] = [_annotation(one) for one in annotations]
            return text
        case ImageFileContent(ImageFile(file_id, detail)):
            return {"type": "input_image", "file_id": file_id, "detail": detail}
        case ImageUrlContent(ImageUrl(url, detail)):
            return {"type": "input_image", "image_url": url, "detail": detail}
        case RefusalContent(refusal):
            return {"type": "refusal", "refusal": refusal}


def _annotation(shown: Annotation) -> Fields:
    kept: Fields = {
        "text": shown.text,
        "start_index": shown.start_index,
        "end_index": shown.end_index,
    }
    if isinstance(shown, FileCitation):
        cited = shown.file_citation
        return {"type": "file_citation", "file_id": cited.file_id, "quote": cited.quote, **kept}
    return {"type": "file_path", "file_id": shown.file_path.file_id, **kept}


# --- runs and steps ---------------------------------------------------------------------------


def ended_run(parsed: Parsed[Run], project_id: str, model: str) -> NewRun:
    """Return a run of the past; one that was not over is expired, and its last status is noted."""
    run = parsed.shape
    document = _without(msgspec.to_builtins(run), _RUN_COLUMNS)
    document |= {"model": model, "assistant_store_ids": []}
    original: Fields = {} if model == run.model else {"model": run.model}
    status = run.status
    if status not in TERMINAL:
        original["status"] = status
        status = "expired"
        document["required_action"] = None
    return NewRun(
        project_id=project_id,
        id=run.id,
        thread_id=run.thread_id,
        assistant_id=run.assistant_id,
        status=status,
        created_at=run.created_at,
        document={**document, **parsed.besides(original)},
        metadata=run.metadata,
        expires_at=run.expires_at,
    )


def ended_step(parsed: Parsed[RunStep]) -> Step:
    """Return a step of the past; one that was not over is expired."""
    step = parsed.shape
    original: Fields = {}
    if step.status == "in_progress":
        original["status"] = step.status
        step = structs.replace(step, status="expired", expired_at=step.expired_at)
    document = _without(msgspec.to_builtins(step), _STEP_COLUMNS)
    return Step(step.id, step.status, step.created_at, document | parsed.besides(original))


def call_items(step: RunStep, project_id: str) -> list[Item]:
    """Return the calls of a step and their outputs, as a thread keeps them."""
    if not isinstance(step.step_details, ToolCallsDetails):
        return []
    return [item for call in step.step_details.tool_calls for item in _call(call, step, project_id)]


def _call(call: StepToolCall, step: RunStep, project_id: str) -> list[Item]:
    origins = (project_id, step.run_id, step.id, call.id)
    match call:
        case FunctionToolCall(function=function):
            asked = _item("function_call", derived_id("fc", *origins), step)
            words = {"call_id": call.id, "name": function.name, "arguments": function.arguments}
            made = [replace(asked, document=asked.document | words)]
            if function.output is not None:
                answer = _item("function_call_output", derived_id("fco", *origins), step)
                words = {"call_id": call.id, "output": function.output}
                ended_at = step.completed_at or step.created_at
                document = answer.document | words
                made.append(replace(answer, document=document, created_at=ended_at))
            return made
        case FileSearchToolCall(file_search=search):
            item = _item("file_search_call", derived_id("fs", *origins), step)
            results = [] if search.results is UNSET else search.results
            found: Fields = {
                "call_id": call.id,
                "arguments": "",
                "queries": [],
                "results": [
                    {
                        "file_id": result.file_id,
                        "filename": result.file_name,
                        "score": result.score,
                        "text": "\n".join(
                            part.text
                            for part in (() if result.content is UNSET else result.content)
                        ),
                        "page": None,
                        "attributes": {},
                    }
                    for result in results
                ],
            }
            return [replace(item, document=item.document | found)]
    return []


def _item(type_: str, id_: str, step: RunStep) -> Item:
    return Item(
        id=id_,
        type=type_,
        created_at=step.created_at,
        document={"type": type_, "id": id_, "status": "completed"},
        run_id=step.run_id,
        step_id=step.id,
        assistant_id=step.assistant_id,
    )


# --- their order ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Calls:
    """The items of a step, and the messages that later steps of its run made."""

    items: list[Item]
    later_messages: frozenset[str]


def calls_of_run(steps: Sequence[RunStep], project_id: str) -> list[Calls]:
    """Return the calls of a run, whose steps are in their order."""
    calls = []
    for at, step in enumerate(steps):
        if items := call_items(step, project_id):
            calls.append(Calls(items, frozenset(made_by(steps[at + 1 :]))))
    return calls


def made_by(steps: Iterable[RunStep]) -> dict[str, str]:
    """Return the steps that made messages, by message."""
    return {
        step.step_details.message_creation.message_id: step.id
        for step in steps
        if isinstance(step.step_details, MessageCreationDetails)
    }


def in_order(messages: Sequence[Item], calls: Iterable[Calls]) -> list[Item]:
    """Return all items of a thread, calls before what their run said afterwards.

    `messages` are in their order, and so are the calls. Within a second that order is all there is:
    the time of a call gives way where it contradicts.
    """
    items = list(messages)
    for each in calls:
        at = _place(items, each)
        earliest = items[at - 1].created_at if at else 0
        latest = items[at].created_at if at < len(items) else None
        for item in each.items:
            created_at = max(item.created_at, earliest)
            if latest is not None:
                created_at = min(created_at, latest)
            items.insert(at, replace(item, created_at=created_at))
            earliest = created_at
            at += 1
    return items


def _place(items: Sequence[Item], calls: Calls) -> int:
    for at, item in enumerate(items):
        if item.id in calls.later_messages:
            return at
    began_at = calls.items[0].created_at
    after = (at + 1 for at, item in enumerate(items) if item.created_at <= began_at)
    return max(after, default=0)


def _without(document: Fields, names: Iterable[str]) -> Fields:
    return {name: value for name, value in document.items() if name not in frozenset(names)}
