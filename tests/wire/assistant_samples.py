"""Objects of Assistants with every field set, and the events of a run, as tests judge them."""

from dataclasses import dataclass
from typing import Any, get_args

from msgspec import Struct

from understudy.wire.assistant_tools import (
    CodeInterpreterResources,
    CodeInterpreterTool,
    FileSearchOptions,
    FileSearchRankingOptions,
    FileSearchResources,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    TextFormat,
    Tool,
    ToolResources,
)
from understudy.wire.assistants import (
    Assistant,
    AssistantFile,
    DeletedAssistant,
    DeletedAssistantFile,
)
from understudy.wire.messages import (
    AttachedTo,
    Attachment,
    CitedFile,
    DeletedMessage,
    FileCitation,
    FilePath,
    ImageFile,
    ImageFileContent,
    ImageUrl,
    ImageUrlContent,
    IncompleteMessage,
    Message,
    MessageContent,
    MessageFile,
    PathedFile,
    RefusalContent,
    Text,
    TextContent,
)
from understudy.wire.run_events import (
    AddedText,
    CitedFileDelta,
    CodeInterpreterToolCallDelta,
    CodeLogsDelta,
    CodeRunDelta,
    ErrorDetails,
    EventName,
    EventPayload,
    FileCitationDelta,
    FilePathDelta,
    FileSearchToolCallDelta,
    FunctionCallDelta,
    FunctionToolCallDelta,
    ImageFileContentDelta,
    ImageFileDelta,
    ImageUrlContentDelta,
    ImageUrlDelta,
    MessageChange,
    MessageCreationDelta,
    MessageDelta,
    RefusalDelta,
    RunStepDelta,
    StepChange,
    TextDelta,
    ToolCallsDelta,
    error_event,
    event_of_message,
    event_of_run,
    event_of_step,
)
from understudy.wire.runs import (
    CalledFunction,
    ChosenFunction,
    IncompleteDetails,
    LastError,
    NamedToolChoice,
    PendingCalls,
    RequiredAction,
    Run,
    RunStatus,
    RunUsage,
    ToolCall,
    TruncationStrategy,
)
from understudy.wire.steps import (
    CodeImage,
    CodeImageFile,
    CodeInterpreterToolCall,
    CodeLogs,
    CodeRun,
    CreatedMessage,
    FileSearch,
    FileSearchResult,
    FileSearchToolCall,
    FunctionCall,
    FunctionToolCall,
    MessageCreationDetails,
    ResultContent,
    RunStep,
    StepError,
    StepStatus,
    ToolCallsDetails,
    UsedRanking,
)
from understudy.wire.threads import DeletedThread, Thread

T = 1_700_000_000
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS: list[Tool] = [
    CodeInterpreterTool(),
    FileSearchTool(),
    FileSearchTool(FileSearchOptions(5, FileSearchRankingOptions("default_2024_08_21", 0.5))),
    FunctionTool(FunctionDefinition("weather", "Tells the weather.", PARAMETERS, True)),
    FunctionTool(FunctionDefinition("now")),
]
RESOURCES = ToolResources(CodeInterpreterResources(["file-1"]), FileSearchResources(["vs_1"]))
SCHEMA = JsonSchemaFormat(JsonSchema("answer", PARAMETERS, True))
PERSON = {"who": "me"}
USAGE = RunUsage(3, 4, 7)


@dataclass(frozen=True)
class Sample:
    """A struct, the model of the SDKs and the schema of the description that it must obey."""

    value: Struct
    model: str
    schema: str | None


def assistants() -> list[Sample]:
    full = Assistant(
        id="asst_1",
        created_at=T,
        model="qwen-plus",
        name="Helper",
        description="Helps.",
        instructions="Help.",
        tools=TOOLS,
        metadata=PERSON,
        file_ids=["file-1"],
        tool_resources=RESOURCES,
        temperature=1,
        top_p=0.5,
        response_format=TextFormat(),
        reasoning_effort="low",
    )
    values = [full, Assistant("asst_2", T, "m"), Assistant("asst_3", T, "m", tools=[TOOLS[3]])]
    values[1].tool_resources = ToolResources()
    values[2].response_format = JsonObjectFormat()
    return [
        *(Sample(value, "beta.Assistant", "AssistantObject") for value in values),
        Sample(DeletedAssistant("asst_1"), "beta.AssistantDeleted", "DeleteAssistantResponse"),
    ]


def threads() -> list[Sample]:
    values = [Thread("thread_1", T), Thread("thread_2", T, PERSON, RESOURCES)]
    return [
        *(Sample(value, "beta.Thread", "ThreadObject") for value in values),
        Sample(DeletedThread("thread_1"), "beta.ThreadDeleted", "DeleteThreadResponse"),
    ]


