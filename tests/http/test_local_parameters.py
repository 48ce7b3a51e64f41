"""Every parameter of a chat shows its effect on what a real local model writes.

The model is random, so texts mean nothing; "!" ends an answer, "?" ends thinking, and
`<tool_call>` is followed by a newline. The ids of its first 256 tokens are bytes.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from jsonschema import validate
from tests.http.chunks import calls_of, choices_of, reasons_of, text_of
from tests.http.serving import Served, error_of, events_of, serve, settings_for

SLOTS = 2
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"$ref": "#/$defs/city"},
        "days": {"type": "integer", "minimum": 1, "maximum": 3},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
    "$defs": {"city": {"enum": ["Bogotá", "上海"]}},
}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "now"}},
]
ARGUMENTS = {"get_weather": WEATHER, "now": {"type": "object", "maxProperties": 0}}
WEATHER_FORMAT = {"type": "json_schema", "json_schema": {"name": "w", "schema": WEATHER}}
TOOL_CALL_TOKEN = "261"
LIKELY_CALL = {TOOL_CALL_TOKEN: 16}
"""More than any letter, and less than the newline that follows it."""
TEXT = {"enable_thinking": False, "max_tokens": 24, "seed": 1}


def byte(character: str) -> str:
    return str(ord(character))


@pytest.fixture(scope="module")
def local(tiny_chat_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        default_model=str(tiny_chat_gguf),
        local={"threads": 1, "slots": SLOTS},
    )
    with serve(settings) as served:
        yield served


def ask(local: Served, **fields: Any) -> dict[str, Any]:
    response = local.chat(**fields)
    assert response.status_code == 200, response.text
    return response.json()


def text(local: Served, **fields: Any) -> str:
    return ask(local, **{**TEXT, **fields})["choices"][0]["message"]["content"]


def tokens(local: Served, **fields: Any) -> list[str]:
    answer = ask(local, **{**TEXT, "temperature": 0, "logprobs": True, **fields})
    return [entry["token"] for entry in answer["choices"][0]["logprobs"]["content"]]


def calls(message: dict[str, Any]) -> list[str]:
    """Return the names of a message's calls, each of which must be what its function takes."""
    assert all(call["id"].startswith("call_") for call in message["tool_calls"])
    functions = [call["function"] for call in message["tool_calls"]]
    for function in functions:
        validate(json.loads(function["arguments"]), ARGUMENTS[function["name"]])
    return [function["name"] for function in functions]


def test_temperature_0_takes_the_likeliest_and_2_does_not(local: Served) -> None:
    assert text(local, temperature=0, seed=1) == text(local, temperature=0, seed=2)
    assert text(local, temperature=2, seed=1) != text(local, temperature=2, seed=2)


@pytest.mark.parametrize("seed", [7, -1, 2**32 - 1, 2**40])
def test_a_seed_repeats_an_answer(local: Served, seed: int) -> None:
    assert text(local, seed=seed) == text(local, seed=seed)


@pytest.mark.parametrize("narrowing", [{"top_p": 0}, {"top_k": 1}, {"min_p": 1}])
def test_sampling_from_one_token_is_like_temperature_0(
    local: Served, narrowing: dict[str, float]
) -> None:
    likeliest = text(local, temperature=0)
    assert text(local, temperature=2, seed=9) != likeliest
    assert text(local, temperature=2, seed=9, **narrowing) == likeliest


@pytest.mark.parametrize("as_list", [False, True])
def test_a_stop_string_ends_the_answer_and_is_not_in_it(local: Served, as_list: bool) -> None:
    whole = text(local, temperature=0)
    pieces = tokens(local)
    stop = pieces[8][-1] + pieces[9] + pieces[10][0]  # over the borders of three chunks
    wanted = {**TEXT, "temperature": 0, "stop": ["never said", "", stop] if as_list else stop}
    answer = ask(local, **wanted)["choices"][0]
    assert answer["message"]["content"] == whole.partition(stop)[0] != whole
    assert answer["finish_reason"] == "stop"
    events = local.events(**wanted)
    assert (text_of(events), reasons_of(events)) == (whole.partition(stop)[0], ["stop"])


def test_what_only_begins_like_a_stop_string_is_not_lost(local: Served) -> None:
    whole = text(local, temperature=0)
    assert text(local, temperature=0, stop=f"{whole[-3:]} and more") == whole


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_limit_of_tokens_cuts(local: Served, name: str) -> None:
    answer = ask(local, **{**TEXT, "max_tokens": None, name: 5})
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    "penalty",
    [{"presence_penalty": 2}, {"frequency_penalty": 2}, {"repetition_penalty": 2}],
)
def test_penalties_make_tokens_rarer(local: Served, penalty: dict[str, float]) -> None:
    wanted = {"max_tokens": 100, "ignore_eos": True, "messages": [{"role": "user", "content": "?"}]}
    assert len(set(tokens(local, **wanted, **penalty))) > len(set(tokens(local, **wanted)))


