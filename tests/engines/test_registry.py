"""Model routing with the real engines: the embedded ones, and scripted providers on loopback."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.upstreams.dashscope import KEYS
from tests.upstreams.scripted import ScriptedUpstream, answer, drop

from understudy.engines import registry as registry_module
from understudy.engines import upstream as upstream_module
from understudy.engines.base import ModelInfo
from understudy.engines.dashscope import DashScopeEngine
from understudy.engines.extractive import ExtractiveEngine
from understudy.engines.registry import EMBEDDED, Asker, Registry, Route
from understudy.engines.upstream import UpstreamEngine
from understudy.errors import InvalidRequest, ModelNotFound, ProviderKeyMissing
from understudy.settings import ModelSettings, Settings
from understudy.settings.load import load_settings

pytestmark = pytest.mark.anyio

MakeRegistry = Callable[..., Registry]
HELLO: Any = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def make(tmp_path: Any) -> AsyncIterator[MakeRegistry]:
    """Make registries from settings as a file would give them; closes their engines."""
    made: list[Registry] = []

    def new(environ: dict[str, str] | None = None, **values: Any) -> Registry:
        values.setdefault("upstream_retries", 0)
        settings = load_settings(values, environ or {}, tmp_path).settings
        made.append(Registry(settings))
        return made[-1]

    yield new
    for registry in made:
        await registry.aclose()


@pytest.fixture
def second() -> Iterator[ScriptedUpstream]:
    """Another provider."""
    with ScriptedUpstream() as server:
        yield server


def acme(upstream: ScriptedUpstream, **values: Any) -> dict[str, Any]:
    return {"acme": {"base_url": upstream.base_url, **values}}


async def served(registry: Registry, name: str | None, **options: Any) -> str:
    return (await registry.route(name, **options)).served


async def test_provider_and_model_in_one_name(make: MakeRegistry, upstream) -> None:
    route = await make(providers=acme(upstream)).route("acme/org/model-7b")
    assert (route.provider, route.model) == ("acme", "org/model-7b")
    assert route.served == "acme/org/model-7b"
    assert isinstance(route.engine, UpstreamEngine)
    assert upstream.calls == []


async def test_a_provider_that_is_not_enabled_answers_for_its_prefix(make: MakeRegistry) -> None:
    assert await served(make(), "ollama/qwen3:8b") == "ollama/qwen3:8b"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("understudy-extractive", "chat"),
        ("understudy/understudy-extractive", "chat"),
        ("understudy-lexical", "embedding"),
    ],
)
async def test_the_embedded_models(make: MakeRegistry, name: str, kind: Any) -> None:
    route = await make().route(name, kind)
    assert isinstance(route.engine, ExtractiveEngine)
    assert route.served == name.removeprefix("understudy/")


async def test_an_alias_leads_through_other_aliases(make: MakeRegistry, upstream) -> None:
    aliases = {"gpt-4o": "big", "big": "acme/m"}
    registry = make(providers=acme(upstream), aliases=aliases)
    assert await served(registry, "gpt-4o") == "acme/m"


async def test_an_alias_wins_over_a_model_of_that_name(make: MakeRegistry) -> None:
    registry = make(aliases={"understudy-extractive": "ollama/m"})
    assert await served(registry, "understudy-extractive") == "ollama/m"


async def test_a_bare_name_by_model_map(make: MakeRegistry, upstream) -> None:
    registry = make(providers=acme(upstream, models={"gpt-4": "acme-70b"}))
    route = await registry.route("gpt-4")
    assert (route.provider, route.model, route.served) == ("acme", "acme-70b", "acme/gpt-4")
    assert (await registry.route("acme/gpt-4")).model == "acme-70b"
    assert upstream.calls == []


async def test_the_model_map_is_asked_before_the_table_of_qwen(make: MakeRegistry, upstream):
    providers = acme(upstream, models={"qwen-plus": "own-qwen"})
    registry = make({"DASHSCOPE_API_KEY": "sk-x"}, providers=providers)
    assert await served(registry, "qwen-plus") == "acme/qwen-plus"


@pytest.mark.parametrize("name", ["qwen-plus", "qwen-plus-2025-07-28", "qwq-plus"])
async def test_a_bare_name_of_qwen(make: MakeRegistry, name: str) -> None:
    route = await make({"DASHSCOPE_API_KEY": "sk-x"}).route(name)
    assert route.served == f"dashscope/{name}"
    assert isinstance(route.engine, DashScopeEngine)


async def test_settings_without_dashscope_know_no_qwen() -> None:
    assert await Registry(Settings(unknown_model="error", providers={})).find("qwen-plus") is None


async def test_a_bare_name_of_qwen_goes_to_the_region_in_the_settings(make: MakeRegistry) -> None:
    registry = make({"DASHSCOPE_API_KEY": "sk-x"}, providers={"dashscope-cn": {}})
    assert await served(registry, "qwen-plus") == "dashscope-cn/qwen-plus"


async def test_a_provider_that_is_switched_off_gets_no_bare_names(make: MakeRegistry) -> None:
    registry = make({"DASHSCOPE_API_KEY": "sk-x"}, providers={"dashscope": {"enabled": False}})
    assert (await registry.route("qwen-plus")).served == "understudy-extractive"


async def test_a_bare_name_of_qwen_without_a_key_says_so(make: MakeRegistry) -> None:
    route = await make().route("qwen-plus")
    with pytest.raises(ProviderKeyMissing, match="DASHSCOPE_API_KEY"):
        await route.engine.complete({**HELLO, "model": route.model})


async def test_without_dashscope_another_provider_may_list_qwen(
    make: MakeRegistry, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer({"object": "list", "data": [{"id": "qwen-plus"}]}))
    assert await served(make(providers=acme(upstream)), "qwen-plus") == "acme/qwen-plus"


async def test_with_dashscope_no_other_provider_is_asked_for_qwen(
    make: MakeRegistry, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer({"object": "list", "data": [{"id": "qwen-plus"}]}))
    registry = make({"DASHSCOPE_API_KEY": "sk-x"}, providers={**acme(upstream), "dashscope": {}})
    assert await served(registry, "qwen-plus") == "dashscope/qwen-plus"
    assert upstream.calls == []


async def test_a_provider_without_its_key_is_passed_over(
    make: MakeRegistry, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    keyless = {"base_url": second.base_url, "requires_key": True, "models": {"echo": "x"}}
    registry = make(providers={"zeta": keyless, **acme(upstream)})
    assert await served(registry, "echo") == "acme/echo"


async def test_a_bare_name_by_the_providers_own_list(
    make: MakeRegistry, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.play(answer({"object": "list", "data": [{"id": "other"}]}))
    providers = {**acme(upstream), "zeta": {"base_url": second.base_url}}
    registry = make(providers=providers)
    assert await served(registry, "echo") == "zeta/echo"
    assert await served(registry, "echo") == "zeta/echo"
    assert [call.path for call in upstream.calls + second.calls] == ["/models", "/models"]


async def test_a_provider_that_is_not_enabled_is_not_asked(make: MakeRegistry, upstream) -> None:
    registry = make(providers=acme(upstream, enabled=False))
    assert await served(registry, "echo") == "understudy-extractive"
    assert upstream.calls == []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of what is remembered, moved by the test."""
    now = SimpleNamespace(s=time.monotonic())
    fake = SimpleNamespace(monotonic=lambda: now.s)
    monkeypatch.setattr(registry_module, "time", fake)
    monkeypatch.setattr(upstream_module, "time", fake)
    return now


