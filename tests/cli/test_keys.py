import stat

import httpx2
import pytest
from tests.cli.running import Workplace


def test_create_prints_the_secret_alone(workplace: Workplace) -> None:
    ran = workplace.run("keys", "create", "--name", "notebook", "--project", "research")
    secret = ran.out.removesuffix("\n")
    assert ran.code == 0
    assert secret.startswith("sk-") and len(secret) == 51 and "\n" not in secret
    assert "not shown again" in ran.err and secret not in ran.err
    (key,) = workplace.run("keys", "list", "--json").json
    assert (key["name"], key["project"], key["revoked_at"]) == ("notebook", "research", None)
    assert secret not in str(key)


def test_the_table_names_every_key_and_its_state(workplace: Workplace) -> None:
    workplace.run("keys", "create", "--name", "old")
    workplace.run("keys", "create", "--name", "new")
    assert workplace.run("keys", "revoke", "old").code == 0
    titles, old, new = workplace.run("keys", "list").out.splitlines()
    assert titles.split() == ["ID", "KEY", "NAME", "PROJECT", "CREATED", "STATE"]
    assert old.split()[2] == "old" and old.endswith("revoked")
    assert new.split()[2] == "new" and new.endswith("active")


def test_no_keys_is_no_error(workplace: Workplace) -> None:
    with workplace.serving():
        pass
    ran = workplace.run("keys", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "keys create" in ran.err
    assert workplace.run("keys", "list", "--json").json == []


def test_what_the_store_refuses_is_one_sentence(workplace: Workplace) -> None:
    short = workplace.run("keys", "create", "--value", "short")
    assert (short.code, short.out) == (1, "")
    assert short.err == "understudy: A key needs at least 8 characters.\n"
    workplace.run("keys", "create")
    unknown = workplace.run("keys", "revoke", "nothing-like-this")
    assert unknown.code == 1
    assert unknown.err.startswith("understudy: No key has this id, hint or name.")


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("revoke", "old")])
def test_reading_commands_create_nothing(workplace: Workplace, words: tuple[str, ...]) -> None:
    mistyped = workplace.folder / "mistyped"
    ran = workplace.run("keys", *words, "--data-dir", str(mistyped))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"understudy: There is no data directory {mistyped}: give the right")
    assert "--data-dir" in ran.err and ran.err.count("\n") == 1
    assert list(workplace.folder.iterdir()) == []


def test_a_folder_of_something_else_gets_no_database(workplace: Workplace) -> None:
    workplace.data_dir.mkdir()
    ran = workplace.run("keys", "list")
    assert (ran.code, ran.out) == (1, "")
    assert f"There is no database in the data directory {workplace.data_dir}" in ran.err
    assert list(workplace.data_dir.iterdir()) == []


def test_a_mistyped_database_url_creates_no_file(workplace: Workplace) -> None:
    workplace.environment = {"UNDERSTUDY_DATABASE_URL": "sqlite:///mistyped.db"}
    ran = workplace.run("keys", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "There is no database mistyped.db" in ran.err and "database_url" in ran.err
    assert list(workplace.folder.iterdir()) == []


@pytest.mark.parametrize("words", [("keys", "list"), ("keys", "create"), ("serve", "--port", "0")])
def test_a_file_in_place_of_the_data_directory_is_said(
    workplace: Workplace, words: tuple[str, ...]
) -> None:
    workplace.data_dir.write_text("not a directory")
    ran = workplace.run(*words)
    assert (ran.code, ran.out) == (1, "")
    assert f"{workplace.data_dir} is a file: name a folder with --data-dir" in ran.err
    assert ran.err.count("\n") == 1


def test_the_database_is_the_owners_alone(workplace: Workplace) -> None:
    workplace.run("keys", "create")
    assert stat.S_IMODE(workplace.data_dir.stat().st_mode) == 0o700


def test_a_running_server_knows_keys_made_beside_it(workplace: Workplace) -> None:
    with workplace.serving() as url:
        value = "a-key-of-my-own"
        assert (
            workplace.run("keys", "create", "--name", "mine", "--value", value).out == f"{value}\n"
        )
        _wait_for_status(url, 401, key=None)
        assert _status(url, value) == 200
        assert workplace.run("keys", "revoke", "mine").code == 0
        _wait_for_status(url, 401, key=value)


def _status(url: str, key: str | None) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx2.get(f"{url}/models", headers=headers, trust_env=False).status_code


def _wait_for_status(url: str, status: int, key: str | None) -> None:
    """Ask until the answer has this status; the test's own time limit ends a vain wait."""
    while _status(url, key) != status:
        pass
