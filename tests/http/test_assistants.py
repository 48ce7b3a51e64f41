"""`/v1/assistants` in both dialects, on SQLite and on PostgreSQL."""

from typing import Any

import pytest
from tests.http.serving import Served, error_of, serve, settings_for
from tests.http.threads_and_assistants import Api, api, store_of

__all__ = ["api"]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CAT = "The cat sleeps on the warm roof."
DOG = "The dog runs along the cold beach."


def test_the_life_of_an_assistant(api: Api) -> None:
    given: dict[str, Any] = {
        "name": "Tutor",
        "description": "Teaches.",
        "instructions": "Be kind.",
        "tools": [{"type": "code_interpreter"}, {"type": "file_search"}, WEATHER],
        "metadata": {"a": "b"},
        "temperature": 0.5,
        "top_p": 0.25,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
    }
    made = api.assistant(**given)
    assert made["id"].startswith("asst_")
    assert {name: made[name] for name in given} == given
    assert (made["object"], made["model"], made["tool_resources"]) == ("assistant", "m", None)
    path = f"/assistants/{made['id']}"
    assert api.get(path).json() == made
    assert made["id"] in api.listed("/assistants")
    deleted = {"id": made["id"], "object": "assistant.deleted", "deleted": True}
    assert api.delete(path).json() == deleted
    for answer in (api.get(path), api.delete(path), api.post(path, name="x")):
        assert made["id"] in error_of(answer, 404)["message"]
    assert made["id"] not in api.listed("/assistants", limit=100)


def test_what_an_assistant_has_by_default(api: Api) -> None:
    made = api.valid("AssistantObject", api.post("/assistants"))
    assert made["model"] == api.served.settings.default_model
    assert (made["tools"], made["metadata"], made["response_format"]) == ([], {}, "auto")
    nulls = ("name", "description", "instructions", "temperature", "top_p", "tool_resources")
    assert [made[name] for name in nulls] == [None] * len(nulls)
    assert not {"file_ids", "reasoning_effort"} & set(made)


def test_a_change_sets_what_it_names(api: Api) -> None:
    made = api.assistant(
        name="old", instructions="i", metadata={"a": "b"}, tools=[WEATHER], reasoning_effort="high"
    )
    path = f"/assistants/{made['id']}"
    named = api.valid("AssistantObject", api.post(path, name="new", model="other"))
    assert named == {**made, "name": "new", "model": "other"}
    emptied = api.valid(
        "AssistantObject",
        api.post(
            path,
            name=None,
            instructions=None,
            metadata=None,
            tools=None,
            response_format=None,
            reasoning_effort=None,
        ),
    )
    kept = {name: value for name, value in named.items() if name != "reasoning_effort"}
    assert emptied == {**kept, "name": None, "instructions": None, "metadata": {}, "tools": []}
    assert api.get(path).json() == emptied


def test_pages_of_assistants(api: Api) -> None:
    made = [api.assistant()["id"] for _ in range(4)]
    assert api.listed("/assistants", limit=3) == made[:0:-1]
    assert api.listed("/assistants", limit=2, after=made[3]) == [made[2], made[1]]
    assert api.listed("/assistants", limit=1, before=made[2]) == [made[3]]
    assert api.listed("/assistants", order="asc", after=made[2]) == [made[3]]
    api.delete(f"/assistants/{made[2]}")
    assert api.listed("/assistants", limit=1, after=made[2]) == [made[1]]
    assert error_of(api.get("/assistants", after="asst_never"), 400)["param"] == "after"


def test_the_dialects_show_one_assistant_each_in_its_way(api: Api) -> None:
    made = api.as_v1().assistant(tools=[{"type": "retrieval"}, WEATHER])
    assert made["tools"] == [{"type": "retrieval"}, WEATHER]
    assert made["file_ids"] == []
    assert not {"tool_resources", "temperature", "response_format"} & set(made)
    shown = api.valid("AssistantObject", api.get(f"/assistants/{made['id']}"))
    assert shown["tools"] == [{"type": "file_search"}, WEATHER]
    assert "file_ids" not in shown
    (listed,) = api.as_v1().get("/assistants", limit=1).json()["data"]
    assert listed == made


def test_a_request_without_the_header_is_answered_as_it_is_written(api: Api) -> None:
    post = api.served.client.post
    of_v1 = post("/v1/assistants", json={"model": "m", "tools": [{"type": "retrieval"}]})
    assert of_v1.json()["file_ids"] == []
    of_v2 = post("/v1/assistants", json={"model": "m", "tools": [{"type": "file_search"}]})
    assert of_v2.json()["tool_resources"] is None


