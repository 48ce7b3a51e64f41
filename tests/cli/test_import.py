"""The commands `import` and `export`, with a real server beside them."""

import json
from pathlib import Path

import openai
import pytest
from tests.cli.running import Workplace
from tests.interchange.exports import a_thread_with_a_run, everything, file, write_folder

CONTENT = b"The rate for loans in Lima is four percent."
SEARCHED = {"file-abc123.txt": CONTENT}


@pytest.fixture
def export(workplace: Workplace) -> Path:
    return write_folder(workplace.folder / "export", everything(), SEARCHED)


def client_of(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="any", max_retries=0)


def look_around(client: openai.OpenAI) -> None:
    """See with an SDK that everything is there under its old id."""
    assistant = client.beta.assistants.retrieve("asst_def456")
    assert (assistant.name, assistant.model) == ("Clerk", "gpt-4o")
    messages = client.beta.threads.messages.list("thread_abc123", order="asc").data
    assert [message.id for message in messages] == ["msg_ask", "msg_answer", "msg_thanks"]
    run = client.beta.threads.runs.retrieve("run_abc123", thread_id="thread_abc123")
    steps = client.beta.threads.runs.steps.list(run.id, thread_id="thread_abc123", order="asc")
    assert (run.status, len(steps.data)) == ("completed", 3)
    assert client.files.content("file-abc123").read() == CONTENT


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_an_import_is_served_and_goes_on(workplace: Workplace, export: Path) -> None:
    ran = workplace.run("import", str(export))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0].split()[:2] == ["KIND", "NEW"]
    assert "thread.message     3 " in ran.out
    with workplace.serving() as url, client_of(url) as client:
        look_around(client)
        found = client.vector_stores.files.poll("file-abc123", vector_store_id="vs_abc123")
        assert (found.status, found.attributes) == ("completed", {"year": 2023})
        (result, *_) = client.vector_stores.search("vs_abc123", query="rate for loans").data
        assert result.filename == "rates.txt"
        run = client.beta.threads.runs.create_and_poll(
            thread_id="thread_abc123", assistant_id="asst_abc123", poll_interval_ms=50
        )
        assert run.status == "completed"
        newest = client.beta.threads.messages.list("thread_abc123").data[0]
        assert newest.run_id == run.id


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_a_server_that_runs_sees_what_is_imported(workplace: Workplace, export: Path) -> None:
    with workplace.serving() as url, client_of(url) as client:
        assert workplace.run("import", str(export), "--map", "gpt-4-1106-preview=old").code == 0
        look_around(client)
        assert client.beta.assistants.retrieve("asst_abc123").model == "old"
        found = client.vector_stores.files.poll("file-abc123", vector_store_id="vs_abc123")
        assert found.status == "completed"
        again = workplace.run("import", str(export), "--map", "gpt-4-1106-preview=old", "--json")
        assert again.json["counts"]["file"]["already_there"] == 1
        described = write_folder(workplace.folder / "described", [file("file-gone99")], {})
        told = workplace.run("import", str(described))
        assert (told.code, told.err.startswith("Files without their content")) == (0, True)
        assert client.files.retrieve("file-gone99").filename == "rates.txt"
        with pytest.raises(openai.NotFoundError, match="was not in the import"):
            client.files.content("file-gone99")
        made = workplace.run("export", "copy.zip")
        assert (made.code, made.out) == (0, "copy.zip\n")
        assert "2 assistants, 1 threads with 3 messages" in made.err
    other = Workplace(workplace.folder / "other")
    other.folder.mkdir()
    assert other.run("import", "../copy.zip").code == 0
    with other.serving() as url, client_of(url) as client:
        look_around(client)


def test_a_dry_run_writes_nothing(workplace: Workplace, export: Path) -> None:
    ran = workplace.run("import", str(export), "--dry-run")
    assert (ran.code, ran.err) == (0, "Nothing was written: this was a dry run.\n")
    assert "thread.run.step    3 " in ran.out
    assert not workplace.data_dir.exists()
    workplace.run("import", str(export))
    again = workplace.run("import", str(export), "--dry-run", "--json").json
    assert again["counts"]["thread"]["already_there"] == 1


def test_what_failed_is_told_with_file_and_line(workplace: Workplace, export: Path) -> None:
    lines = [json.dumps(each) for each in a_thread_with_a_run()[:2]]
    (export / "more.jsonl").write_text(f"{lines[0]}\n{{oops\n{lines[1]}\n", "utf-8")
    ran = workplace.run("import", str(export))
    assert ran.code == 1
    assert ran.err.startswith("more.jsonl, line 2: ") and ran.err.count("\n") == 1
    told = workplace.run("import", str(export), "--json")
    assert told.code == 1
    (failure,) = told.json["failures"]
    assert (failure["file"], failure["line"]) == ("more.jsonl", 2)
    assert told.json["counts"]["thread.message"]["already_there"] == 3


def test_an_empty_folder_is_said(workplace: Workplace) -> None:
    (workplace.folder / "empty").mkdir()
    ran = workplace.run("import", "empty")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("There are no assistants, threads, files or vector stores in empty")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "absent"], "There is no file or folder absent."),
        (["import", ".", "--map", "gpt-4o"], "expected OLD=NEW"),
        (["import", ".", "--map", "=x"], "expected OLD=NEW"),
        (["import", ".", "--project", "nobody"], "No project is named 'nobody'."),
        (["export", "out"], "There is no data directory"),
    ],
)
def test_what_cannot_be_done_is_said(workplace: Workplace, words: list[str], said: str) -> None:
    ran = workplace.run(*words)
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err and ran.err.count("\n") == 1


def test_an_export_replaces_nothing(workplace: Workplace, export: Path) -> None:
    workplace.run("import", str(export))
    ran = workplace.run("export", str(export))
    assert (ran.code, ran.out) == (1, "")
    assert "There is something already at" in ran.err


def test_projects_do_not_see_each_other(workplace: Workplace, export: Path) -> None:
    workplace.run("keys", "create", "--project", "shop")
    assert workplace.run("import", str(export), "--project", "shop").code == 0
    assert "Exported 0 assistants, 0 threads" in workplace.run("export", "default").err
    assert (
        "Exported 2 assistants, 1 threads"
        in workplace.run("export", "shop", "--project", "shop").err
    )
