"""Legacy text completions made of chat, and passed on where a provider serves them itself."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.upstreams.scripted import ScriptedUpstream

from understudy.chat.completion import ChatCompletions
from understudy.chat.text import TextCompletions, prompts_of
from understudy.engines.registry import Registry
from understudy.errors import InvalidRequest, UnsupportedParameter
from understudy.settings import Settings
from understudy.settings.providers import CapabilitySettings, ProviderSettings
from understudy.wire.chat import Usage
from understudy.wire.completions import CompletionRequestShape, TextCompletion

Make = Callable[..., TextCompletions]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a", ["a"]),
        ("", [""]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1], [2, 3]], [[1], [2, 3]]),
    ],
)
def test_the_forms_of_a_prompt(prompt: Any, expected: Any) -> None:
    assert prompts_of(CompletionRequestShape(prompt=prompt)) == expected


@pytest.mark.parametrize("prompt", [None, [], ["a", 1], [1, "a"], [-1], [True], [[]], [[1], []]])
def test_what_is_no_prompt(prompt: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        prompts_of(CompletionRequestShape(prompt=prompt))
    assert caught.value.param == "prompt"


@pytest.fixture
async def make(upstream: ScriptedUpstream) -> AsyncIterator[Make]:
    """Text completions on one provider, which serves `/completions` itself or not."""
    registries = []

    def new(*, is_native: bool) -> TextCompletions:
        provider = ProviderSettings(
            base_url=upstream.base_url,
            enabled=True,
            capabilities=CapabilitySettings(text_completions=is_native),
        )
        registry = Registry(Settings(providers={"acme": provider}, default_model="acme/echo"))
        registries.append(registry)
        return TextCompletions(registry, ChatCompletions(registry))

    yield new
    for registry in registries:
        await registry.aclose()


async def complete(text: TextCompletions, **body: Any) -> Any:
    completion, _ = await text.complete(await text.prepare(body))
    return completion


async def streamed(text: TextCompletions, **body: Any) -> list[Any]:
    prepared = await text.prepare({**body, "stream": True})
    async with text.stream(prepared) as answer:
        return [chunk async for chunk in answer.chunks]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "a", "stream_options": {"include_usage": True}}, "stream_options"),
        ({"prompt": "a", "n": 2, "best_of": 1}, "best_of"),
        ({"prompt": "a", "stream": True, "best_of": 2}, "best_of"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens"),
        ({"model": "m"}, "prompt"),
    ],
)
async def test_an_invalid_request_names_its_field(make: Make, body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await make(is_native=False).prepare(body)
    assert caught.value.param == param


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "a", "suffix": "b"}, "suffix"),
        ({"prompt": "a", "logprobs": 0}, "logprobs"),
        ({"prompt": "a", "best_of": 2}, "best_of"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens"),
        ({"prompt": [1, 2]}, "prompt"),
    ],
)
async def test_what_a_chat_model_lacks_is_refused(make: Make, body: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        await complete(make(is_native=False), **body)
    assert caught.value.param == param


@pytest.mark.anyio
async def test_a_prompt_is_one_user_message(make: Make, upstream: ScriptedUpstream) -> None:
    made = await complete(make(is_native=False), prompt="hello", temperature=0.5, user=None)
    assert isinstance(made, TextCompletion)
    assert made.object == "text_completion"
    assert made.id.startswith("cmpl-")
    (choice,) = made.choices
    assert (choice.text, choice.index, choice.finish_reason) == ("You said: hello", 0, "stop")
    (call,) = upstream.calls
    assert call.path == "/chat/completions"
    assert call.json == {
        "model": "echo",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.5,
        "max_tokens": 16,
    }


@pytest.mark.anyio
async def test_prompts_and_copies_are_numbered(make: Make) -> None:
    made = await complete(make(is_native=False), prompt=["a", "b"], n=2, echo=True)
    assert [(choice.index, choice.text) for choice in made.choices] == [
        (0, "aYou said: a"),
        (1, "aYou said: a (2)"),
        (2, "bYou said: b"),
        (3, "bYou said: b (2)"),
    ]
    assert made.usage.prompt_tokens > 0


@pytest.mark.anyio
async def test_a_stream_says_the_same_as_a_plain_answer(make: Make) -> None:
    text = make(is_native=False)
    plain = await complete(text, prompt=["a", "b"], echo=True)
    chunks = await streamed(
        text, prompt=["a", "b"], echo=True, stream_options={"include_usage": True}
    )
    texts = ["", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in plain.choices]
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage == plain.usage
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


@pytest.mark.anyio
async def test_a_stream_without_usage(make: Make) -> None:
    chunks = await streamed(make(is_native=False), prompt="a")
    assert all(chunk.choices for chunk in chunks)
    assert not any(isinstance(chunk.usage, Usage) for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.anyio
async def test_a_provider_with_text_completions_gets_the_request(make: Make, upstream) -> None:
    text = make(is_native=True)
    made = await complete(text, prompt="hello", suffix="x", model="acme/echo")
    assert made["choices"][0]["text"] == " You said: hello"
    (call,) = upstream.calls
    assert call.path == "/completions"
    assert call.json == {"prompt": "hello", "suffix": "x", "model": "echo"}


@pytest.mark.anyio
async def test_a_native_stream_obeys_the_usage_rule(make: Make) -> None:
    text = make(is_native=True)
    plain = await streamed(text, prompt="hello")
    assert all(chunk["choices"] for chunk in plain)
    asked = await streamed(text, prompt="hello", stream_options={"include_usage": True})
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["total_tokens"] > 0
    assert [chunk["usage"] for chunk in asked[:-1]] == [None] * (len(asked) - 1)