def test_the_frequency_penalty_grows_where_the_presence_penalty_does_not(local: Served) -> None:
    wanted = {"max_tokens": 60, "logit_bias": {byte("A"): 24}}
    present = tokens(local, **wanted, presence_penalty=2)
    frequent = tokens(local, **wanted, frequency_penalty=2)
    assert frequent.count("A") < present.count("A")


def test_a_bias_makes_a_token_certain_or_impossible(local: Served) -> None:
    assert set(text(local, logit_bias={byte("A"): 100})) == {"A"}
    first = next(piece for piece in tokens(local) if len(piece) == 1)
    assert first not in tokens(local, logit_bias={byte(first): -100})


def test_choices_are_counted_all(local: Served) -> None:
    wanted = {**TEXT, "n": SLOTS + 1, "ignore_eos": True}
    answer = ask(local, **wanted)
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert texts == [text(local, ignore_eos=True, seed=TEXT["seed"] + i) for i in range(3)]
    assert len(set(texts)) == 3
    one = ask(local, **{**wanted, "n": 1})["usage"]
    assert answer["usage"]["completion_tokens"] == 3 * TEXT["max_tokens"]
    assert answer["usage"]["prompt_tokens"] == one["prompt_tokens"]
    assert answer["usage"]["total_tokens"] == one["total_tokens"] + 2 * TEXT["max_tokens"]


def test_streamed_choices_are_the_same_and_counted_last(local: Served) -> None:
    wanted = {**TEXT, "n": SLOTS + 1, "ignore_eos": True}
    events = local.events(**wanted, stream_options={"include_usage": True})
    assert len({event["id"] for event in events}) == 1
    assert choices_of(events)[0]["index"] == 0
    said = ["", "", ""]
    for choice in choices_of(events):
        said[choice["index"]] += choice["delta"].get("content") or ""
    assert said == [choice["message"]["content"] for choice in ask(local, **wanted)["choices"]]
    assert reasons_of(events) == ["length"] * 3
    assert [event["usage"] for event in events[:-1]] == [None] * (len(events) - 1)
    assert events[-1]["usage"]["completion_tokens"] == 3 * TEXT["max_tokens"]


@pytest.mark.parametrize("top", [None, 0, 3])
def test_log_probabilities_are_those_of_the_text(local: Served, top: int | None) -> None:
    wanted = {**TEXT, "temperature": 0, "logprobs": True, "top_logprobs": top}
    choice = ask(local, **wanted)["choices"][0]
    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    for entry in entries:
        assert bytes(entry["bytes"]).decode() == entry["token"]
        likeliest = entry["top_logprobs"]
        assert len(likeliest) == (top or 0)
        assert all(one["logprob"] >= other["logprob"] for one, other in pairwise(likeliest))
        assert [entry["token"]] == [other["token"] for other in likeliest[:1]] or not top


def test_log_probabilities_leave_reasoning_out(local: Served) -> None:
    answer = ask(local, max_tokens=24, seed=1, thinking_budget=4, logprobs=True)["choices"][0]
    said = "".join(entry["token"] for entry in answer["logprobs"]["content"])
    assert said == answer["message"]["content"] != ""
    assert answer["message"]["reasoning_content"]


@pytest.mark.parametrize(
    "switch",
    [
        {"enable_thinking": False},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"reasoning_effort": "none"},
        {"messages": [{"role": "user", "content": "Hello /no_think"}]},
    ],
)
def test_thinking_is_kept_apart_and_can_be_switched_off(
    local: Served, switch: dict[str, Any]
) -> None:
    # Without a token that ends the answer or the thinking, all of it is one or the other.
    wanted = {"max_tokens": 12, "logit_bias": {byte("!"): -100, byte("?"): -100}}
    thinking = ask(local, **wanted)["choices"][0]["message"]
    assert thinking["reasoning_content"] and thinking["content"] == ""
    plain = ask(local, **wanted, **switch)["choices"][0]["message"]
    assert plain["content"] and "reasoning_content" not in plain


def test_a_thinking_budget_ends_the_thinking(local: Served) -> None:
    message = ask(local, max_tokens=40, thinking_budget=0, seed=2)["choices"][0]["message"]
    assert message["content"] and not message.get("reasoning_content")


