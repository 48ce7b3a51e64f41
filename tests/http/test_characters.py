"""Characters and their instances over HTTP, on SQLite and on PostgreSQL: CRUD, cards, bad input."""

import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update
from tests.characters.made_cards import V1, V2, V3, chunk, header, png, text_chunk
from tests.http.serving import error_of
from tests.http.threads_and_assistants import Api, api, in_database, waiting_run

from understudy.ids import new_id
from understudy.store.db import Store
from understudy.store.schema import blobs as blobs_table
from understudy.store.schema import objects, projects

__all__ = ["api"]

EMPTY_MEMORY = [
    {"label": "human", "text": "", "limit": 2000},
    {"label": "notes", "text": "", "limit": 2000},
]
PICTURE = png(chunk(b"tEXt", b"Comment\0by hand"), text_chunk("chara", V2))


def character(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("/characters", **{"name": "Rosa", **fields})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def instance(api: Api, of: dict[str, Any], name: str, **fields: Any) -> dict[str, Any]:
    answer = api.post(f"/characters/{of['id']}/instances", name=name, **fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def send_card(api: Api, content: bytes, **headers: str) -> httpx2.Response:
    client = api.served.client
    return client.post(
        "/v1/characters/import", files={"file": ("card", content)}, headers={**headers}
    )


def imported(api: Api, content: bytes) -> dict[str, Any]:
    answer = send_card(api, content)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def exported(api: Api, of: dict[str, Any], **query: Any) -> bytes:
    answer = api.get(f"/characters/{of['id']}/export", **query)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_the_life_of_a_character(api: Api) -> None:
    given = {
        "name": "Rosa",
        "description": "{{char}} negotiates.",
        "personality": "calm",
        "scenario": "an office",
        "system_template": "You are {{char}}.",
        "post_history_instructions": "Be brief.",
        "greeting": "Hello, {{user}}.",
        "alternate_greetings": ["Hi"],
        "example_dialogues": "<START>",
        "model": "understudy-extractive",
        "tags": ["calm"],
        "metadata": {"a": "b"},
    }
    made = character(api, **given, voice={"id": "alloy"})
    assert made["id"].startswith("char_")
    own = {"id": made["id"], "object": "character", "created_at": made["created_at"]}
    assert made == {**own, **given, "voice": "alloy", "knowledge": [], "card": None}
    path = f"/characters/{made['id']}"
    assert api.get(path).json() == made
    assert api.post(path).json() == made
    changed = api.post(path, description="new", tags=None, voice=None, metadata=None).json()
    empty = {"description": "new", "tags": [], "voice": None, "metadata": {}}
    assert changed == {**made, **empty}
    assert api.get(path).json() == changed
    deleted = {"id": made["id"], "object": "character.deleted", "deleted": True}
    assert api.delete(path).json() == deleted
    for answer in (api.get(path), api.post(path), api.delete(path), api.get(f"{path}/export")):
        assert made["id"] in error_of(answer, 404)["message"]


def test_the_life_of_an_instance(api: Api) -> None:
    rosa = character(api)
    made = instance(api, rosa, "José-1", metadata={"a": "b"}, voice="verse", model="m")
    assert made["id"].startswith("inst_")
    assert made["object"] == "character.instance"
    assert (made["character_id"], made["name"]) == (rosa["id"], "José-1")
    assert (made["memory"], made["voice"], made["model"]) == (EMPTY_MEMORY, "verse", "m")
    path = f"/instances/{made['id']}"
    assert api.get(path).json() == made
    assert api.get("/instances/José-1").json() == made
    # The same name with its accent apart, and percent-encoded.
    assert api.get("/instances/Jose%CC%81-1").json() == made
    assert api.get(f"/threads/{made['thread_id']}").json()["object"] == "thread"

    memory = [{"label": "human", "text": "Likes tea.", "limit": 100}]
    changed = api.post(path, name="pepe", memory=memory, model=None, metadata=None).json()
    now = {"name": "pepe", "memory": memory, "model": None, "metadata": {}}
    assert changed == {**made, **now}
    assert error_of(api.get("/instances/José-1"), 404)
    deleted = {"id": made["id"], "object": "character.instance.deleted", "deleted": True}
    assert api.delete("/instances/pepe").json() == deleted
    for answer in (api.get(path), api.post(path), api.delete(path)):
        assert made["id"] in error_of(answer, 404)["message"]
    assert error_of(api.get(f"/threads/{made['thread_id']}"), 404)


def test_memory_is_written_as_one_text_too(api: Api) -> None:
    made = instance(api, character(api), "text", memory="# human\nName: Ana\n\n# work\nBaker")
    assert [(block["label"], block["text"]) for block in made["memory"]] == [
        ("human", "Name: Ana"),
        ("notes", ""),
        ("work", "Baker"),
    ]
    changed = api.post("/instances/text", memory="Name: Ana\nLikes tea").json()
    assert [block["text"] for block in changed["memory"]] == ["Name: Ana\nLikes tea", "", ""]
    assert api.post("/instances/text", memory=None).json()["memory"] == EMPTY_MEMORY


def test_what_a_person_writes_into_a_memory_is_kept_as_a_change(api: Api) -> None:
    made = instance(api, character(api), "changed", memory="Name: Ana")
    api.post("/instances/changed", memory="Name: Eva", name="changed-2")

    async def changes(store: Store) -> list[Any]:
        async with store.read() as connection:
            rows = select(objects.c.document).where(objects.c.parent == made["id"])
            return list(await connection.scalars(rows))

    (change,) = in_database(api.served, changes)
    assert (change["operation"], change["by"], change["block"]) == ("write", "user", "human")
    assert (change["removed"], change["added"]) == (["Name: Ana"], ["Name: Eva"])


def test_lists_have_the_newest_first_and_stay_apart(api: Api) -> None:
    one, other = character(api), character(api)
    first, second = instance(api, one, "l1"), instance(api, one, "l2")
    third = instance(api, other, "l3")
    path = f"/characters/{one['id']}/instances"
    assert api.listed(path) == [second["id"], first["id"]]
    assert api.listed(path, after=second["id"]) == [first["id"]]
    assert api.listed(path, order="asc", limit=1) == [first["id"]]
    assert api.listed("/instances", limit=3) == [third["id"], second["id"], first["id"]]
    assert api.listed("/characters", limit=2) == [other["id"], one["id"]]
    assert error_of(api.get("/characters/char_x/instances"), 404)
    assert error_of(api.get(path, after="inst_x"), 400)["param"] == "after"


def test_a_name_is_in_use_once_in_a_project(api: Api) -> None:
    one, other = character(api), character(api)
    taken = instance(api, one, "Ñandú")
    second = instance(api, other, "free")
    for answer in (
        api.post(f"/characters/{other['id']}/instances", name="Ñandú"),
        api.post(f"/characters/{other['id']}/instances", name="N\u0303andu\u0301"),
        api.post(f"/instances/{second['id']}", name="Ñandú"),
    ):
        error = error_of(answer, 409)
        assert error["param"] == "name" and taken["id"] in error["message"]
    assert api.post(f"/instances/{taken['id']}", name="Ñandú").json() == taken
    api.delete(f"/instances/{taken['id']}")
    assert instance(api, other, "Ñandú")["id"] != taken["id"]


def test_a_character_with_instances_goes_only_with_them(api: Api) -> None:
    rosa = character(api)
    made = [instance(api, rosa, f"c{number}") for number in range(3)]
    run = waiting_run(api.served, made[0]["thread_id"])
    path = f"/characters/{rosa['id']}"
    error = error_of(api.delete(path), 409)
    assert "c2" in error["message"] and "cascade=true" in error["message"]
    assert error_of(api._send("DELETE", path, params={"cascade": "yes"}), 400)["param"] == "cascade"
    assert api.get(path).status_code == 200
    assert api._send("DELETE", path, params={"cascade": "true"}).json()["deleted"] is True
    for one in made:
        assert error_of(api.get(f"/instances/{one['id']}"), 404)
        assert error_of(api.get(f"/threads/{one['thread_id']}"), 404)
    assert error_of(api.get(f"/threads/{made[0]['thread_id']}/runs/{run}"), 404)
    assert error_of(api._send("DELETE", path, params={"cascade": "true"}), 404)


def test_an_instance_whose_thread_is_gone_can_be_deleted(api: Api) -> None:
    made = instance(api, character(api), "orphan")
    api.delete(f"/threads/{made['thread_id']}")
    assert api.delete("/instances/orphan").status_code == 200


def test_knowledge_is_of_the_project(api: Api) -> None:
    store = api.post("/vector_stores", name="facts").json()["id"]
    made = character(api, knowledge=[store])
    assert made["knowledge"] == [store]
    path = f"/characters/{made['id']}"
    for answer in (
        api.post("/characters", name="x", knowledge=[store, "vs_gone"]),
        api.post(path, knowledge=[store, "vs_gone"]),
    ):
        error = error_of(answer, 404)
        assert error["param"] == "knowledge[1]" and "vs_gone" in error["message"]
    api.delete(f"/vector_stores/{store}")
    assert api.post(path, description="still there").json()["knowledge"] == [store]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"name": "a\0"}, "name"),
        ({"name": "a", "description": 7}, "description"),
        ({"name": "a", "greeting": "x" * 256_001}, "greeting"),
        ({"name": "a", "alternate_greetings": ["x", 7]}, "alternate_greetings[1]"),
        ({"name": "a", "voice": 7}, "voice"),
        ({"name": "a", "model": "instance:a"}, "model"),
        ({"name": "a", "model": "character:char_1"}, "model"),
        ({"name": "a", "knowledge": ["v"] * 11}, "knowledge"),
        ({"name": "a", "metadata": {"k": 7}}, "metadata"),
        ({"name": "a", "metadata": {"k" * 65: "v"}}, "metadata"),
    ],
)
def test_a_character_that_cannot_be(api: Api, body: dict[str, Any], param: str) -> None:
    assert error_of(api.post("/characters", **body), 400)["param"] == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a:b"}, "name"),
        ({"name": "-a"}, "name"),
        ({"name": "inst_a"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a", "model": "instance:b"}, "model"),
        ({"name": "a", "memory": [{"label": "a b"}]}, "memory[0].label"),
        ({"name": "a", "memory": [{"label": "a"}, {"label": "a"}]}, "memory[1].label"),
        ({"name": "a", "memory": [{"label": "a", "limit": 0}]}, "memory[0].limit"),
        ({"name": "a", "memory": "# a\nx\n# a\ny"}, "memory"),
        ({"name": "a", "memory": [{"label": "archive"}]}, "memory[0].label"),
        ({"name": "a", "memory": "# archive\nx"}, "memory"),
    ],
)
def test_an_instance_that_cannot_be(api: Api, body: dict[str, Any], param: str) -> None:
    path = f"/characters/{character(api)['id']}/instances"
    assert error_of(api.post(path, **body), 400)["param"] == param
    assert api.listed(path) == []


