"""Objects as the API of OpenAI gave them, v1 and v2, for the tests of import and export."""

import json
import zipfile
from pathlib import Path
from typing import Any

MADE_AT = 1_700_000_000
Fields = dict[str, Any]


def assistant_v1(**changes: Any) -> Fields:
    return {
        "id": "asst_abc123",
        "object": "assistant",
        "created_at": MADE_AT,
        "name": "Math Tutor",
        "description": None,
        "model": "gpt-4-1106-preview",
        "instructions": "You are a personal math tutor.",
        "tools": [{"type": "code_interpreter"}, {"type": "retrieval"}],
        "file_ids": ["file-abc123"],
        "metadata": {},
        **changes,
    }


def assistant_v2(**changes: Any) -> Fields:
    return {
        "id": "asst_def456",
        "object": "assistant",
        "created_at": MADE_AT + 1,
        "name": "Clerk",
        "description": "Answers letters.",
        "model": "gpt-4o",
        "instructions": "Be brief.",
        "tools": [
            {
                "type": "file_search",
                "file_search": {
                    "max_num_results": 5,
                    "ranking_options": {
                        "ranker": "default_2024_08_21",
                        "score_threshold": 0.1,
                        "hybrid_search": {"embedding_weight": 1, "text_weight": 2},
                    },
                },
            },
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "Weather of a city",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string", "default": None}},
                    },
                    "strict": False,
                },
            },
        ],
        "tool_resources": {"file_search": {"vector_store_ids": ["vs_abc123"]}},
        "metadata": {"team": "post"},
        "top_p": 1.0,
        "temperature": 0.5,
        "reasoning_effort": None,
        "response_format": "auto",
        "owner": {"person": "ana"},
        **changes,
    }


def thread(id_: str = "thread_abc123", **changes: Any) -> Fields:
    return {
        "id": id_,
        "object": "thread",
        "created_at": MADE_AT + 10,
        "metadata": {},
        "tool_resources": {},
        **changes,
    }


def message(
    id_: str, text: str, created_at: int, thread_id: str = "thread_abc123", **changes: Any
) -> Fields:
    return {
        "id": id_,
        "object": "thread.message",
        "created_at": created_at,
        "assistant_id": None,
        "thread_id": thread_id,
        "run_id": None,
        "role": "user",
        "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
        "attachments": [],
        "metadata": {},
        **changes,
    }


def answer(id_: str, text: str, created_at: int, **changes: Any) -> Fields:
    """A message that the run `run_abc123` wrote, with both kinds of annotations."""
    annotations = [
        {
            "type": "file_citation",
            "text": "【4:0†rates.txt】",
            "start_index": 0,
            "end_index": 15,
            "file_citation": {"file_id": "file-abc123", "quote": "four percent"},
        },
        {
            "type": "file_path",
            "text": "sandbox:/mnt/data/plot.csv",
            "start_index": 16,
            "end_index": 42,
            "file_path": {"file_id": "file-plot99"},
        },
    ]
    content = [{"type": "text", "text": {"value": text, "annotations": annotations}}]
    of_run = {"assistant_id": "asst_def456", "run_id": "run_abc123", "role": "assistant"}
    return message(id_, text, created_at, **{**of_run, "content": content, **changes})


def run(id_: str = "run_abc123", **changes: Any) -> Fields:
    return {
        "id": id_,
        "object": "thread.run",
        "created_at": MADE_AT + 12,
        "assistant_id": "asst_def456",
        "thread_id": "thread_abc123",
        "status": "completed",
        "started_at": MADE_AT + 12,
        "expires_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": MADE_AT + 14,
        "required_action": None,
        "last_error": None,
        "model": "gpt-4o",
        "instructions": "Be brief.",
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 0.5,
        "top_p": 1.0,
        "max_completion_tokens": None,
        "max_prompt_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "incomplete_details": None,
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 11,
            "total_tokens": 31,
            "prompt_token_details": {"cached_tokens": 0},
        },
        "response_format": "auto",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        **changes,
    }


def step(id_: str, details: Fields, created_at: int, **changes: Any) -> Fields:
    return {
        "id": id_,
        "object": "thread.run.step",
        "created_at": created_at,
        "run_id": "run_abc123",
        "assistant_id": "asst_def456",
        "thread_id": "thread_abc123",
        "type": details["type"],
        "status": "completed",
        "cancelled_at": None,
        "completed_at": created_at + 1,
        "expires_at": None,
        "failed_at": None,
        "last_error": None,
        "step_details": details,
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        **changes,
    }


def function_details(output: str | None = '{"degrees": 21}') -> Fields:
    call = {
        "id": "call_abc123",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Lima"}', "output": output},
    }
    return {"type": "tool_calls", "tool_calls": [call]}


def message_details(id_: str) -> Fields:
    return {"type": "message_creation", "message_creation": {"message_id": id_}}


def search_details() -> Fields:
    result = {
        "file_id": "file-abc123",
        "file_name": "rates.txt",
        "score": 0.7,
        "content": [{"type": "text", "text": "The rate is four percent."}],
    }
    ranking = {"ranker": "default_2024_08_21", "score_threshold": 0.0}
    search = {"ranking_options": ranking, "results": [result]}
    call = {"id": "call_search1", "type": "file_search", "file_search": search}
    return {"type": "tool_calls", "tool_calls": [call]}


def file(id_: str = "file-abc123", **changes: Any) -> Fields:
    return {
        "id": id_,
        "object": "file",
        "bytes": 25,
        "created_at": MADE_AT - 5,
        "filename": "rates.txt",
        "purpose": "assistants",
        "status": "processed",
        "status_details": None,
        **changes,
    }


def vector_store(**changes: Any) -> Fields:
    counts = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
    return {
        "id": "vs_abc123",
        "object": "vector_store",
        "created_at": MADE_AT - 3,
        "name": "Rates",
        "usage_bytes": 1234,
        "file_counts": counts,
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": MADE_AT,
        "metadata": {},
        **changes,
    }


def store_file(**changes: Any) -> Fields:
    sizes = {"max_chunk_size_tokens": 300, "chunk_overlap_tokens": 100}
    return {
        "id": "file-abc123",
        "object": "vector_store.file",
        "usage_bytes": 1234,
        "created_at": MADE_AT - 2,
        "vector_store_id": "vs_abc123",
        "status": "completed",
        "last_error": None,
        "chunking_strategy": {"type": "static", "static": sizes},
        "attributes": {"year": 2023},
        **changes,
    }


def a_thread_with_a_run() -> list[Fields]:
    """A question, a call of a function, a search, an answer, and a second question."""
    at = MADE_AT + 11
    return [
        thread(),
        message("msg_ask", "How warm is it in Lima?", at),
        run(),
        step("step_call", function_details(), at + 1),
        step("step_search", search_details(), at + 2),
        step("step_answer", message_details("msg_answer"), at + 3),
        answer("msg_answer", "【4:0†rates.txt】 sandbox:/mnt/data/plot.csv", at + 3),
        message("msg_thanks", "Thanks.", at + 20),
    ]


def everything() -> list[Fields]:
    objects = [file(), vector_store(), store_file(), assistant_v1(), assistant_v2()]
    return [*objects, *a_thread_with_a_run()]


def write_folder(folder: Path, objects: list[Fields], contents: dict[str, bytes]) -> Path:
    """Write each object into a file of its own, and contents beside them."""
    for number, each in enumerate(objects):
        path = folder / each["object"] / f"{number:04}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(each, indent=2), encoding="utf-8")
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