def test_json_mode_holds_the_model_to_json(local: Served) -> None:
    wanted = {"logit_bias": {byte("}"): 30}}
    assert set(text(local, **wanted)) == {"}"}
    assert json.loads(text(local, **wanted, response_format={"type": "json_object"})) == {}


@pytest.mark.parametrize("thinking", [{"enable_thinking": False}, {"thinking_budget": 5}])
def test_a_schema_holds_the_model_to_it_also_after_thinking(
    local: Served, thinking: dict[str, Any]
) -> None:
    answer = ask(local, response_format=WEATHER_FORMAT, max_tokens=200, seed=3, **thinking)
    message = answer["choices"][0]["message"]
    validate(json.loads(message["content"]), WEATHER)
    assert bool(message.get("reasoning_content")) == ("thinking_budget" in thinking)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": WEATHER_FORMAT}, "response_format.json_schema.schema"),
        ({"tools": TOOLS, "tool_choice": "required"}, "tools"),
    ],
)
def test_a_schema_that_leads_nowhere_is_refused_by_name(
    local: Served, fields: dict[str, Any], param: str
) -> None:
    broken = json.loads(json.dumps(fields).replace("#/$defs/city", "#/$defs/country"))
    error = error_of(local.chat(**broken, **TEXT), 400)
    assert (error["param"], error["code"]) == (param, "invalid_json_schema")
    assert "#/properties/city: cannot resolve $ref #/$defs/country," in error["message"]
    assert "country" in error["message"]


def test_the_model_calls_functions_of_its_own_accord(local: Served) -> None:
    wanted = {**TEXT, "tools": TOOLS, "max_tokens": 300, "logit_bias": LIKELY_CALL}
    several = ask(local, **wanted)["choices"][0]["message"]
    assert len(calls({"tool_calls": several["tool_calls"][:2]})) == 2  # The last one may be cut.
    answer = ask(local, **wanted, parallel_tool_calls=False)
    assert len(calls(answer["choices"][0]["message"])) == 1
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert 0 < answer["usage"]["completion_tokens"] < 300
    none = ask(local, **{**wanted, "max_tokens": 9}, tool_choice="none")["choices"][0]["message"]
    assert "<tool_call>" in none["content"] and "tool_calls" not in none


@pytest.mark.parametrize("is_parallel", [True, False])
def test_a_call_can_be_demanded(local: Served, is_parallel: bool) -> None:
    wanted = {
        "tools": TOOLS,
        "tool_choice": "required",
        "parallel_tool_calls": is_parallel,
        "logit_bias": {byte(","): 20},
        "stop": "name",  # A call is no text.
        "max_tokens": 900,
    }
    choice = ask(local, **wanted, seed=1)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None and "reasoning_content" not in choice["message"]
    assert (len(calls(choice["message"])) > 1) == is_parallel


@pytest.mark.parametrize("name", ["get_weather", "now"])
def test_a_named_function_is_called_once_in_every_choice(local: Served, name: str) -> None:
    choice = {"type": "function", "function": {"name": name}}
    wanted = {"tools": TOOLS, "tool_choice": choice, "max_tokens": 300, "seed": 1, "n": 2}
    answer = ask(local, **wanted, logit_bias={byte(","): 20})
    assert [calls(choice["message"]) for choice in answer["choices"]] == [[name], [name]]
    made = [choice["message"]["tool_calls"][0]["id"] for choice in answer["choices"]]
    assert len(set(made)) == 2


def test_demanded_calls_are_streamed_in_pieces(local: Served) -> None:
    wanted = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 900, "seed": 2}
    events = local.events(**wanted, logit_bias={byte(","): 20})
    made = calls_of(events)
    assert len(made) > 1 and sorted(made) == list(range(len(made)))
    for call in made.values():
        assert call["type"] == "function" and call["id"].startswith("call_")
        validate(json.loads(call["args"]), ARGUMENTS[call["name"]])
    assert text_of(events) == ""
    assert reasons_of(events) == ["tool_calls"]
    assert len([event for event in events if event["choices"][0]["delta"].get("tool_calls")]) > 9


def test_a_call_that_is_cut_says_so(local: Served) -> None:
    wanted = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 5}
    assert ask(local, **wanted)["choices"][0]["finish_reason"] == "length"


def test_functions_of_2023_are_demanded_too(local: Served) -> None:
    functions = [tool["function"] for tool in TOOLS]
    wanted = {"functions": functions, "function_call": {"name": "get_weather"}}
    choice = ask(local, **wanted, max_tokens=300)["choices"][0]
    assert choice["finish_reason"] == "function_call"
    validate(json.loads(choice["message"]["function_call"]["arguments"]), WEATHER)