def test_an_instance_of_no_character(api: Api) -> None:
    assert "char_x" in error_of(api.post("/characters/char_x/instances", name="a"), 404)["message"]


def test_memory_over_its_limit_is_refused_with_the_numbers(api: Api) -> None:
    path = f"/characters/{character(api)['id']}/instances"
    blocks = [{"label": "human", "text": "x" * 51, "limit": 50}]
    error = error_of(api.post(path, name="full", memory=blocks), 400)
    assert error["param"] == "memory[0].text"
    assert "51 characters" in error["message"] and "holds 50" in error["message"]
    error = error_of(api.post(path, name="full", memory="# human\n" + "x" * 2001), 400)
    assert "2001" in error["message"] and "2000" in error["message"]


def test_what_is_repeated_with_its_key_is_made_once(api: Api) -> None:
    keyed = api.with_headers(idempotency_key="once")
    rosa = character(keyed)
    assert character(keyed) == rosa
    keyed = api.with_headers(idempotency_key="twice")
    made = instance(keyed, rosa, "once")
    assert instance(keyed, rosa, "once") == made
    error = error_of(keyed.post(f"/characters/{rosa['id']}/instances", name="other"), 400)
    assert error["code"] == "idempotency_key_reused"
    headers = {"Idempotency-Key": "card"}
    first = send_card(api, PICTURE, **headers).json()
    assert send_card(api, PICTURE, **headers).json() == first
    assert error_of(send_card(api, V3.encode(), **headers), 400)["code"] == error["code"]


