"""A program of 2023 and the same one moved to v2 run unmodified, offline, on the embedded model:
PDFs, nine functions, a call of one of them, and a question that a PDF answers.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.sdk.clients import Report, python_client
from tests.sdk.pdfs import write_pdfs
from tests.sdk.servers import RunningServer
from tests.sdk.validation import errors_of_answer, errors_of_answer_in_v1

V1 = "openai-1.14.3"
V2 = ("openai-1.35.3", "openai-2.54.0", "openai-3.52.0")
ANSWER = "The indoor pool closes at 20:30 on Sundays."
MADE_AND_READ = 8
"""Three files, an assistant, a thread and its messages, a run and its steps, at the least."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pdfs")
    write_pdfs(folder)
    return folder


def seen(report: Report) -> Any:
    """Return what the program saw, once the models of its release find every answer valid."""
    saw = report["office"]
    assert [one for one in saw["answers"] if one["faults"] or one["status"] != 200] == []
    assert len(saw["answers"]) > MADE_AND_READ
    return saw


@pytest.mark.xdist_group(V1)
def test_a_program_for_v1(embedded: RunningServer, folder: Path) -> None:
    client = python_client(V1, "office_v1.py")
    saw = seen(client.report(embedded, "office", PDFS=str(folder), POLL_S="0.05"))
    for one in saw["answers"]:
        method, path = one["route"].split(" ")
        assert errors_of_answer_in_v1(method, path, 200, one["answer"]) == [], one
    assert saw["tools"] == ["function"] * 9 + ["retrieval"]
    assert saw["file_ids"]
    weather, document = saw["weather"], saw["document"]
    assert (weather["status"], document["status"]) == ("completed", "completed")
    assert weather["called"] == [["get_weather", '{"city": "Madrid"}']]
    assert weather["steps"] == [["function"], "message_creation"]
    assert "21" in weather["text"] and "Madrid" in weather["text"]
    assert (document["called"], document["steps"]) == ([], [["retrieval"], "message_creation"])
    assert ANSWER in document["text"]
    assert [(one["file"], one["quote"]) for one in document["cited"]] == [("pool.pdf", ANSWER)]
    assert all(one["text"] in document["text"] for one in document["cited"])
    assert saw["messages"] == ["user", "assistant"] * 2
    assert saw["runs"] == ["completed"] * 2


@pytest.mark.parametrize(
    "release", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in V2]
)
def test_the_program_moved_to_v2(release: str, embedded: RunningServer, folder: Path) -> None:
    client = python_client(release, "office_v2.py")
    saw = seen(client.report(embedded, "office", PDFS=str(folder)))
    for one in saw["answers"]:
        method, path = one["route"].split(" ")
        assert errors_of_answer(method, path, 200, one["answer"]) == [], one
    assert saw["tools"] == ["function"] * 9 + ["file_search"]
    weather, document = saw["weather"], saw["document"]
    assert (weather["status"], document["status"]) == ("completed", "completed")
    assert weather["called"] == [["get_weather", '{"city": "Madrid"}']]
    assert (weather["kinds"], document["kinds"]) == (["function"], ["file_search"])
    assert "21" in weather["text"] and "Madrid" in weather["text"]
    assert ANSWER in document["text"]
    assert (weather["text"], document["text"]) == (weather["whole"], document["whole"])
    assert document["cited"] == [{"file": "pool.pdf", "is_marked": True}]
    assert saw["messages"] == ["user", "assistant"] * 2
    assert saw["runs"] == ["completed"] * 2
