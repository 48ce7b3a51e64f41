"""Instances and characters as models, with the embedded model behind them."""

import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import openai
import pytest
from tests.cli.running import Workplace
from tests.http.instances import make_character, make_instance, memory
from tests.http.serving import Served, error_of, serve, settings_for

from understudy import ids

DAY_S = 86_400


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose models list personas, with an alias for one."""
    settings = settings_for(
        tmp_path_factory.mktemp("data"), list_personas=True, aliases={"seller": "instance:rosa"}
    )
    with serve(settings) as one:
        yield one


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.root}/v1", api_key="any", max_retries=0) as one:
        yield one


def ask(client: openai.OpenAI, model: str, *said: str) -> str:
    messages: Any = [{"role": "user", "content": text} for text in said]
    answer = client.chat.completions.create(model=model, messages=messages)
    return answer.choices[0].message.content or ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Move the clock of the process by so many seconds."""
    moved_s = 0

    def move(by_s: int) -> None:
        nonlocal moved_s
        moved_s += by_s

    told = types.SimpleNamespace(time=lambda: time.time() + moved_s)
    monkeypatch.setattr(ids, "time", told)
    return move


def test_two_instances_answer_differently_a_day_and_a_restart_later(
    tmp_path: Path, clock: Callable[[int], None]
) -> None:
    settings = settings_for(tmp_path)
    with serve(settings) as first:
        character = make_character(first.client)
        for name, said in (
            ("ana", "Me llamo Ana y me gusta el té. Mañana tengo una cita con Pedro."),
            ("bob", "I'm Bob. I don't like tea, but I love rum."),
        ):
            make_instance(first.client, name, character)
            first.chat(model=f"instance:{name}", messages=[{"role": "user", "content": said}])
        told = first.client.get("/v1/instances/ana/memory/changes").json()["data"]
    clock(DAY_S)
    with (
        serve(settings) as second,
        openai.OpenAI(base_url=f"{second.root}/v1", api_key="any") as client,
    ):
        assert ask(client, "instance:ana", "¿Cómo me llamo?") == "Te llamas Ana."
        assert ask(client, "instance:bob", "What is my name?") == "Your name is Bob."
        assert ask(client, "instance:ana", "¿Qué me gusta?") == "Te gusta el té."
        assert ask(client, "instance:bob", "Do I like tea?") == "No: you do not like tea."
        day = second.client.get("/v1/instances/ana").json()["memory"][0]["text"].splitlines()[-1]
        ask(client, "instance:ana", "Hoy tengo una reunión")
        later = second.client.get("/v1/instances/ana/memory/changes").json()["data"]
        assert later[0]["created_at"] >= told[0]["created_at"] + DAY_S
        # What was tomorrow when it was said is today, whichever day the answer is asked for.
        today = memory(second.client, "ana").splitlines()[-1]
        assert day.split(",")[0] == today.split(",")[0]


