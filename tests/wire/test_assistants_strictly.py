"""Objects and events of Assistants obey the models of the openai releases of their dialect, and
OpenAI's API descriptions, which the packages themselves never check.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.environments import python_of
from tests.wire import assistant_samples as samples
from tests.wire.assistant_samples import Sample
from tests.wire.descriptions import ARE_PRESENT, errors_of

from understudy.wire.dialect import Dialect, render
from understudy.wire.run_events import shown_name

Faults = dict[str, list[list[str]]]

_PROGRAM = Path(__file__).parent / "programs" / "judge_objects.py"
_TIMEOUT_S = 120
DIALECTS: dict[str, Dialect] = {
    "openai-1.14.3": "v1",
    "openai-1.35.3": "v2",
    "openai-2.54.0": "v2",
    "openai-3.52.0": "v2",
}
described = pytest.mark.skipif(not ARE_PRESENT, reason="the descriptions lie beside the checkout")


def samples_of(release: str) -> list[Sample]:
    match release:
        case "openai-1.14.3":
            return [*samples.shared(), *samples.only_v1(), *samples.since_2024_09()]
        case "openai-1.35.3":
            return [*samples.shared(), *samples.only_v2()]
    later = [*samples.since_2024_09(), *samples.with_schemas()]
    return [*samples.shared(), *samples.only_v2(), *later]


def events(dialect: Dialect) -> list[dict[str, Any]]:
    return [
        {"event": shown_name(name, dialect), "data": render(payload, dialect)}
        for name, payload in samples.events()
    ]


def objects_to_judge(release: str) -> list[dict[str, Any]]:
    dialect = DIALECTS[release]
    return [
        {"model": sample.model, "value": render(sample.value, dialect)}
        for sample in samples_of(release)
    ]


def events_to_judge(release: str) -> list[dict[str, Any]]:
    return [
        {"model": "beta.AssistantStreamEvent", "value": event}
        for event in events(DIALECTS[release])
    ]


def wrong_runs(release: str) -> list[dict[str, Any]]:
    run = render(samples.run(), DIALECTS[release])
    wrong = [{**run, "instructions": None}, {**run, "created_at": "now"}, {**run, "status": "?"}]
    return [{"model": "beta.threads.Run", "value": value} for value in wrong]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in DIALECTS],
)
def faults(request: pytest.FixtureRequest) -> Faults:
    """The faults of everything by the models of one release, in one run of its environment."""
    release: str = request.param
    parts = {
        "objects": objects_to_judge(release),
        "events": events_to_judge(release),
        "wrong": wrong_runs(release),
    }
    done = subprocess.run(
        [str(python_of(release)), "-X", "utf8", str(_PROGRAM)],
        input=json.dumps(parts),
        capture_output=True,
        encoding="utf-8",
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    judged: Faults = json.loads(done.stdout)
    assert {name: len(found) for name, found in judged.items()} == {
        name: len(items) for name, items in parts.items()
    }
    return judged


def test_objects_by_the_models(faults: Faults) -> None:
    assert len(faults["objects"]) > 30
    assert [found for found in faults["objects"] if found] == []


def test_events_by_the_models(faults: Faults) -> None:
    assert len(faults["events"]) > 30
    assert [found for found in faults["events"] if found] == []


def test_the_models_are_strict(faults: Faults) -> None:
    assert all(faults["wrong"])


@described
@pytest.mark.parametrize(("dialect", "release"), [("v1", "openai-1.14.3"), ("v2", "openai-3.52.0")])
def test_objects_by_the_descriptions(dialect: Dialect, release: str) -> None:
    for sample in samples_of(release):
        if sample.schema is not None:
            value = render(sample.value, dialect)
            assert errors_of(sample.schema, value, dialect) == [], value


@described
@pytest.mark.parametrize("dialect", ["v1", "v2"])
def test_events_by_the_descriptions(dialect: Dialect) -> None:
    for event in events(dialect):
        assert errors_of("AssistantStreamEvent", event, dialect) == [], event
