"""The memory of an instance on SQLite and on PostgreSQL: changes, undo, search, a turn."""

from tests.http.threads_and_assistants import Api, api

__all__ = ["api"]


def test_a_memory_is_filled_searched_and_undone(api: Api) -> None:
    character = api.post("/characters", name="Rosa").json()["id"]
    api.post(f"/characters/{character}/instances", name="rosa")
    made = api.post("/instances/rosa/chat", message="My name is Ana and I live in Madrid.").json()
    assert [change["added"] for change in made["memory_changes"]] == [
        ["Name: Ana"], ["Lives in: Madrid"]
    ]  # fmt: skip
    api.post("/instances/rosa", memory="Name: Eva\nLives in: Madrid")
    api.post("/instances/rosa/memory", text="Owns a bicycle", block="archive")
    found = api.post("/instances/rosa/memory/search", query="bicycle").json()["data"]
    assert [hit["text"] for hit in found] == ["Owns a bicycle"]
    changes = api.get("/instances/rosa/memory/changes").json()["data"]
    assert [change["operation"] for change in changes] == [
        "archive", "write", "remember", "remember"
    ]  # fmt: skip
    api.post("/instances/rosa/memory/undo", change_id=changes[1]["id"])
    assert api.get("/instances/rosa/memory").json()["text"].startswith("# human\nName: Ana\n")
    assert api.get("/instances/rosa/memory/changes", limit=1).json()["has_more"]
