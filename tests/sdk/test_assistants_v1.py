"""A program for the Assistants API v1 keeps its assistants, threads and messages here, unmodified.

Each answer is judged by the models of openai 1.14.3 and by OpenAI's API description of v1.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.clients import Report, python_client
from tests.sdk.servers import RunningServer, running_server
from tests.wire import descriptions

RELEASE = "openai-1.14.3"
SECTIONS = ("assistants_and_files", "threads_and_messages", "deleting_while_listing")
LISTS_OF_FILES = {
    "ListAssistantFilesResponse": "AssistantFileObject",
    "ListMessageFilesResponse": "MessageFileObject",
}
"""Described with a required field `items`, which no answer ever had: their items are judged."""
MISSING = {"class": "NotFoundError", "status": 404}
pytestmark = pytest.mark.xdist_group(RELEASE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own, so that lists hold what the program made and nothing else."""
    with running_server(tmp_path_factory.mktemp("v1")) as server:
        yield server


@pytest.fixture(scope="module")
def report(server: RunningServer) -> Report:
    return python_client(RELEASE, "assistants_v1.py").report(server, *SECTIONS)


def seen(report: Report, section: str, count: int) -> Any:
    """Return what a section saw, once all of its `count` answers are found to be valid."""
    answers = report[section]["answers"]
    assert len(answers) == count
    for judged in answers:
        assert judged["faults"] == [], judged
        assert faults_by_description(judged["schema"], judged["answer"]) == []
    return report[section]["saw"]


def faults_by_description(schema: str, answer: Any) -> list[str]:
    if not descriptions.ARE_PRESENT:
        return []
    if schema in LISTS_OF_FILES:
        found = [
            descriptions.errors_of(LISTS_OF_FILES[schema], item, "v1") for item in answer["data"]
        ]
        return [fault for faults in found for fault in faults]
    return descriptions.errors_of(schema, answer, "v1")


def test_assistants_and_their_files(report: Report) -> None:
    assert seen(report, "assistants_and_files", 9) == {
        "tools": ["retrieval", "function"],
        "file_ids": [True, True],
        "attached": True,
        "listed": True,
        "instructions": "Be kind.",
        "deleted": [True, True],
        "missing": MISSING,
    }


def test_threads_and_their_messages(report: Report) -> None:
    assert seen(report, "threads_and_messages", 10) == {
        "texts": ["Second", "First"],
        "files": True,
        "metadata": [{"n": "3"}, {"a": "b"}],
        "deleted": True,
        "missing": MISSING,
    }


def test_assistants_are_deleted_while_they_are_listed(report: Report) -> None:
    assert report["deleting_while_listing"] == {"all": True, "left": 0}
