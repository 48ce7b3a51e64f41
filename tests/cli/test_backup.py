"""The commands `backup` and `restore`, with a real server beside them."""

from pathlib import Path

import httpx2
import openai
import pytest
from tests.cli.running import Workplace


def client_of(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="any", max_retries=0)


def test_a_backup_while_serving_comes_back_elsewhere(workplace: Workplace) -> None:
    archive = workplace.folder / "backup.zip"
    with workplace.serving() as url, client_of(url) as client:
        made = client.chat.completions.create(
            model="understudy-extractive", messages=[{"role": "user", "content": "hi"}], store=True
        )
        ran = workplace.run("backup", str(archive))
        assert (ran.code, ran.out) == (0, f"{archive}\n")
        assert "Backed up the database" in ran.err
        client.chat.completions.delete(made.id)
    other = Workplace(workplace.folder / "other")
    other.folder.mkdir()
    restored = other.run("restore", str(archive))
    assert (restored.code, restored.out) == (0, "")
    assert "Restored the backup of" in restored.err
    with other.serving() as url, client_of(url) as client:
        assert client.chat.completions.retrieve(made.id).choices == made.choices


def test_restore_refuses_while_a_server_runs(workplace: Workplace, tmp_path: Path) -> None:
    archive = tmp_path / "backup.zip"
    with workplace.serving() as url:
        assert workplace.run("backup", str(archive)).code == 0
        refused = workplace.run("restore", str(archive), "--force")
        assert refused.code == 1
        assert "Another server already uses the data directory" in refused.err
        assert httpx2.get(f"{url}/models", trust_env=False).status_code == 200


def test_restore_replaces_only_when_told_to(workplace: Workplace, tmp_path: Path) -> None:
    archive = tmp_path / "backup.zip"
    workplace.run("keys", "create", "--name", "old")
    assert workplace.run("backup", str(archive)).code == 0
    workplace.run("keys", "create", "--name", "new")
    refused = workplace.run("restore", str(archive))
    assert (refused.code, refused.out) == (1, "")
    assert "--force" in refused.err and refused.err.count("\n") == 1
    assert workplace.run("restore", str(archive), "--force").code == 0
    assert [key["name"] for key in workplace.run("keys", "list", "--json").json] == ["old"]


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_what_is_not_there_is_said_and_not_created(workplace: Workplace, command: str) -> None:
    ran = workplace.run(command, "archive.zip")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("understudy: There is no ") and ran.err.count("\n") == 1
    assert list(workplace.folder.iterdir()) == []


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_postgresql_that_does_not_answer_is_said(workplace: Workplace, command: str) -> None:
    workplace.environment = {"UNDERSTUDY_DATABASE_URL": "postgresql://ana:secret@127.0.0.1:1/shop"}
    workplace.data_dir.mkdir()
    archive = workplace.folder / "archive.zip"
    if command == "restore":
        archive.touch()
    ran = workplace.run(command, str(archive))
    assert (ran.code, ran.out) == (1, "")
    assert "Cannot reach the PostgreSQL database" in ran.err
    assert "secret" not in ran.err and ran.err.count("\n") == 1
