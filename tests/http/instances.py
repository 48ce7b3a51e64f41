"""Characters and their instances, made through the API for tests that talk to them."""

import itertools
from typing import Any
from urllib.parse import quote

import httpx2

CHARACTER = {
    "name": "Rosa",
    "description": "{{char}} sells cars. The cheapest car costs 9,000 euros.",
    "greeting": "Hello, {{user}}! I am {{char}}.",
}
_numbers = itertools.count()


def make_character(http: httpx2.Client, **fields: Any) -> str:
    answer = http.post("/v1/characters", json={**CHARACTER, **fields})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def make_instance(http: httpx2.Client, name: str = "", character: str = "", **fields: Any) -> str:
    """Make an instance and return its name, a new one unless given."""
    name = name or f"rosa-{next(_numbers)}"
    character = character or make_character(http)
    made = http.post(f"/v1/characters/{character}/instances", json={"name": name, **fields})
    assert made.status_code == 200, made.text
    return name


def memory(http: httpx2.Client, name: str) -> str:
    blocks = http.get(f"/v1/instances/{quote(name)}").json()["memory"]
    return "\n".join(block["text"] for block in blocks if block["text"])
