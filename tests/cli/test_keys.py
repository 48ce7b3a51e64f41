import stat

import httpx2
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
    ran = workplace.run("keys", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "keys create" in ran.err
    assert workplace.run("keys", "list", "--json").json == []


def test_what_the_store_refuses_is_one_sentence(workplace: Workplace) -> None:
    short = workplace.run("keys", "create", "--value", "short")
    assert (short.code, short.out) == (1, "")
    assert short.err == "understudy: A key needs at least 8 characters.\n"
    unknown = workplace.run("keys", "revoke", "nothing-like-this")
    assert unknown.code == 1
    assert unknown.err.startswith("understudy: No key has this id, hint or name.")


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