def test_the_files_of_v1_are_searched(api: Api) -> None:
    cat, dog = api.upload(CAT, "cat.txt"), api.upload(DOG, "dog.txt")
    made = api.as_v1().assistant(tools=[{"type": "retrieval"}], file_ids=[cat])
    assert made["file_ids"] == [cat]
    path = f"/assistants/{made['id']}"
    store_id = store_of(api.get(path).json())
    assert api.in_store(store_id, "Where does the cat sleep?") == {cat}

    attached = api.as_v1().valid("AssistantFileObject", api.post(f"{path}/files", file_id=dog))
    assert (attached["id"], attached["assistant_id"]) == (dog, made["id"])
    assert api.get(f"{path}/files/{dog}").json() == attached
    assert api.listed(f"{path}/files") == [dog, cat]
    assert api.in_store(store_id, "Where does the dog run?") == {dog}
    assert api.as_v1().get(path).json()["file_ids"] == [cat, dog]

    detached = {"id": cat, "object": "assistant.file.deleted", "deleted": True}
    assert api.delete(f"{path}/files/{cat}").json() == detached
    assert api.listed(f"{path}/files") == [dog]
    assert api.listed(f"{path}/files", after=cat, order="asc") == [dog]
    assert error_of(api.get(f"{path}/files/{cat}"), 404)["message"].startswith("No file found")
    assert error_of(api.delete(f"{path}/files/{cat}"), 404)
    assert api.in_store(store_id, "Where does the cat sleep?") == set()
    assert api.get(f"/files/{cat}").status_code == 200


def test_a_change_of_v1_replaces_the_files(api: Api) -> None:
    cat, dog = api.upload(CAT, "cat.txt"), api.upload(DOG, "dog.txt")
    made = api.as_v1().assistant(file_ids=[cat])
    path = f"/assistants/{made['id']}"
    changed = api.as_v1().valid("AssistantObject", api.as_v1().post(path, file_ids=[dog, dog]))
    assert changed["file_ids"] == [dog]
    store_id = store_of(api.get(path).json())
    assert api.in_store(store_id, "Where do the cat and the dog go?") == {dog}
    assert api.as_v1().post(path, name="kept").json()["file_ids"] == [dog]
    assert api.as_v1().post(path, file_ids=[]).json()["file_ids"] == []
    assert api.listed(f"{path}/files") == []


def test_files_of_v1_follow_to_another_store(api: Api) -> None:
    cat = api.upload(CAT, "cat.txt")
    made = api.as_v1().assistant(file_ids=[cat])
    other = api.post("/vector_stores").json()["id"]
    search = {"file_search": {"vector_store_ids": [other]}}
    changed = api.valid(
        "AssistantObject", api.post(f"/assistants/{made['id']}", tool_resources=search)
    )
    assert store_of(changed) == other
    assert api.in_store(other, "Where does the cat sleep?") == {cat}


def test_the_store_of_v1_files_goes_with_the_assistant(api: Api) -> None:
    made = api.as_v1().assistant(file_ids=[api.upload(CAT)])
    store_id = store_of(api.get(f"/assistants/{made['id']}").json())
    assert api.get(f"/vector_stores/{store_id}").status_code == 200
    api.delete(f"/assistants/{made['id']}")
    assert error_of(api.get(f"/vector_stores/{store_id}"), 404)


def test_a_store_that_somebody_deleted_is_made_anew(api: Api) -> None:
    cat, dog = api.upload(CAT, "cat.txt"), api.upload(DOG, "dog.txt")
    made = api.as_v1().assistant(file_ids=[cat])
    path = f"/assistants/{made['id']}"
    first = store_of(api.get(path).json())
    api.delete(f"/vector_stores/{first}")
    assert api.post(f"{path}/files", file_id=dog).status_code == 200
    second = store_of(api.get(path).json())
    assert second != first
    assert api.in_store(second, "Where does the dog run?") == {dog}
    assert api.delete(path).status_code == 200


def test_stores_named_and_made_with_the_assistant(api: Api) -> None:
    cat = api.upload(CAT, "cat.txt")
    store = api.post("/vector_stores").json()["id"]
    resources = {
        "file_search": {"vector_store_ids": [store]},
        "code_interpreter": {"file_ids": [cat]},
    }
    assert api.assistant(tool_resources=resources)["tool_resources"] == resources

    new = {"file_ids": [cat], "metadata": {"k": "v"}}
    made = api.assistant(tool_resources={"file_search": {"vector_stores": [new]}})
    assert api.get(f"/vector_stores/{store_of(made)}").json()["metadata"] == {"k": "v"}
    assert api.in_store(store_of(made), "Where does the cat sleep?") == {cat}
    api.delete(f"/assistants/{made['id']}")
    assert api.get(f"/vector_stores/{store_of(made)}").status_code == 200


def test_sizes_of_chunks_of_a_store_made_with_the_assistant(api: Api) -> None:
    sizes = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
    new = {
        "file_ids": [api.upload(CAT)],
        "chunking_strategy": {"type": "static", "static": sizes},
    }
    made = api.assistant(tool_resources={"file_search": {"vector_stores": [new]}})
    (file,) = api.get(f"/vector_stores/{store_of(made)}/files").json()["data"]
    assert file["chunking_strategy"]["static"] == sizes


