"""What is exported is imported again, and exported the same."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.databases import Database
from tests.interchange.exports import (
    MADE_AT,
    everything,
    file,
    message,
    run,
    thread,
    write_folder,
)
from tests.interchange.importing import Place, counts

from understudy.errors import StartupError
from understudy.interchange.sinks import open_sink
from understudy.store.db import Store, open_store

pytestmark = pytest.mark.anyio
CONTENT = b"The rate is four percent."
COUNTED_ANEW = ("last_active_at", "status", "usage_bytes", "file_counts", "last_error")


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Place:
    return Place(store, tmp_path / "one")


def members_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def settled(name: str, content: bytes) -> Any:
    """Return a file of an export without what a server counts anew while it reads."""
    if not name.startswith("vector_stores/"):
        return content
    parts = json.loads(content)
    for each in (parts["vector_store"], *parts["vector_store_files"]):
        for field in COUNTED_ANEW:
            each.pop(field, None)
    return parts


async def test_a_round_trip_changes_nothing(
    place: Place, database: Database, tmp_path: Path
) -> None:
    source = write_folder(tmp_path / "source", everything(), {"file-abc123.txt": CONTENT})
    await place.take(source, {"gpt-4o": "qwen-plus"})
    first = await place.give(tmp_path / "first")
    async with open_store(None, tmp_path / "elsewhere") as store:
        other = Place(store, tmp_path / "two")
        report = await other.take(first)
        assert report.failures == []
        assert {outcome for each in counts(report).values() for outcome in each} == {"new"}
        second = await other.give(tmp_path / "second")
    written = {name: settled(name, content) for name, content in members_of(first).items()}
    assert written == {name: settled(name, each) for name, each in members_of(second).items()}
    assert {"manifest.json", "files/file-abc123/rates.txt"} < set(written)


async def test_what_was_imported_is_written_as_it_was(place: Place, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", everything(), {"file-abc123.txt": CONTENT})
    await place.take(source)
    folder = await place.give(tmp_path / "export")
    parts = json.loads((folder / "threads/thread_abc123.json").read_bytes())
    assistants = json.loads((folder / "assistants.json").read_bytes())
    stores = json.loads((folder / "vector_stores/vs_abc123.json").read_bytes())
    written = [parts["thread"], *parts["messages"], *parts["runs"], *parts["steps"], *assistants]
    written += [stores["vector_store"], *stores["vector_store_files"]]
    written += [json.loads((folder / "files/file-abc123.json").read_bytes())]
    by_id = {(each["object"], each["id"]): each for each in written}
    for original in everything():
        made = by_id[original["object"], original["id"]]
        for name, value in original.items():
            if name in ("tools", *COUNTED_ANEW) or value is None:
                continue
            assert made[name] == value, name
    assert by_id["assistant", "asst_def456"]["tools"] == everything()[4]["tools"]


async def test_what_an_import_changed_is_written_beside(place: Place, tmp_path: Path) -> None:
    live = run("run_live", status="requires_action", created_at=MADE_AT + 50)
    source = write_folder(tmp_path / "source", [*everything(), live], {})
    await place.take(source, {"gpt-4o": "qwen-plus"})
    folder = await place.give(tmp_path / "export")
    of_v1, of_v2 = json.loads((folder / "assistants.json").read_bytes())
    (own,) = of_v1["tool_resources"]["file_search"]["vector_store_ids"]
    assert of_v1["understudy"] == {"own_store_id": own}
    assert of_v2["understudy"] == {"original": {"model": "gpt-4o"}}
    parts = json.loads((folder / "threads/thread_abc123.json").read_bytes())
    assert parts["runs"][1]["understudy"] == {
        "original": {"model": "gpt-4o", "status": "requires_action"}
    }


async def test_an_import_over_its_own_export_changes_nothing(place: Place, tmp_path: Path) -> None:
    objects = [*everything(), run("run_live", status="in_progress", created_at=MADE_AT + 50)]
    source = write_folder(tmp_path / "source", objects, {"file-abc123.txt": CONTENT})
    await place.take(source)
    before = await place.items()
    report = await place.take(await place.give(tmp_path / "export.zip"))
    assert {outcome for each in counts(report).values() for outcome in each} == {"already_there"}
    assert report.failures == []
    assert await place.items() == before


async def test_a_name_that_no_disk_takes_is_kept_in_the_description(
    place: Place, tmp_path: Path
) -> None:
    names = {"file-long1": "長" * 200 + ".pdf", "file-odd12": "a:b*c?.txt", "file-dots": "...a"}
    files = [file(id_, filename=name) for id_, name in names.items()]
    contents = {f"{id_}.bin": id_.encode() for id_ in names}
    await place.take(write_folder(tmp_path / "source", files, contents))
    folder = await place.give(tmp_path / "export")
    for id_, name in names.items():
        (content,) = (folder / "files" / id_).iterdir()
        assert content.read_bytes() == id_.encode()
        described = json.loads((folder / f"files/{id_}.json").read_bytes())
        assert described["filename"] == name
    async with open_store(None, tmp_path / "elsewhere") as store:
        report = await Place(store, tmp_path / "two").take(folder)
    assert (counts(report)["file"], report.without_content) == ({"new": 3}, 0)


async def test_a_file_without_content_is_exported_as_such(place: Place, tmp_path: Path) -> None:
    await place.take(write_folder(tmp_path / "source", [file()], {}))
    folder = await place.give(tmp_path / "export")
    assert sorted(members_of(folder)) == [
        "assistants.json",
        "files/file-abc123.json",
        "manifest.json",
    ]


async def test_more_than_a_page_of_everything_is_exported(place: Place, tmp_path: Path) -> None:
    threads = [thread(f"thread_{n}", created_at=MADE_AT) for n in range(101)]
    runs = [run(f"run_{n}", thread_id="thread_0") for n in range(101)]
    messages = [message(f"msg_{n}", str(n), MADE_AT, "thread_0") for n in range(101)]
    await place.take(write_folder(tmp_path / "source", [*threads, *runs, *messages], {}))
    folder = await place.give(tmp_path / "export")
    parts = json.loads((folder / "threads/thread_0.json").read_bytes())
    assert [each["id"] for each in parts["runs"]] == [each["id"] for each in runs]
    assert [each["id"] for each in parts["messages"]] == [each["id"] for each in messages]
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["counts"]["thread"], manifest["format"]) == (
        101,
        "assistants-thread-export/v1",
    )


def test_a_zip_appears_only_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with pytest.raises(RuntimeError, match="half"), open_sink(path) as sink:
        with sink.open("a.json") as member:
            member.write(b"{}")
        raise RuntimeError("half of it")
    assert list(tmp_path.iterdir()) == []
    with open_sink(path) as sink, sink.open("a.json") as member:
        member.write(b"{}")
    assert zipfile.ZipFile(path).read("a.json") == b"{}"
    assert (path.stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize("name", ["taken", "taken.zip", "file.txt"])
def test_what_is_there_is_not_replaced(tmp_path: Path, name: str) -> None:
    if name == "taken":
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    else:
        (tmp_path / name).write_text("mine")
    with pytest.raises(StartupError, match="already"), open_sink(tmp_path / name):
        pass
