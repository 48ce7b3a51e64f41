"""A request that nobody waits for any more stops its engine, while it reads the prompt too."""

from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from tests.tiny_models import make_tiny_gguf
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import ScriptedUpstream

from understudy.engines.llama.client import ChildClient
from understudy.engines.llama.models import LocalModel
from understudy.engines.llama.supervisor import Running, Supervisor
from understudy.settings import TimeoutSettings
from understudy.settings.local import LocalModelSettings, LocalSettings
from understudy.wire.chat import ChatRequest

pytestmark = pytest.mark.anyio

WAIT_S = 60.0
SHORT = "hello"
LONG = "lorem ipsum dolor " * 1500


def endless(content: str) -> ChatRequest:
    messages = [{"role": "user", "content": content}]
    fields: Any = {"model": "slow", "messages": messages, "max_tokens": 20_000, "ignore_eos": True}
    return fields


@pytest.fixture(scope="module")
def slow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads some hundred tokens in a second."""
    path = tmp_path_factory.mktemp("models") / "slow.gguf"
    return make_tiny_gguf(path, "--width", "256", "--heads", "4", "--layers", "12")


async def slot(running: Running) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {running.process.launch.key}"}
    async with httpx2.AsyncClient(trust_env=False, timeout=WAIT_S, headers=headers) as client:
        (only,) = (await client.get(f"{running.client.url}/slots")).json()
        return dict(only)


async def until_it_is(running: Running, *, is_busy: bool) -> dict[str, Any]:
    """Return the slot as soon as it works, or works no more."""
    state = await slot(running)
    while state["is_processing"] is not is_busy:
        await anyio.sleep(0.02)
        state = await slot(running)
    return state


async def read_to_the_end(running: Running, request: ChatRequest) -> None:
    async with aclosing(running.client.stream(request)) as chunks:
        async for _ in chunks:
            pass


@pytest.mark.parametrize("content", [SHORT, LONG], ids=["writing", "reading"])
async def test_a_cancelled_request_frees_its_slot(slow_gguf: Path, content: str) -> None:
    model = LocalModel("slow", slow_gguf, LocalModelSettings(path=slow_gguf))
    settings = LocalSettings(threads=1, slots=1, batch_size=32, context_length=32_768)
    supervisor = Supervisor(settings, TimeoutSettings())
    try:
        with anyio.fail_after(WAIT_S):
            async with supervisor.running(model) as running:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(read_to_the_end, running, endless(content))
                    await until_it_is(running, is_busy=True)
                    tasks.cancel_scope.cancel()
                freed = await until_it_is(running, is_busy=False)
    finally:
        await supervisor.aclose()
    assert freed["n_prompt_tokens_processed"] < len(LONG) // 3, "it went on to the end"
    assert freed["next_token"][0]["n_decoded"] < 2_000


async def test_texts_to_embed_wait_here_where_they_can_be_given_up() -> None:
    async def hang_embeddings(call: Call, reply: Reply) -> None:
        if call.path == "/embeddings":
            await anyio.sleep_forever()
        await reply.json({"results": []})

    with ScriptedUpstream(hang_embeddings) as engine:
        client = ChildClient(engine.base_url.removesuffix("/v1"), "key", TimeoutSettings(), slots=1)
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(client.embed, {"model": "m", "input": ["text"]})
            await anyio.to_thread.run_sync(engine.wait_for_calls, 2)
            await client.moderate({"input": "what comes after them"})
            tasks.cancel_scope.cancel()
        await client.aclose()
    assert [call.path for call in engine.calls].count("/embeddings") == 2