@pytest.mark.parametrize(
    ("content", "format_", "version"),
    [
        (V1.encode(), "json", 1),
        (V2.encode(), "json", 2),
        (PICTURE, "png", 2),
        (V3.encode(), "json", 3),
    ],
)
def test_an_unchanged_card_goes_out_as_it_came_in(
    api: Api, content: bytes, format_: str, version: int
) -> None:
    made = imported(api, content)
    assert (made["card"]["format"], made["card"]["version"]) == (format_, version)
    assert exported(api, made, format=format_) == content
    # What is no part of a card makes no other card.
    api.post(f"/characters/{made['id']}", voice="alloy", metadata={"a": "b"})
    assert exported(api, made, format=format_, version=version) == content


def test_what_is_made_of_a_card(api: Api) -> None:
    made = imported(api, PICTURE)
    assert (made["name"], made["personality"], made["greeting"]) == ("Pedro", "cheerful", "¡Hola!")
    assert made["card"] == {
        "format": "png",
        "version": 2,
        "nickname": "",
        "creator": "somebody",
        "creator_notes": "Be kind to him.",
        "character_version": "1.10",
        "lorebook_entries": 2,
    }
    assert api.get(f"/characters/{made['id']}").json() == made
    as_json = api.served.client.post(
        "/v1/characters/import", content=V2, headers={"content-type": "application/json"}
    ).json()
    assert {**as_json, **{k: made[k] for k in ("id", "created_at", "card")}} == made