def test_members_of_tool_resources_that_a_change_lacks_stay(api: Api) -> None:
    cat, store = api.upload(CAT), api.post("/vector_stores").json()["id"]
    search = {"file_search": {"vector_store_ids": [store]}}
    code = {"code_interpreter": {"file_ids": [cat]}}
    path = f"/assistants/{api.assistant(tool_resources=search)['id']}"
    assert api.post(path, tool_resources=code).json()["tool_resources"] == {**search, **code}
    assert api.post(path, tool_resources=None).json()["tool_resources"] is None


@pytest.mark.parametrize(
    ("resources", "param"),
    [
        ({"file_search": {"vector_store_ids": ["vs_no"]}}, "file_search.vector_store_ids[0]"),
        (
            {"file_search": {"vector_stores": [{"file_ids": ["file-no"]}]}},
            "file_search.vector_stores[0].file_ids[0]",
        ),
        ({"code_interpreter": {"file_ids": ["file-no"]}}, "code_interpreter.file_ids[0]"),
    ],
)
def test_unknown_resources_are_named(api: Api, resources: dict[str, Any], param: str) -> None:
    made = api.assistant()
    for path in ("/assistants", f"/assistants/{made['id']}", "/threads"):
        error = error_of(api.post(path, tool_resources=resources), 404)
        assert error["param"] == f"tool_resources.{param}"
        assert "_no'" in error["message"] or "-no'" in error["message"]
    assert api.get(f"/assistants/{made['id']}").json() == made


def test_unknown_files_of_v1_are_named(api: Api) -> None:
    cat = api.upload(CAT)
    error = error_of(api.as_v1().post("/assistants", file_ids=[cat, "file-no"]), 404)
    assert error["param"] == "file_ids[1]"
    made = api.as_v1().assistant()
    path = f"/assistants/{made['id']}"
    assert error_of(api.post(path, file_ids=["file-no"]), 404)["param"] == "file_ids[0]"
    assert error_of(api.post(f"{path}/files", file_id="file-no"), 404)["param"] == "file_id"
    assert error_of(api.post(f"{path}/files"), 400)["param"] == "file_id"
    assert error_of(api.post("/assistants/asst_no/files", file_id=cat), 404)
    assert error_of(api.get("/assistants/asst_no/files"), 404)


def test_an_assistant_has_at_most_twenty_files(api: Api) -> None:
    files = [api.upload(f"Text {number}.") for number in range(21)]
    made = api.as_v1().assistant(file_ids=files[:20])
    error = error_of(api.post(f"/assistants/{made['id']}/files", file_id=files[20]), 400)
    assert error["param"] == "file_id"
    assert error_of(api.as_v1().post("/assistants", file_ids=files), 400)["param"] == "file_ids"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [WEATHER] * 129}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "parameters": {"type": "no such type"}},
                    }
                ]
            },
            "tools[0].function.parameters",
        ),
        ({"instructions": "x" * 256_001}, "instructions"),
        ({"name": "x" * 257}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: ""}}, "metadata"),
        ({"metadata": {"k": "v" * 513}}, "metadata"),
        ({"temperature": 2.1}, "temperature"),
    ],
)
def test_bad_fields_are_named(api: Api, body: dict[str, Any], param: str) -> None:
    made = api.assistant()
    for path in ("/assistants", f"/assistants/{made['id']}"):
        named = error_of(api.post(path, **body), 400)["param"]
        assert named is not None and named.removesuffix("[...]").startswith(param)
    assert api.get(f"/assistants/{made['id']}").json() == made


def test_an_unknown_version_is_refused(api: Api) -> None:
    answer = api.with_headers(OpenAI_Beta="assistants=v3").get("/assistants")
    assert "assistants=v2" in error_of(answer, 400)["message"]


def test_a_repeated_creation_makes_one_assistant(api: Api) -> None:
    first = api.with_headers(Idempotency_Key=f"once-{api.served.port}")
    before = len(api.listed("/assistants", limit=100))
    made = first.assistant(name="one")
    assert first.assistant(name="one") == made
    assert len(api.listed("/assistants", limit=100)) == before + 1
    other = error_of(first.post("/assistants", model="m", name="two"), 400)
    assert other["code"] == "idempotency_key_reused"
    assert api.assistant(name="one")["id"] != made["id"]
    long = api.with_headers(Idempotency_Key="k" * 256)
    assert error_of(long.post("/assistants"), 400)["param"] == "Idempotency-Key"


def test_a_repeated_attachment_is_answered_again(api: Api) -> None:
    cat = api.upload(CAT)
    path = f"/assistants/{api.as_v1().assistant()['id']}/files"
    once = api.with_headers(Idempotency_Key=f"attach-{api.served.port}")
    assert once.post(path, file_id=cat).json() == once.post(path, file_id=cat).json()
    assert api.listed(path) == [cat]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serve(settings_for(tmp_path_factory.mktemp("other"), default_model="up/x")) as served:
        yield served


def test_the_default_model_is_that_of_the_settings(other: Served) -> None:
    assert other.client.post("/v1/assistants").json()["model"] == "up/x"