async def test_the_names_of_a_provider_that_went_away_stay_known(
    make: MakeRegistry, upstream: ScriptedUpstream, clock: SimpleNamespace
) -> None:
    registry = make(providers=acme(upstream))
    assert await served(registry, "echo") == "acme/echo"
    clock.s += 3600
    upstream.play(answer({"error": {"message": "stopping"}}, 503))
    assert await served(registry, "echo") == "acme/echo"
    assert len(upstream.calls) == 2


async def test_a_provider_that_was_away_is_found_soon_after(
    make: MakeRegistry, upstream: ScriptedUpstream, clock: SimpleNamespace
) -> None:
    registry = make(providers=acme(upstream))
    upstream.play(answer({"error": {"message": "starting"}}, 503))
    assert await served(registry, "echo") == "understudy-extractive"
    clock.s += 6
    assert await served(registry, "echo") == "acme/echo"


@pytest.mark.parametrize("name", [None, "", "gpt-4", "nobody/gpt-4", "ollama/"])
async def test_absent_and_unknown_names_mean_the_default(make: MakeRegistry, name) -> None:
    assert await served(make(), name) == "understudy-extractive"
    assert await served(make(default_model="ollama/m"), name) == "ollama/m"


async def test_absent_and_unknown_names_for_embeddings(make: MakeRegistry) -> None:
    registry = make(default_model="ollama/m")
    assert await served(registry, None, kind="embedding") == "understudy-lexical"
    assert await served(registry, "text-embedding-3-small", kind="embedding") == (
        "understudy-lexical"
    )


