"""Every client generation keeps files, uploads, vector stores and chat completions, unmodified.

Each answer that a client got is judged by the models of its own release and by OpenAI's API
description.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.clients import Client, Report, node_client, python_client
from tests.sdk.programs.reporting import CAT, as_described
from tests.sdk.servers import RunningServer, running_server
from tests.sdk.validation import errors_of_answer

DAY_S = 86_400
OLDEST = "openai-0.28.1"
NODE = "openai-node-6.49.0"
FILES = ("files",)
STORES = ("stores", "store_files", "batches")
NEWER = ("expiring_file", "uploads", "search", "stored_chats")
SECTIONS = {
    OLDEST: FILES,
    "openai-1.14.3": FILES,
    "openai-1.35.3": (*FILES, *STORES),
    "openai-2.54.0": (*FILES, *STORES, *NEWER),
    "openai-3.52.0": (*FILES, *STORES, *NEWER),
    NODE: (*FILES, *STORES, *NEWER),
}


def _with(section: str) -> Any:
    """The clients that have this section; one process tests a client."""
    return pytest.mark.parametrize(
        "client_name",
        [
            pytest.param(name, marks=pytest.mark.xdist_group(name))
            for name, sections in SECTIONS.items()
            if section in sections
        ],
        indirect=True,
    )


@pytest.fixture(scope="module")
def client_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(client_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of the client's own, so that lists hold what it made and nothing else."""
    with running_server(tmp_path_factory.mktemp(client_name)) as server:
        yield server


@pytest.fixture(scope="module")
def report(
    client_name: str, server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    client = _client(client_name, tmp_path_factory)
    return client.report(server, *SECTIONS[client_name])


def _client(name: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    if name == NODE:
        return node_client(tmp_path_factory.mktemp("node"), "stored_objects.mjs")
    if name == OLDEST:
        return python_client(name, "openai_0_28.py", "OPENAI_API_BASE")
    return python_client(name, "stored_objects.py")


def seen(report: Report, section: str) -> Any:
    """Return what a section saw, once all its answers are found to be valid."""
    answers = report[section]["answers"]
    assert answers
    assert not [fault for answer in answers for fault in _faults(answer)]
    return report[section]["saw"]


def _faults(judged: Any) -> list[str]:
    """Return what the release's models found, and what the API description finds."""
    route, status, answer = judged["route"], judged["status"], judged["answer"]
    if status >= 400:
        return [] if set(answer) == {"error"} else [f"{route}: no error of ours: {answer}"]
    method, path = route.split(" ")
    described = errors_of_answer(method, path, status, as_described(route, answer))
    return [f"{route}: {fault}" for fault in (*judged["faults"], *described)]


def _is_missing(error: Any, client_name: str) -> bool:
    kind = "InvalidRequestError" if client_name == OLDEST else "NotFoundError"
    return error == {"class": kind, "status": 404}


@_with("files")
def test_files(report: Report, client_name: str) -> None:
    saw = seen(report, "files")
    assert saw["content"] == "This is text number 0."
    assert saw["listed"] == saw["deleted"] == saw["made"][::-1]
    assert len(set(saw["made"])) == 5
    assert saw["chosen"] == saw["made"][-1:]
    assert saw["retrieved"].startswith(("stored_objects.", "openai_0_28."))
    assert saw["waited"] == "processed"
    assert saw["left"] == []
    assert _is_missing(saw["missing"], client_name)


@_with("expiring_file")
def test_a_file_that_expires(report: Report) -> None:
    assert seen(report, "expiring_file") == {"filename": "día.txt", "lives_s": 3600}


@_with("uploads")
def test_uploads(report: Report) -> None:
    assert seen(report, "uploads") == {
        "statuses": ["pending", "completed", "cancelled"],
        "filename": "día.bin",
        "is_whole": True,
        "is_cut_whole": True,
        "ended": {"class": "BadRequestError", "status": 400},
    }


@_with("stores")
def test_vector_stores(report: Report, client_name: str) -> None:
    saw = seen(report, "stores")
    made = saw["made"]
    assert saw["lives_s"] == 2 * DAY_S
    assert saw["changed"] == ["new", {"a": "b"}, 2]
    assert saw["listed"] == saw["deleted"] == made[::-1]
    assert saw["ascending"] == made
    assert saw["between"] == made[1:3]
    assert saw["left"] == []
    assert _is_missing(saw["missing"], client_name)


@_with("store_files")
def test_files_of_a_vector_store(report: Report, client_name: str) -> None:
    saw = seen(report, "store_files")
    made = saw["made"]
    assert saw["statuses"] == ["completed", "failed", "completed"]
    assert saw["reason"] == "unsupported_file"
    sizes = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
    assert saw["strategy"] == {"type": "static", "static": sizes}
    assert saw["counts"] == [5, 4, 1]
    assert saw["failed"] == [made[1]]
    assert saw["listed"] == saw["deleted"] == made[::-1]
    assert (saw["left"], saw["kept"]) == ([], "cat.txt")
    assert _is_missing(saw["missing"], client_name)


@_with("batches")
def test_batches(report: Report) -> None:
    saw = seen(report, "batches")
    counts = {"in_progress": 0, "completed": 4, "failed": 1, "cancelled": 0, "total": 5}
    assert (saw["status"], saw["counts"]) == ("completed", counts)
    assert len(set(saw["listed"])) == len(saw["listed"]) == 5
    assert set(saw["old"]) < set(saw["listed"])
    assert saw["failed"] == 1
    assert saw["named"] == 2
    # It may have been read before it was given up.
    assert saw["given_up"] in (["cancelled", 1], ["completed", 1])


@_with("search")
def test_search(report: Report) -> None:
    assert seen(report, "search") == {
        "first": ["cat.txt", CAT, {"year": 2021, "pet": True, "name": "Misi"}, True],
        "several": ["cat.txt", "dog.txt"],
        "one": 1,
        "older": ["cat.txt"],
        "both": ["cat.txt"],
        "over_threshold": [],
        "changed": {"year": 2000},
        "after_change": ["cat.txt", "dog.txt"],
        "text": [CAT],
        "wrong": {"class": "BadRequestError", "status": 400},
    }


@_with("stored_chats")
def test_stored_chats(report: Report, client_name: str) -> None:
    saw = seen(report, "stored_chats")
    made = saw["made"]
    assert len(set(made)) == 5
    assert saw["odd"] == [made[1], made[3]]
    assert saw["listed"] == saw["deleted"] == made
    assert saw["is_same"]
    assert saw["changed"] == [made[0], {"seen": "yes"}]
    assert saw["messages"] == [["system", "Be brief."], ["user", "Hello 1"]]
    assert saw["left"] == []
    assert _is_missing(saw["missing"], client_name)
