from tests.cli.running import Workplace
from tests.upstreams.scripted import ScriptedUpstream, answer

REFUSAL = {"error": {"message": "no such key", "type": "invalid_request_error", "code": None}}


def test_the_embedded_models_need_nothing(workplace: Workplace) -> None:
    ran = workplace.run("models", "list", "--json")
    assert ran.code == 0
    assert [(m["id"], m["kind"]) for m in ran.json["models"]] == [
        ("understudy-extractive", "chat"),
        ("understudy-lexical", "embedding"),
    ]
    unready = {entry["provider"]: entry for entry in ran.json["not_ready"]}
    assert unready["dashscope"]["state"] == "no key"
    assert "DASHSCOPE_API_KEY" in unready["dashscope"]["detail"]
    assert unready["ollama"]["state"] == "not enabled"


def test_a_providers_models_and_aliases_are_listed(
    workplace: Workplace, upstream: ScriptedUpstream
) -> None:
    workplace.write_settings(
        f'[providers.up]\nbase_url = "{upstream.base_url}"\n'
        'models = { fast = "echo-small" }\n[aliases]\nmine = "up/fast"\n'
    )
    ran = workplace.run("models", "list")
    table, _, unready = ran.out.partition("\n\n")
    names = [line.split()[0] for line in table.splitlines()[1:]]
    assert names == ["understudy-extractive", "understudy-lexical", "up/fast", "mine"]
    assert "up " not in unready


def test_a_provider_that_rejects_its_key_lists_no_models(
    workplace: Workplace, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer(REFUSAL, 401))
    workplace.write_settings(
        f'[providers.up]\nbase_url = "{upstream.base_url}"\nkey = "sk-wrong"\n'
        'models = { fast = "echo-small" }\n[aliases]\nmine = "up/fast"\n'
    )
    told = workplace.run("models", "list", "--json").json
    assert [m["id"] for m in told["models"]] == ["understudy-extractive", "understudy-lexical"]
    (up,) = [entry for entry in told["not_ready"] if entry["provider"] == "up"]
    assert up["state"] == "rejected key"
    assert "providers.up.key" in up["detail"]
