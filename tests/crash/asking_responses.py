"""Clients that ask for background responses of a server that dies, and what is wrong with them.

Each follows its responses by their streams, and resumes a stream where it was cut off.
"""

import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx2
from tests.crash.conversing import Moments, events_in
from tests.crash.reading import answer
from tests.crash.run_model import FUNCTION, is_whole

_PLANS = ("say", "call", "search", "cut", "fail")
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_TYPES = {
    "say": ["message"],
    "call": ["function_call", "function_call"],
    "search": ["file_search_call", "message"],
    "cut": ["message"],
}
"""What the output of a plan is made of; nothing of it may be there twice."""
_STATUS = {"cut": "incomplete", "fail": "failed"}
_FUNCTION = {"type": "function", **FUNCTION["function"]}  # type: ignore[dict-item]
Events = dict[int, dict[str, Any]]


@dataclass
class Journal:
    """What a client knows of a response."""

    plan: str
    body: dict[str, Any]
    id: str = ""
    events: Events = field(default_factory=dict)
    """By number, as the streams brought them."""
    faults: list[str] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """The number of the last event, -1 for none."""
        return max(self.events, default=-1)

    @property
    def is_over(self) -> bool:
        """Whether its end was told."""
        return bool(self.events) and self.events[self.seen]["type"] in _ENDS


class Asker:
    """Asks for one response after the other, in a conversation or each going on from the last."""

    def __init__(
        self, name: str, chosen: random.Random, moments: Moments, store_id: str, has_log: bool
    ) -> None:
        self._name = name
        self._chosen = chosen
        self._tell = moments.tell
        self._tools = [_FUNCTION, {"type": "file_search", "vector_store_ids": [store_id]}]
        self._has_log = has_log
        self._previous: str | None = None
        self._outputs: list[dict[str, Any]] = []
        self.conversation_id = ""
        self.journals: list[Journal] = []
        self.is_closing = threading.Event()

    def live(self, client: httpx2.Client) -> None:
        """Ask until the server dies, or nothing new is to be asked and all is over."""
        try:
            if self._has_log and not self.conversation_id:
                made = client.post("/conversations", json={}, headers=self._key("log"))
                self.conversation_id = answer(made)["id"]
            while not (self.is_closing.is_set() and self._is_at_rest):
                if self._is_at_rest or not self.journals:
                    self._plan_next()
                self._see(client, self.journals[-1])
        except httpx2.TransportError:
            pass  # the server was killed

    @property
    def _is_at_rest(self) -> bool:
        """Tell whether all that was asked is over; who asked nothing yet is to ask once."""
        return bool(self.journals) and self.journals[-1].is_over

    def _plan_next(self) -> None:
        plan = "say" if self._outputs else self._chosen.choice(_PLANS)
        said = {"role": "user", "content": f"{self._name}.{len(self.journals)} {plan}"}
        body: dict[str, Any] = {
            "model": "p/m",
            "input": [*self._outputs, said],
            "tools": self._tools,
            "background": True,
            "stream": True,
        }
        if self._has_log:
            body["conversation"] = self.conversation_id
        elif self._previous is not None:
            body["previous_response_id"] = self._previous
        self._outputs = []
        self.journals.append(Journal(plan, body))

    def _see(self, client: httpx2.Client, journal: Journal) -> None:
        """Have a response made, or go on reading its stream, up to its end."""
        if not journal.id:
            self._tell("creation")
            headers = self._key(f"response{len(self.journals)}")
            with client.stream("POST", "/responses", json=journal.body, headers=headers) as made:
                self._read(made, journal)
        else:
            path = f"/responses/{journal.id}?stream=true&starting_after={journal.seen}"
            with client.stream("GET", path) as rest:
                self._read(rest, journal)
        if journal.is_over:
            self._conclude(journal.events[journal.seen]["response"])

    def _read(self, response: httpx2.Response, journal: Journal) -> None:
        assert response.status_code == 200, response.read()
        for name, data in events_in(response.iter_lines()):
            event = json.loads(data)
            if name == "error":  # the server stops in order
                return
            number = event["sequence_number"]
            if number != journal.seen + 1:
                journal.faults.append(f"event {number} follows {journal.seen}")
            journal.events[number] = event
            journal.id = journal.id or event["response"]["id"]
            self._tell(name)

    def _conclude(self, response: dict[str, Any]) -> None:
        if response["status"] == "failed":
            return
        self._previous = response["id"]
        self._outputs = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": "noted"}
            for item in response["output"]
            if item["type"] == "function_call"
        ]

    def _key(self, what: str) -> dict[str, str]:
        return {"Idempotency-Key": f"{self._name}-{what}"}


def faults_of(client: httpx2.Client, asker: Asker) -> list[str]:
    """Return what is wrong with what a client was told, by what the server says in the end."""
    found = [fault for journal in asker.journals for fault in _faults(client, journal)]
    if asker.conversation_id:
        path = f"/conversations/{asker.conversation_id}/items?order=asc&limit=100"
        listed = answer(client.get(path))["data"][:100]
        expected = [text for journal in asker.journals for text in _logged(journal)][:100]
        if [_text(item) for item in listed] != expected:
            found.append(f"{asker.conversation_id} does not hold its responses")
    return found


def _logged(journal: Journal) -> list[str]:
    """Return what a conversation should have of a response: nothing of one that failed."""
    response = journal.events[journal.seen]["response"]
    if response["status"] == "failed":
        return []
    return [_text(item) for item in [*journal.body["input"], *response["output"]]]


def _faults(client: httpx2.Client, journal: Journal) -> list[str]:
    path = f"/responses/{journal.id}"
    final = answer(client.get(path))
    with client.stream("GET", f"{path}?stream=true") as again:
        replayed = [json.loads(data) for _, data in events_in(again.iter_lines())]
    faults = [*journal.faults]
    if list(journal.events.values()) != replayed:
        faults.append("the stream was another one than it is now")
    if replayed[-1].get("response") != final:
        faults.append("the last event shows another response than there is")
    faults += _faults_of_items(replayed, final)
    if final["status"] != _STATUS.get(journal.plan, "completed"):
        faults.append(f"it is {final['status']}")
    types = [item["type"] for item in final["output"]]
    if journal.plan != "fail" and types != _TYPES[journal.plan]:
        faults.append(f"its output is {types}")
    texts = [_text(item) for item in final["output"] if item["type"] == "message"]
    faults += [f"it says {text!r}" for text in texts if not is_whole(text)]
    return [f"{journal.id} ({journal.plan}): {fault}" for fault in faults]


def _faults_of_items(events: list[dict[str, Any]], final: dict[str, Any]) -> list[str]:
    begun = [e for e in events if e["type"] == "response.output_item.added"]
    done = [e for e in events if e["type"] == "response.output_item.done"]
    faults = []
    if [e["output_index"] for e in begun] != list(range(len(begun))):
        faults.append("its items are not numbered one by one")
    if sorted(e["output_index"] for e in done) != [e["output_index"] for e in begun]:
        faults.append("an item was not closed, or more than once")
    closed = {e["item"]["id"]: e["item"] for e in done}
    kept = [closed.get(item["id"]) for item in final["output"]]
    if kept != final["output"]:
        faults.append("its output is not what the stream told of")
    return faults


def _text(item: dict[str, Any]) -> str:
    """Return what an item says, or what tells it from others."""
    content = item.get("content")
    if isinstance(content, str):
        return content
    if content:
        return "".join(part["text"] for part in content)
    return f"{item['type']} {item.get('call_id', '')}"