async def test_the_default_may_be_an_alias(make: MakeRegistry) -> None:
    registry = make(default_model="fast", aliases={"fast": "ollama/m"})
    assert await served(registry, None) == "ollama/m"


async def test_unknown_names_can_be_an_error(make: MakeRegistry) -> None:
    registry = make(unknown_model="error")
    with pytest.raises(ModelNotFound, match="'gpt-4'") as caught:
        await registry.route("gpt-4")
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")
    assert caught.value.param == "model"
    assert await served(registry, None) == "understudy-extractive"


async def test_a_default_that_nobody_serves_is_named(make: MakeRegistry) -> None:
    with pytest.raises(ModelNotFound, match="default model 'nothing'"):
        await make(default_model="nothing").route("gpt-4")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("understudy-lexical", "chat"),
        ("understudy-extractive", "embedding"),
        ("dashscope/text-embedding-v4", "chat"),
        ("dashscope/qwen-plus", "embedding"),
    ],
)
async def test_a_model_of_another_kind_is_refused(make: MakeRegistry, name: str, kind) -> None:
    with pytest.raises(InvalidRequest, match=name) as caught:
        await make().route(name, kind)
    assert (caught.value.param, caught.value.code) == ("model", "model_kind_mismatch")


async def test_a_kind_that_cannot_be_known_is_left_to_the_provider(make: MakeRegistry) -> None:
    registry = make()
    assert await served(registry, "ollama/some-model", kind="embedding") == "ollama/some-model"
    assert await served(registry, "ollama/some-model", kind="chat") == "ollama/some-model"


async def test_fallbacks_in_the_order_of_the_settings(make: MakeRegistry, upstream) -> None:
    models = {"acme/big": {"fallback": ["acme/small", "nobody-serves-this", "local"]}}
    registry = make(
        providers=acme(upstream), models=models, aliases={"local": "understudy-extractive"}
    )
    stand_ins = await registry.fallbacks(await registry.route("acme/big"))
    assert [route.served for route in stand_ins] == ["acme/small", "understudy-extractive"]
    assert await registry.fallbacks(await registry.route("acme/small")) == []


@pytest.mark.parametrize("named", ["fast", "acme/mini", "mini", "acme/acme-7b", "acme-7b"])
async def test_model_settings_by_any_of_its_names(make: MakeRegistry, upstream, named) -> None:
    registry = make(
        providers=acme(upstream, models={"mini": "acme-7b"}),
        aliases={"fast": "acme/mini"},
        models={named: {"temperature": 0.5}},
    )
    assert (await registry.route("fast")).settings.temperature == 0.5


async def test_the_settings_of_the_name_that_was_asked_come_first(make: MakeRegistry) -> None:
    models = {"precise": {"temperature": 0}, "ollama/m": {"temperature": 1}}
    registry = make(aliases={"precise": "ollama/m"}, models=models)
    assert (await registry.route("precise")).settings.temperature == 0
    assert (await registry.route("ollama/m")).settings.temperature == 1


async def test_prefix_resolvers_come_before_providers(make: MakeRegistry) -> None:
    asked: list[tuple[str, Asker]] = []
    asker = Asker("project_a", "msg_1")
    engine = ExtractiveEngine()

    async def resolve(name: str, asker: Asker) -> Route | None:
        asked.append((name, asker))
        return Route(engine, EMBEDDED, name, ModelSettings()) if "pedro" in name else None

    registry = make(aliases={"pedro": "instance:pedro/v1"})
    registry.register("instance:", resolve)
    route = await registry.route("pedro", asker=asker)
    assert (route.engine, route.served) == (engine, "instance:pedro/v1")
    assert asked == [("instance:pedro/v1", asker)]
    assert registry.leads_to_persona("pedro")
    assert not registry.leads_to_persona(None)
    # Nobody stands in for a name that says whom it means, whatever `unknown_model` is.
    with pytest.raises(ModelNotFound):
        await registry.route("instance:luis")