@pytest.mark.parametrize("opening", ["[", "{"])
def test_beside_a_schema_the_model_still_calls_or_answers(local: Served, opening: str) -> None:
    wanted = {**TEXT, "tools": TOOLS, "response_format": WEATHER_FORMAT, "max_tokens": 300}
    choice = ask(local, **wanted, logit_bias={byte(opening): 30})["choices"][0]
    if opening == "[":
        assert calls(choice["message"]) and choice["finish_reason"] == "tool_calls"
    else:
        validate(json.loads(choice["message"]["content"]), WEATHER)
        assert choice["finish_reason"] == "stop"


def test_an_answer_of_the_assistant_at_the_end_is_history(local: Served) -> None:
    question = {"role": "user", "content": "?"}
    answered = [question, {"role": "assistant", "content": "yes"}]
    usage = [ask(local, **TEXT, messages=messages)["usage"] for messages in ([question], answered)]
    assert usage[1]["prompt_tokens"] > usage[0]["prompt_tokens"] + len("yes")


def test_fields_that_nobody_knows_are_named(local: Served) -> None:
    response = local.chat(**TEXT, user="u", verbosity="low", foo=1, top_k=5)
    assert response.headers["x-understudy-ignored"] == "verbosity, foo"


@pytest.mark.parametrize(
    "wrong", [{"top_k": "many"}, {"min_p": 2}, {"repetition_penalty": 0}, {"thinking_budget": -5}]
)
def test_values_out_of_bounds_are_refused_by_name(local: Served, wrong: dict[str, Any]) -> None:
    assert error_of(local.chat(**wrong), 400)["param"] == next(iter(wrong))


def complete(local: Served, **fields: Any) -> dict[str, Any]:
    wanted = {"prompt": "Once", "seed": 1, "max_tokens": 12, "ignore_eos": True, **fields}
    response = local.client.post("/v1/completions", json=wanted)
    assert response.status_code == 200, response.text
    return response.json() if not wanted.get("stream") else {"events": events_of(response)}


def test_texts_are_made_for_every_prompt_and_counted_all(local: Served) -> None:
    answer = complete(local, prompt=["Once", "Twice"], n=2)
    texts = [choice["text"] for choice in answer["choices"]]
    single = [
        complete(local, prompt=prompt, seed=seed) for prompt in ("Once", "Twice") for seed in (1, 2)
    ]
    assert texts == [one["choices"][0]["text"] for one in single]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["completion_tokens"] == 4 * 12
    prompts = single[0]["usage"]["prompt_tokens"] + single[2]["usage"]["prompt_tokens"]
    assert answer["usage"]["prompt_tokens"] == prompts
    assert answer["object"] == "text_completion"


def test_a_text_without_a_limit_has_sixteen_tokens(local: Served) -> None:
    assert complete(local, max_tokens=None)["usage"]["completion_tokens"] == 16


def test_a_text_stops_repeats_its_prompt_and_streams_alike(local: Served) -> None:
    whole = complete(local, temperature=0)["choices"][0]["text"]
    stop = whole[5:9]
    answer = complete(local, temperature=0, stop=stop, echo=True)
    said = "Once" + whole.partition(stop)[0]
    assert answer["choices"][0]["text"] == said
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert 0 < answer["usage"]["completion_tokens"] < 12
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    events = complete(local, temperature=0, stop=stop, echo=True, **streamed)["events"]
    assert "".join(choice["text"] for choice in choices_of(events)) == said
    assert events[-1]["usage"] == {**answer["usage"], "prompt_tokens_details": ANY}
    assert complete(local, temperature=0, stop=f"{whole[-3:]} x")["choices"][0]["text"] == whole


@pytest.mark.parametrize("top", [0, 2])
def test_a_text_has_its_log_probabilities_in_lists(local: Served, top: int) -> None:
    choice = complete(local, logprobs=top)["choices"][0]
    lists = choice["logprobs"]
    assert "".join(lists["tokens"]) == choice["text"]
    assert len(lists["token_logprobs"]) == len(lists["tokens"]) == 12
    assert [len(each) for each in lists["top_logprobs"]] == [top] * 12
    for offset, token in zip(lists["text_offset"], lists["tokens"], strict=True):
        assert choice["text"].startswith(token, offset)


@pytest.mark.parametrize(
    "wrong", [{"suffix": "end"}, {"best_of": 3}, {"max_tokens": 0}, {"echo": True, "logprobs": 1}]
)
def test_what_texts_cannot_do_is_refused_by_name(local: Served, wrong: dict[str, Any]) -> None:
    response = local.client.post("/v1/completions", json={"prompt": "Once", **wrong})
    assert error_of(response, 400)["param"] == next(iter(wrong))
