"""`understudy files` as a process, against the real server."""

import io
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import WAIT_S, Workplace

from understudy.cli.client import ApiClient, RequestFailed
from understudy.cli.file_paths import find_files
from understudy.cli.files_client import FilesClient
from understudy.errors import StartupError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """A folder with two files that can be read, one of another type, and hidden ones."""
    folder = tmp_path / "papers"
    for name in ("contract.txt", "deep/prices.md", "film.mp4", ".notes.txt", ".git/config.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"The notice period in {name} is two months.")
    return folder


def _get(url: str, path: str) -> Any:
    with ApiClient(url) as client:
        return client.get(path).json


def test_a_folder_is_read_into_a_new_store(served: tuple[Workplace, str], papers: Path) -> None:
    workplace, url = served
    ran = workplace.run("files", "add", str(papers), "--store", "first", "--json")
    assert ran.code == 0, ran.err
    assert [(file["path"], file["state"], file["reason"]) for file in ran.json["files"]] == [
        (str(papers / "contract.txt"), "completed", None),
        (str(papers / "deep/prices.md"), "completed", None),
    ]
    store = ran.json["vector_store"]
    assert _get(url, f"/vector_stores/{store}")["name"] == "first"
    with ApiClient(url) as client:
        found = client.post(f"/vector_stores/{store}/search", {"query": "notice period"}).json
    assert {result["file_id"] for result in found["data"]} == {f["id"] for f in ran.json["files"]}
    assert {result["filename"] for result in found["data"]} == {"contract.txt", "prices.md"}


def test_progress_is_plain_lines_where_there_is_no_terminal(
    served: tuple[Workplace, str], papers: Path
) -> None:
    workplace, _ = served
    ran = workplace.run("files", "add", str(papers), "--store", "lines")
    passed_over, created, *lines = ran.err.splitlines()
    assert passed_over.startswith("Passed over") and ": 1." in passed_over
    assert created.startswith("Created the vector store 'lines': vs_")
    contract, prices = papers / "contract.txt", papers / "deep/prices.md"
    assert lines == [
        f"Sending 1/2: {contract}",
        f"Sending 2/2: {prices}",
        f"Read 1/2, 0 failed: {contract}",
        f"Read 2/2, 0 failed: {prices}",
    ]
    assert [line.split()[1:] for line in ran.out.splitlines()] == [
        ["STATE", "PATH"],
        ["completed", str(contract)],
        ["completed", str(prices)],
    ]


def test_a_store_is_used_again_by_name_and_by_id(
    served: tuple[Workplace, str], papers: Path
) -> None:
    workplace, url = served
    file = str(papers / "contract.txt")
    stores = [
        workplace.run("files", "add", file, "--store", "again", "--json").json["vector_store"]
        for _ in range(2)
    ]
    workplace.run("files", "add", file, "--store", stores[0])
    assert stores[0] == stores[1]
    assert _get(url, f"/vector_stores/{stores[0]}")["file_counts"]["completed"] == 3


def test_a_failed_file_tells_its_reason_and_keeps_back_no_other(
    served: tuple[Workplace, str], papers: Path
) -> None:
    workplace, _ = served
    (papers / "a.pdf").write_bytes(PNG)
    (papers / "b.md").touch()
    ran = workplace.run("files", "add", str(papers), "--store", "failing")
    assert ran.code == 1
    states = [line.split()[1] for line in ran.out.splitlines()[1:]]
    assert states == ["failed", "failed", "completed", "completed"]
    picture, empty = ran.err.splitlines()[-2:]
    assert picture.startswith(f"{papers / 'a.pdf'}: ") and "PNG" in picture
    assert empty.startswith(f"{papers / 'b.md'}: ") and "it is empty" in empty
    assert "Traceback" not in ran.err


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_keeps_back_no_other(
    served: tuple[Workplace, str], papers: Path
) -> None:
    workplace, _ = served
    ran = workplace.run("files", "add", "/proc/self/mem", str(papers / "contract.txt"), "--json")
    assert ran.code == 1
    unreadable, contract = ran.json["files"]
    assert (unreadable["id"], unreadable["state"]) == (None, "failed")
    assert unreadable["reason"].startswith("It cannot be read (")
    assert contract["state"] == "sent"


def test_without_a_store_files_are_only_sent(served: tuple[Workplace, str], papers: Path) -> None:
    workplace, url = served
    ran = workplace.run("files", "add", str(papers / "film.mp4"), "--json")
    assert (ran.code, ran.json["vector_store"]) == (0, None)
    (file,) = ran.json["files"]
    assert file["state"] == "sent"
    kept = _get(url, f"/files/{file['id']}")
    assert (kept["filename"], kept["purpose"]) == ("film.mp4", "assistants")
    assert kept["bytes"] == (papers / "film.mp4").stat().st_size


def test_an_unknown_id_is_no_name(served: tuple[Workplace, str], papers: Path) -> None:
    workplace, url = served
    before = _get(url, "/files")["data"]
    ran = workplace.run("files", "add", str(papers), "--store", "vs_unknown")
    assert (ran.code, ran.out) == (1, "")
    assert "answered 404" in ran.err and "vs_unknown" in ran.err
    assert _get(url, "/files")["data"] == before


def test_a_name_of_several_stores_is_refused(served: tuple[Workplace, str], papers: Path) -> None:
    workplace, url = served
    with FilesClient(url) as client:
        ids = {client.create_store("twice") for _ in range(2)}
    ran = workplace.run("files", "add", str(papers), "--store", "twice")
    assert (ran.code, ran.out) == (1, "")
    assert "2 vector stores have the name 'twice'" in ran.err
    assert all(id_ in ran.err for id_ in ids)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.pdf"], "There is no file or folder nowhere.pdf"),
        (["empty"], "There is no file of a type that can be read"),
        (["empty", "--store", " "], "--store is empty"),
    ],
)
def test_what_cannot_be_sent_is_said_before_a_server_is_asked(
    workplace: Workplace, words: list[str], said: str
) -> None:
    (workplace.folder / "empty").mkdir()
    ran = workplace.run("files", "add", *words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"understudy: {said}") and ran.err.count("\n") == 1