async def test_a_lister_adds_what_the_asker_has(make: MakeRegistry) -> None:
    async def list_of(asker: Asker) -> list[ModelInfo]:
        return [ModelInfo(f"instance:{asker.project_id}", EMBEDDED, 1)]

    registry = make()
    registry.list_also(list_of)
    listed = [model.id for model in await registry.models(Asker("mine"))]
    assert "instance:mine" in listed


async def listed(registry: Registry) -> set[str]:
    return {model.id for model in await registry.models()}


async def test_the_listing_of_a_server_without_providers(make: MakeRegistry) -> None:
    assert await listed(make()) == {"understudy-extractive", "understudy-lexical"}


async def test_the_listing_has_providers_and_aliases_that_lead_to_them(
    make: MakeRegistry, upstream, second: ScriptedUpstream
) -> None:
    registry = make(
        providers={**acme(upstream), "zeta": {"base_url": second.base_url, "models": {"f": "x"}}},
        aliases={"a": "acme/echo", "b": "a", "c": "zeta/f", "d": "f", "gone": "ollama/m"},
    )
    embedded = {"understudy-extractive", "understudy-lexical"}
    found = await listed(registry)
    assert found == embedded | {"acme/echo", "acme/echo-embedding", "zeta/f", "a", "b", "c", "d"}
    assert second.calls == []


async def test_the_listing_tells_the_kind(make: MakeRegistry, upstream) -> None:
    kinds = {model.id: model.kind for model in await make(providers=acme(upstream)).models()}
    assert kinds["acme/echo"] == "chat"
    assert kinds["acme/echo-embedding"] == kinds["understudy-lexical"] == "embedding"


async def test_the_listing_leaves_out_who_is_away_or_has_no_key(
    make: MakeRegistry, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.play(drop(), drop())
    keyless = {"base_url": second.base_url, "requires_key": True}
    registry = make(providers={**acme(upstream), "zeta": keyless, "dashscope": {}})
    assert await listed(registry) == {"understudy-extractive", "understudy-lexical"}
    assert second.calls == []


async def test_the_listing_of_dashscope_needs_only_its_key(make: MakeRegistry) -> None:
    found = await listed(make({"DASHSCOPE_API_KEY": "sk-x"}))
    assert {"dashscope/qwen-plus", "dashscope/text-embedding-v4"} <= found
    assert not any(name.startswith("dashscope-cn/") for name in found)


async def test_regions_of_dashscope_are_siblings(
    make: MakeRegistry, dashscope_intl: ScriptedUpstream, dashscope_cn: ScriptedUpstream
) -> None:
    registry = make(
        {"DASHSCOPE_API_KEY": KEYS["cn"]},
        providers={
            "dashscope": {"base_url": dashscope_intl.base_url},
            "dashscope-cn": {"base_url": dashscope_cn.base_url},
        },
    )
    engine = registry.engine("dashscope")
    assert isinstance(engine, DashScopeEngine)
    assert engine.siblings == {"dashscope-cn": dashscope_cn.base_url}
    route = await registry.route("dashscope-cn/qwen-plus")
    completion = await route.engine.complete({**HELLO, "model": route.model})
    assert completion.choices[0].message.content == "You said: hello"


async def test_a_key_for_another_host_never_reaches_the_official_ones(
    make: MakeRegistry, dashscope_intl: ScriptedUpstream
) -> None:
    gateway = {"base_url": dashscope_intl.base_url, "adapter": "dashscope", "key": "sk-gateway"}
    registry = make(providers={"gateway": gateway})
    engine, official = registry.engine("gateway"), registry.engine("dashscope")
    assert isinstance(engine, DashScopeEngine)
    assert isinstance(official, DashScopeEngine)
    assert engine.siblings == {}
    assert set(official.siblings.values()).isdisjoint({dashscope_intl.base_url})
    assert len(official.siblings) == 2


async def test_engines_are_made_once(make: MakeRegistry) -> None:
    registry = make()
    first = (await registry.route("ollama/a")).engine
    assert (await registry.route("ollama/b")).engine is first


async def test_settings_of_secrets_reach_the_provider(make: MakeRegistry, upstream) -> None:
    registry = make(providers=acme(upstream, key="sk-own"))
    route = await registry.route("acme/echo")
    await route.engine.complete({**HELLO, "model": route.model})
    assert upstream.calls[0].key == "sk-own"