def test_an_edited_card_keeps_its_picture_and_what_nobody_edited(api: Api) -> None:
    made = imported(api, PICTURE)
    api.post(f"/characters/{made['id']}", description="A pastry cook.")
    answer = api.get(f"/characters/{made['id']}/export", format="png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''Pedro.png"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert b"tEXtComment\0by hand" in answer.content
    again = imported(api, answer.content)
    assert again["description"] == "A pastry cook."
    was, now = json.loads(V2), json.loads(exported(api, again))
    was["data"]["description"] = "A pastry cook."
    assert now == was


def test_a_character_of_this_server_becomes_a_card_of_any_version(api: Api) -> None:
    made = character(api, description="d", tags=["t"])
    assert json.loads(exported(api, made))["spec"] == "chara_card_v2"
    for version in (1, 2, 3):
        for format_ in ("json", "png"):
            again = imported(api, exported(api, made, format=format_, version=version))
            assert (again["name"], again["description"]) == ("Rosa", "d")
            assert again["card"]["version"] == version
            assert again["tags"] == ([] if version == 1 else ["t"])
    path = f"/characters/{made['id']}/export"
    assert error_of(api.get(path, version="4"), 400)["param"] == "version"
    assert error_of(api.get(path, format="webp"), 400)["param"] == "format"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a recipe", "no character card"),
        (png(), "carries no card"),
        (png(head=header(2**31 - 1, 2**31 - 1)), "2147483647 x 2147483647"),
        (png(b"\x7f\xff\xff\xffIDAT"), "2147483647 bytes"),
        (V2.replace("cheerful", "x" * 256_001).encode(), "'personality'"),
        (V2.replace("cheerful", "\\u0000").encode(), "'personality'"),
    ],
    ids=range(7),
)
def test_a_card_that_is_no_card(api: Api, content: bytes, words: str) -> None:
    before = api.listed("/characters")
    assert words in error_of(send_card(api, content), 400)["message"]
    assert api.listed("/characters") == before


def test_a_card_without_the_file(api: Api) -> None:
    post, path = api.served.client.post, "/v1/characters/import"
    assert error_of(post(path, files={"other": b"x"}), 400)["param"] == "file"
    assert error_of(post(path), 400)["code"] == "no_body"


def test_the_file_of_a_card_goes_with_the_last_character_made_of_it(api: Api) -> None:
    content = png(text_chunk("chara", V1.replace("Ada", "Only here")))
    one, other = imported(api, content), imported(api, content)

    async def counted(store: Store) -> list[int]:
        async with store.read() as connection:
            held = blobs_table.c.size_bytes == len(content)
            return list(await connection.scalars(select(blobs_table.c.refs).where(held)))

    assert in_database(api.served, counted) == [2]
    api.delete(f"/characters/{one['id']}")
    assert exported(api, other, format="png") == content
    api.delete(f"/characters/{other['id']}")
    assert in_database(api.served, counted) == [0]


def test_nothing_is_left_of_what_was_deleted(api: Api) -> None:
    made = imported(api, V2.encode())
    one = instance(api, made, "gone", memory="Name: Ana")
    api.post("/instances/gone", memory="Name: Eva")
    api._send("DELETE", f"/characters/{made['id']}", params={"cascade": "true"})

    async def left(store: Store) -> list[Any]:
        async with store.read() as connection:
            its_own = objects.c.parent.in_([made["id"], one["id"]]) | objects.c.id.in_(
                [made["id"], one["id"], one["thread_id"]]
            )
            rows = await connection.execute(select(objects).where(its_own))
            return [row.document for row in rows if row.deleted_at is None or row.document]

    assert in_database(api.served, left) == []


def test_what_belongs_to_another_project_is_not_there(api: Api) -> None:
    theirs, unused = imported(api, PICTURE), character(api)
    named = instance(api, theirs, "theirs")

    async def give_away(store: Store) -> None:
        async with store.write() as connection:
            other = {"id": new_id("proj"), "name": new_id("other"), "created_at": 0}
            await connection.execute(projects.insert().values(other))
            is_theirs = objects.c.id.in_([theirs["id"], named["id"], named["thread_id"]])
            await connection.execute(
                update(objects).where(is_theirs).values(project_id=other["id"])
            )

    in_database(api.served, give_away)
    path = f"/characters/{theirs['id']}"
    for answer in (
        api.get(path),
        api.post(path, name="mine"),
        api.delete(path),
        api._send("DELETE", path, params={"cascade": "true"}),
        api.get(f"{path}/export"),
        api.get(f"{path}/instances"),
        api.post(f"{path}/instances", name="mine"),
        api.get(f"/instances/{named['id']}"),
        api.get("/instances/theirs"),
        api.post("/instances/theirs", name="mine"),
        api.delete(f"/instances/{named['id']}"),
    ):
        assert error_of(answer, 404)
    assert theirs["id"] not in api.listed("/characters")
    assert named["id"] not in api.listed("/instances")
    assert instance(api, unused, "theirs")["name"] == "theirs"