def test_a_stream_of_the_sdk_says_what_was_remembered_before_it_ends(
    served: Served, client: openai.OpenAI
) -> None:
    name = make_instance(served.client)
    stream = client.chat.completions.create(
        model=f"instance:{name}",
        messages=[{"role": "user", "content": "My name is Ana."}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert memory(served.client, name) == "Name: Ana"
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Nice to meet you, Ana."
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_persona_speaks_and_the_model_behind_answers_from_its_description(
    served: Served, client: openai.OpenAI
) -> None:
    name = make_instance(served.client)
    model = f"instance:{name}"
    assert ask(client, model, "Hello") == "Hello! I am Rosa."
    assert ask(client, model, "Who are you?") == f"I am {name} (Rosa)."
    said = ask(client, model, "How much does the cheapest car cost?")
    assert said == "The cheapest car costs 9,000 euros."
    answer = served.chat(model=model)
    assert answer.headers["x-understudy-model"] == model


def test_nothing_is_known_to_another_instance_of_the_character(
    served: Served, client: openai.OpenAI
) -> None:
    character = make_character(served.client)
    one, other = (make_instance(served.client, character=character) for _ in range(2))
    ask(client, f"instance:{one}", "My name is Ana and I live in Madrid.")
    unknown = "I do not know that about you yet."
    assert ask(client, f"instance:{other}", "What is my name?") == unknown
    assert memory(served.client, other) == ""
    assert "Ana" not in ask(client, f"character:{character}", "What is my name?")
    found = served.client.post(f"/v1/instances/{other}/memory/search", json={"query": "Ana Madrid"})
    assert found.json()["data"] == []


def test_what_is_not_known_cannot_be_forgotten(served: Served, client: openai.OpenAI) -> None:
    name = make_instance(served.client, memory="Name: Ana")
    done = "All right, I forget it."
    assert ask(client, f"instance:{name}", "Forget what I said about whales") != done
    assert ask(client, f"instance:{name}", "Forget my name") == done
    assert memory(served.client, name) == ""


def test_undo_takes_a_fact_from_the_next_answer_and_only_once(
    served: Served, client: openai.OpenAI
) -> None:
    name = make_instance(served.client)
    model, changes = f"instance:{name}", f"/v1/instances/{name}/memory/changes"
    ask(client, model, "I live in Madrid.")
    ask(client, model, "My name is Ana.")
    ask(client, model, "I have moved to Seville.")
    moved, named, lived = served.client.get(changes).json()["data"]
    assert (moved["operation"], moved["removed"], moved["added"]) == (
        "replace", ["Lives in: Madrid"], ["Lives in: Seville"]
    )  # fmt: skip
    assert [change["by"] for change in (moved, named, lived)] == ["rules"] * 3
    undo = f"/v1/instances/{name}/memory/undo"
    taken_back = served.client.post(undo, json={}).json()
    assert (taken_back["undoes"], taken_back["added"]) == (moved["id"], ["Lives in: Madrid"])
    assert ask(client, model, "Where do I live?") == "You live in Madrid."
    assert error_of(served.client.post(undo, json={"change_id": moved["id"]}), 409)
    served.client.post(undo, json={"change_id": lived["id"]})
    assert ask(client, model, "Where do I live?") == "I do not know that about you yet."
    assert ask(client, model, "What is my name?") == "Your name is Ana."
    assert error_of(served.client.post(undo, json={"change_id": "memory_none"}), 404)


def test_a_persons_own_edit_is_a_change_that_can_be_undone(
    served: Served, client: openai.OpenAI
) -> None:
    name = make_instance(served.client, memory="Name: Ana\nLikes: tea")
    served.client.post(f"/v1/instances/{name}", json={"memory": "# human\nName: Eva\nLikes: tea"})
    assert ask(client, f"instance:{name}", "What is my name?") == "Your name is Eva."
    served.client.post(f"/v1/instances/{name}/memory/undo", json={})
    shown = served.client.get(f"/v1/instances/{name}/memory").json()
    assert shown["text"] == "# human\nName: Ana\nLikes: tea\n\n# notes"
    assert shown["blocks"][0]["characters"] == len("Name: Ana\nLikes: tea")


def test_the_archive_is_found_by_search_and_by_questions(
    served: Served, client: openai.OpenAI
) -> None:
    name = make_instance(served.client)
    added = served.client.post(
        f"/v1/instances/{name}/memory", json={"text": "Owns a red bicycle.", "block": "archive"}
    )
    (change,) = added.json()["data"]
    assert (change["operation"], change["by"]) == ("archive", "user")
    assert memory(served.client, name) == ""
    search = f"/v1/instances/{name}/memory/search"
    (hit,) = served.client.post(search, json={"query": "bicycle"}).json()["data"]
    assert (hit["text"], hit["is_remembered"]) == ("Owns a red bicycle.", False)
    said = ask(client, f"instance:{name}", "What colour is my bicycle?")
    assert "Owns a red bicycle." in said
    served.client.post(f"/v1/instances/{name}/memory/undo", json={"change_id": change["id"]})
    assert served.client.post(search, json={"query": "bicycle"}).json()["data"] == []


def test_a_line_over_the_limit_is_refused_with_the_numbers(served: Served) -> None:
    name = make_instance(served.client, memory=[{"label": "human", "text": "12345", "limit": 10}])
    path = f"/v1/instances/{name}/memory"
    refused = error_of(served.client.post(path, json={"text": "678901"}), 400)
    assert refused["code"] == "memory_full"
    assert "12 characters; its limit is 10" in refused["message"]
    assert error_of(served.client.post(path, json={"text": "a", "block": "x"}), 400)


def test_names_are_found_however_they_are_written(served: Served, client: openai.OpenAI) -> None:
    name = make_instance(served.client, "José-Müller")
    id_ = served.client.get(f"/v1/instances/{quote(name)}").json()["id"]
    ask(client, f"instance:{name}", "My name is Ana.")
    for reference in (quote(name), id_, "Jose\u0301-Mu\u0308ller"):
        assert ask(client, f"instance:{reference}", "What is my name?") == "Your name is Ana."
    if not served.client.get("/v1/instances/rosa").is_success:
        make_instance(served.client, "rosa")
    ask(client, "instance:rosa", "My name is Eva.")
    assert ask(client, "seller", "What is my name?") == "Your name is Eva."


def test_an_unknown_persona_is_no_other_model(served: Served, client: openai.OpenAI) -> None:
    for model in ("instance:nobody", "character:char_none", "instance:", "instance:inst_none"):
        with pytest.raises(openai.NotFoundError) as caught:
            ask(client, model, "Hi")
        assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=f"instance:{make_instance(served.client)}", input="a")


def test_models_list_personas_and_find_one(served: Served, client: openai.OpenAI) -> None:
    character = make_character(served.client)
    name = make_instance(served.client, character=character)
    listed = {model.id for model in client.models.list()}
    assert {f"instance:{name}", f"character:{character}"} <= listed
    assert client.models.retrieve(f"instance:{name}").id == f"instance:{name}"


def test_a_default_model_that_is_a_persona_needs_a_real_model_behind_it(tmp_path: Path) -> None:
    with serve(settings_for(tmp_path, default_model="instance:rosa")) as one:
        make_instance(one.client, "rosa")
        assert error_of(one.chat(), 400)["param"] == "model"
        one.client.post("/v1/instances/rosa", json={"model": "understudy-extractive"})
        assert one.chat().status_code == 200
        assert "instance:rosa" not in [m["id"] for m in one.client.get("/v1/models").json()["data"]]


def test_another_projects_instance_is_not_there(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    keys = [workplace.run("keys", "create", "--project", name).out.strip() for name in ("a", "b")]
    with workplace.serving() as url:
        for key in keys[:1]:
            with httpx2.Client(base_url=url.removesuffix("/v1"), trust_env=False) as http:
                http.headers["authorization"] = f"Bearer {key}"
                make_instance(http, "mine")
        with openai.OpenAI(base_url=url, api_key=keys[0]) as owner:
            assert ask(owner, "instance:mine", "My name is Ana.")
        with openai.OpenAI(base_url=url, api_key=keys[1], max_retries=0) as other:
            with pytest.raises(openai.NotFoundError):
                ask(other, "instance:mine", "What is my name?")
            for method, path in (
                ("GET", "memory"), ("GET", "memory/changes"), ("GET", "context"),
                ("POST", "memory/undo"), ("POST", "chat"), ("POST", "speech"),
            ):  # fmt: skip
                body = {"message": "Hi"} if path in ("chat", "speech") else {}
                answer = httpx2.request(
                    method,
                    f"{url}/instances/mine/{path}",
                    headers={"authorization": f"Bearer {keys[1]}"},
                    json=body if method == "POST" else None,
                    trust_env=False,
                )
                assert answer.status_code == 404, (path, answer.text)
