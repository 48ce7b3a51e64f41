"""Unmodified clients, the oldest and the newest, talk to an instance by naming it as the model."""

import json
import urllib.request
from typing import Any

import pytest
from tests.sdk.clients import python_client
from tests.sdk.servers import RunningServer

OLD, NEW = "openai-0.28.1", "openai-3.52.0"
SECTIONS = ("chat", "stream", "complete")


def _post(server: RunningServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    head = {"content-type": "application/json", "authorization": f"Bearer {server.key}"}
    request = urllib.request.Request(server.base_url + path, json.dumps(body).encode(), head)
    with urllib.request.urlopen(request, timeout=60) as answer:
        made: dict[str, Any] = json.load(answer)
    return made


@pytest.mark.parametrize(
    "client_name",
    [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in (OLD, NEW)],
)
def test_an_instance_remembers_for_every_client(client_name: str, embedded: RunningServer) -> None:
    character = _post(embedded, "/characters", {"name": "Rosa"})["id"]
    name = f"rosa-{client_name}"
    _post(embedded, f"/characters/{character}/instances", {"name": name})
    client = python_client(client_name, "instances.py")
    if client_name == OLD:
        client = python_client(client_name, "instances_0_28.py", "OPENAI_API_BASE")
    report = client.report(embedded, *SECTIONS, MODEL=f"instance:{name}")
    assert report["chat"] == [
        "Encantado de conocerte, Ana. De acuerdo, lo recordaré: te gusta el té.",
        "Te llamas Ana.",
    ]
    assert report["stream"] == {"text": "Te llamas Ana.", "finish_reasons": ["stop"]}
    assert report["complete"] == "Te llamas Ana."