def test_without_a_server_it_starts_one_that_asks_for_keys(
    workplace: Workplace, papers: Path
) -> None:
    key = workplace.run("keys", "create").out.strip()
    refused = workplace.run("files", "add", str(papers), "--store", "mine")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.count("No server is running: starting one") == 1
    assert refused.err.count("asks for an API key") == 1
    ran = workplace.run("files", "add", str(papers), "--store", "mine", "--api-key", key)
    assert ran.code == 0, ran.err
    listed = workplace.run("files", "list", "--key", key, "--json").json
    assert [file["filename"] for file in listed] == ["prices.md", "contract.txt"]


def test_no_server_at_the_url_is_said(workplace: Workplace, papers: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ran = workplace.run("files", "add", str(papers), "--url", url)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1].startswith("understudy: No server answers at")


def test_files_are_listed_whatever_their_names(workplace: Workplace) -> None:
    assert "no files yet" in workplace.run("files", "list").err
    names = [b"caf\xe9.txt", "合同　\u202e.txt".encode(), b"two\nlines \x1b[31m.txt"]
    folder = workplace.folder / "odd"
    folder.mkdir()
    for name in names:
        Path(folder, os.fsdecode(name)).write_text("text")
    with workplace.serving():
        ran = workplace.run("files", "add", "odd")
        listed = workplace.run("files", "list")
    assert ran.code == 0, ran.err
    title, *rows = listed.out.splitlines()
    assert title.split() == ["ID", "SIZE", "CREATED", "PURPOSE", "NAME"]
    shown = {row.split("assistants  ")[1] for row in rows}
    assert shown == {"caf?.txt", "合同 ?.txt", "two?lines ?[31m.txt"}
    assert "\x1b" not in listed.out + ran.out + ran.err


def test_lists_are_read_to_their_end(served: tuple[Workplace, str]) -> None:
    _, url = served
    with FilesClient(url) as client:
        sent = {client.upload(f"{number}.txt", io.BytesIO(b"text")) for number in range(101)}
        listed = [file["id"] for file in client.files()]
    assert len(sent) == 101 and sent <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_refused_upload_is_said(served: tuple[Workplace, str]) -> None:
    _, url = served
    with FilesClient(url) as client, pytest.raises(RequestFailed, match="it is empty"):
        client.upload("empty.txt", io.BytesIO())


def test_a_terminal_gets_bars(served: tuple[Workplace, str], papers: Path) -> None:
    workplace, _ = served
    ours, theirs = pty.openpty()
    words = ("files", "add", str(papers), "--store", "terminal")
    with subprocess.Popen(
        workplace.command(*words),
        cwd=workplace.folder,
        env={**workplace.variables(), "TERM": "xterm", "COLUMNS": "200"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = _shown(ours)
        assert process.wait(WAIT_S) == 0
        assert process.stdout is not None and b"\x1b" not in process.stdout.read()
    size = (papers / "deep/prices.md").stat().st_size
    assert f"{size}/{size} bytes" in shown
    assert "2/2" in shown and "0 failed" in shown
    assert "Read 1/2" not in shown


def _shown(terminal: int) -> str:
    """Return all that a terminal shows until its other end is closed."""
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as output:
        while True:
            try:
                piece = output.read(4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    return shown.decode()


def test_each_file_is_chosen_once(papers: Path) -> None:
    (papers / "link.txt").symlink_to(papers / "contract.txt")
    chosen, passed_over = find_files([papers / "deep", papers, papers / "deep" / "prices.md"])
    assert chosen == [papers / "deep/prices.md", papers / "contract.txt"]
    assert passed_over == 1


def test_what_is_named_is_chosen_whatever_it_is(papers: Path) -> None:
    named = [papers / ".notes.txt", papers / "film.mp4"]
    assert find_files(named) == (named, 0)


def test_suffixes_count_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "OLD.PDF").touch()
    assert find_files([tmp_path]) == ([tmp_path / "OLD.PDF"], 0)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="There is no file or folder"):
        find_files([tmp_path / "gone.pdf"])