def message(**fields: Any) -> Message:
    given = {"role": "user", "content": [TextContent(Text("Hi"))], **fields}
    return Message(id="msg_1", created_at=T, thread_id="thread_1", **given)


def cited() -> list[MessageContent]:
    return [
        TextContent(
            Text(
                "Closed【1】, a.csv",
                [
                    FileCitation("【1】", 6, 9, CitedFile("file-1", "closed on Mondays")),
                    FilePath("a.csv", 11, 16, PathedFile("file-2")),
                ],
            )
        ),
        ImageFileContent(ImageFile("file-3", "low")),
        ImageUrlContent(ImageUrl("https://example.org/a.png")),
    ]


def messages() -> list[Sample]:
    tools = [AttachedTo("file_search"), AttachedTo("code_interpreter")]
    values = [
        message(attachments=[Attachment("file-1", tools)], file_ids=["file-1"], metadata=PERSON),
        message(attachments=None, completed_at=T),
        message(
            role="assistant", content=cited(), assistant_id="asst_1", run_id="run_1", completed_at=T
        ),
        message(
            role="assistant",
            status="incomplete",
            incomplete_details=IncompleteMessage("run_cancelled"),
            incomplete_at=T,
        ),
        message(role="assistant", content=[], status="in_progress"),
    ]
    return [Sample(value, "beta.threads.Message", "MessageObject") for value in values]


def run(**fields: Any) -> Run:
    return Run(
        id="run_1", created_at=T, thread_id="thread_1", assistant_id="asst_1", model="m", **fields
    )


def runs() -> list[Sample]:
    call = ToolCall("call_1", CalledFunction("weather", '{"city": "Lima"}'))
    waiting = RequiredAction(PendingCalls([call]))
    values = [
        run(),
        run(status="requires_action", required_action=waiting, expires_at=T, started_at=T),
        run(status="failed", last_error=LastError("invalid_prompt", "No."), failed_at=T),
        run(
            status="incomplete",
            incomplete_details=IncompleteDetails("max_prompt_tokens"),
            usage=USAGE,
            max_prompt_tokens=256,
            max_completion_tokens=512,
        ),
        run(
            status="completed",
            completed_at=T,
            instructions="Help.",
            tools=TOOLS,
            metadata=PERSON,
            usage=USAGE,
            temperature=0.5,
            top_p=1,
            truncation_strategy=TruncationStrategy("last_messages", 3),
            tool_choice=NamedToolChoice("file_search"),
            parallel_tool_calls=False,
            response_format=JsonObjectFormat(),
            reasoning_effort="high",
            file_ids=["file-1"],
        ),
        run(
            status="cancelled",
            cancelled_at=T,
            tool_choice=NamedToolChoice("function", ChosenFunction("weather")),
        ),
    ]
    return [Sample(value, "beta.threads.Run", "RunObject") for value in values]


def step(details: Any, **fields: Any) -> RunStep:
    kind = "tool_calls" if isinstance(details, ToolCallsDetails) else "message_creation"
    return RunStep(
        id="step_1",
        created_at=T,
        assistant_id="asst_1",
        thread_id="thread_1",
        run_id="run_1",
        type=kind,  # type: ignore[arg-type]
        step_details=details,
        **fields,
    )


def searched() -> FileSearchToolCall:
    result = FileSearchResult("file-1", "a.pdf", 0.9, [ResultContent("Closed on Mondays.")])
    return FileSearchToolCall(
        "call_2", FileSearch(UsedRanking("default_2024_08_21", 0.0), [result])
    )


def called() -> ToolCallsDetails:
    code = CodeRun("1", [CodeLogs("1"), CodeImage(CodeImageFile("file-4"))])
    return ToolCallsDetails(
        [
            FunctionToolCall("call_1", FunctionCall("weather", "{}", "sun")),
            FunctionToolCall("call_4", FunctionCall("weather", "{}")),
            searched(),
            FileSearchToolCall("call_3"),
            CodeInterpreterToolCall("call_5", code),
        ]
    )


def steps() -> list[Sample]:
    made = MessageCreationDetails(CreatedMessage("msg_1"))
    values = [
        step(made),
        step(made, status="completed", completed_at=T, usage=USAGE, metadata=PERSON),
        step(made, status="failed", failed_at=T, last_error=StepError("server_error", "Broke.")),
        step(ToolCallsDetails([])),
        step(called(), status="expired", expired_at=T),
        step(called(), status="cancelled", cancelled_at=T),
    ]
    return [Sample(value, "beta.threads.runs.RunStep", "RunStepObject") for value in values]


def message_deltas() -> list[MessageDelta]:
    citation = FileCitationDelta(0, "【1】", 6, 9, CitedFileDelta("file-1", "closed on Mondays"))
    path = FilePathDelta(1, "a.csv", 11, 16, PathedFile("file-2"))
    changes = [
        MessageChange("assistant", [TextDelta(0, AddedText("", []))]),
        MessageChange(content=[TextDelta(0, AddedText("Closed"))]),
        MessageChange(content=[TextDelta(0, AddedText("【1】", [citation, path]))]),
        MessageChange(content=[ImageFileContentDelta(1, ImageFileDelta("file-1", "auto"))]),
        MessageChange(content=[ImageUrlContentDelta(2, ImageUrlDelta("https://example.org/a"))]),
    ]
    return [MessageDelta("msg_1", change) for change in changes]


def step_deltas() -> list[RunStepDelta]:
    calls = [
        FunctionToolCallDelta(0, "call_1", FunctionCallDelta("weather", "", None)),
        FunctionToolCallDelta(0, function=FunctionCallDelta(arguments='{"city"')),
        FunctionToolCallDelta(0, function=FunctionCallDelta(output="sun")),
        FileSearchToolCallDelta(1, "call_2"),
        CodeInterpreterToolCallDelta(2, "call_3", CodeRunDelta("1", [CodeLogsDelta(0, "1")])),
    ]
    details = [
        MessageCreationDelta(CreatedMessage("msg_1")),
        *(ToolCallsDelta([call]) for call in calls),
    ]
    return [RunStepDelta("step_1", StepChange(part)) for part in details]


def deltas() -> list[Sample]:
    return [
        *(
            Sample(value, "beta.threads.MessageDeltaEvent", "MessageDeltaObject")
            for value in message_deltas()
        ),
        *(
            Sample(value, "beta.threads.runs.RunStepDeltaEvent", "RunStepDeltaObject")
            for value in step_deltas()
        ),
    ]


def shared() -> list[Sample]:
    """What both dialects have, and every release can read."""
    return [*assistants(), *threads(), *messages(), *runs(), *steps(), *deltas()]


def only_v1() -> list[Sample]:
    return [
        Sample(
            AssistantFile("file-1", T, "asst_1"),
            "beta.assistants.AssistantFile",
            "AssistantFileObject",
        ),
        Sample(
            DeletedAssistantFile("file-1"),
            "beta.assistants.FileDeleteResponse",
            "DeleteAssistantFileResponse",
        ),
        Sample(
            MessageFile("file-1", T, "msg_1"),
            "beta.threads.messages.MessageFile",
            "MessageFileObject",
        ),
    ]


def only_v2() -> list[Sample]:
    return [Sample(DeletedMessage("msg_1"), "beta.threads.MessageDeleted", "DeleteMessageResponse")]


def since_2024_09() -> list[Sample]:
    """What openai 1.35.3 cannot read, but can be shown to 1.14.3."""
    refusal = MessageChange(content=[RefusalDelta(0, "No")])
    return [
        Sample(
            message(role="assistant", content=[RefusalContent("No.")]),
            "beta.threads.Message",
            "MessageObject",
        ),
        Sample(
            MessageDelta("msg_1", refusal), "beta.threads.MessageDeltaEvent", "MessageDeltaObject"
        ),
    ]


def with_schemas() -> list[Sample]:
    """What says `json_schema`, which only releases since 2024-09 can read."""
    return [
        Sample(Assistant("asst_4", T, "m", response_format=SCHEMA), "beta.Assistant", None),
        Sample(run(response_format=SCHEMA), "beta.threads.Run", None),
    ]


def events() -> list[tuple[EventName, EventPayload]]:
    """Every event, with a payload that it can carry."""
    made = step(MessageCreationDetails(CreatedMessage("msg_1")))
    return [
        ("thread.created", Thread("thread_1", T)),
        ("thread.run.created", run()),
        *((event_of_run(status), run(status=status)) for status in get_args(RunStatus)),
        ("thread.run.step.created", made),
        *((event_of_step(status), made) for status in get_args(StepStatus)),
        *(("thread.run.step.delta", delta) for delta in step_deltas()),
        ("thread.message.created", message(content=[], status="in_progress")),
        (event_of_message("in_progress"), message(content=[], status="in_progress")),
        (event_of_message("completed"), message(role="assistant", content=cited())),
        (event_of_message("incomplete"), message(role="assistant", status="incomplete")),
        *(("thread.message.delta", delta) for delta in message_deltas()),
        ("error", error_event(ErrorDetails("Broke.", "server_error", None, None))),
    ]
