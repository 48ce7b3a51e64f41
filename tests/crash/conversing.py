"""Clients that converse through a server that dies, and their journals: what was acknowledged.

A conversation goes on in the next life where the last one ended. What was asked and not answered
is looked up before it is asked again, as a careful program would do.
"""

import json
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2
from tests.crash.reading import answer
from tests.crash.run_model import PLANS, user_texts

TERMINAL = ("completed", "failed", "incomplete", "cancelled", "expired")
_CANCELS = 0.25
"""The share of runs that are cancelled, each after so many events:"""
_MOST_EVENTS = 20
_LOOK_EVERY_S = 0.03


class Moments:
    """What happens in the conversations, for whoever waits to kill the server at such a moment."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._seen: set[str] = set()

    def tell(self, moment: str) -> None:
        """Note that this happens now."""
        with self._condition:
            self._seen.add(moment)
            self._condition.notify_all()

    def wait(self, moment: str, timeout_s: float) -> bool:
        """Wait until this happens; what happened before the call does not count."""
        with self._condition:
            self._seen.clear()
            return self._condition.wait_for(lambda: moment in self._seen, timeout_s)


@dataclass
class RunJournal:
    """What a client knows of a run."""

    id: str
    thread_id: str
    plan: str
    events: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Names and data by number, as the streams brought them."""
    asked_calls: list[list[str]] = field(default_factory=list)
    """The ids of the calls of each round."""
    offered: dict[str, list[str]] = field(default_factory=dict)
    """Outputs that were sent for a call, in their order; only the last may have been taken."""
    is_cancelled: bool = False
    """Whether the server has said that it cancels the run."""
    status: str = "queued"
    faults: list[str] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """The number of the last event."""
        return max(self.events, default=0)


@dataclass
class Shared:
    """What all conversations of a chain of lives have."""

    assistant_id: str
    moments: Moments
    is_closing: threading.Event = field(default_factory=threading.Event)
    """Set when no new run is to be begun."""


class Conversation:
    """A thread of messages and runs, each message with a plan that the model follows."""

    def __init__(self, name: str, chosen: random.Random, shared: Shared) -> None:
        self._name = name
        self._chosen = chosen
        self._shared = shared
        self._tell = shared.moments.tell
        self._phase: Callable[[httpx2.Client], None] = self._make_thread
        self._is_asked = False
        self._cancel_after: int | None = None
        self._tries = 0
        self.thread_id = ""
        self.texts: list[str] = []
        """Every message of the user; all but the last are acknowledged for certain."""
        self.runs: list[RunJournal] = []
        self.is_over = False

    def live(self, client: httpx2.Client) -> None:
        """Converse until the server dies, or the conversation is over."""
        try:
            while not self.is_over:
                self._phase(client)
        except httpx2.TransportError:
            pass  # the server was killed

    def is_of(self, request: dict[str, Any]) -> bool:
        """Tell whether the model got this request for a run of this conversation."""
        return user_texts(request)[-1].startswith(f"{self._name}.")

    def expires(self) -> str | None:
        """Return the id of the run that waits for its expiry, if one does."""
        is_waiting = self._phase == self._follow and self.runs[-1].plan == "wait"
        return self.runs[-1].id if is_waiting and self.runs[-1].asked_calls else None

    # --- the phases ---------------------------------------------------------------------------

    def _make_thread(self, client: httpx2.Client) -> None:
        made = answer(client.post("/threads", json={}, headers=self._key("thread")))
        self.thread_id = made["id"]
        self._phase = self._say

    def _say(self, client: httpx2.Client) -> None:
        if not self._is_asked:
            if self._shared.is_closing.is_set():
                self.is_over = True
                return
            self.texts.append(f"{self._name}.{len(self.texts)} {self._chosen.choice(PLANS)}")
        if not self._is_asked or self.texts[-1] not in user_messages(client, self.thread_id):
            self._is_asked = True
            message = {"role": "user", "content": self.texts[-1]}
            answer(client.post(f"/threads/{self.thread_id}/messages", json=message))
        self._is_asked = False
        self._phase = self._start

    def _start(self, client: httpx2.Client) -> None:
        """Have the run made: half of them with a key, half of them looked up when in doubt."""
        turn = len(self.texts)
        has_key = turn % 2 == 0
        if self._is_asked and not has_key:
            found = answer(client.get(f"/threads/{self.thread_id}/runs?limit=100"))["data"]
            if len(found) == turn:
                self._begin(found[0]["id"])
                return
        self._is_asked = True
        self._tell("creation")
        path = f"/threads/{self.thread_id}/runs"
        body = {"assistant_id": self._shared.assistant_id, "stream": self._chosen.random() < 0.5}
        headers = self._key(f"run{turn}") if has_key else {}
        if has_key:  # a repeated request must be the same
            body["stream"] = False
        if not body["stream"]:
            self._begin(answer(client.post(path, json=body, headers=headers))["id"])
            return
        with client.stream("POST", path, json=body) as response:
            events = read_events(response)
            created = next(events)
            self._begin(json.loads(created[1])["id"])
            self._take(client, 1, created)
            self._take_all(client, events)

    def _begin(self, run_id: str) -> None:
        plan = self.texts[-1].partition(" ")[2]
        self.runs.append(RunJournal(run_id, self.thread_id, plan))
        self._is_asked = False
        self._cancel_after = None
        if self._chosen.random() < _CANCELS:
            self._cancel_after = self._chosen.randrange(_MOST_EVENTS)
        self._phase = self._follow

    def _follow(self, client: httpx2.Client) -> None:
        run = self.runs[-1]
        now = answer(client.get(self._path()))
        if now["status"] != "requires_action" or not self._has_seen(_calls_of(now)):
            self._read(client)
        elif run.plan == "wait":
            self._wait_for_expiry(client, _calls_of(now))
        else:
            self._submit(client, _calls_of(now))
        if run.events and run.events[run.seen][0].removeprefix("thread.run.") in TERMINAL:
            run.status = answer(client.get(self._path()))["status"]
            self._phase = self._say

    def _read(self, client: httpx2.Client) -> None:
        """Read the stream from the event after the last one that is known."""
        path = f"{self._path()}?stream=true&starting_after={self.runs[-1].seen}"
        with client.stream("GET", path) as response:
            self._take_all(client, read_events(response))

    def _has_seen(self, calls: list[str]) -> bool:
        """Tell whether the last event that was read asks for the outputs of these calls."""
        run = self.runs[-1]
        name, data = run.events.get(run.seen, ("", ""))
        return name == "thread.run.requires_action" and _calls_of(json.loads(data)) == calls

    def _wait_for_expiry(self, client: httpx2.Client, calls: list[str]) -> None:
        run = self.runs[-1]
        if self._cancel_after is not None or self._shared.is_closing.is_set():
            self._cancel(client)
            return
        if not run.asked_calls:
            run.asked_calls.append(calls)
        self._tell("requires_action")
        threading.Event().wait(_LOOK_EVERY_S)

    def _submit(self, client: httpx2.Client, calls: list[str]) -> None:
        """Submit outputs for calls that wait for them; none that were sent before were taken."""
        run = self.runs[-1]
        if calls not in run.asked_calls:
            run.asked_calls.append(calls)
        self._tries += 1
        outputs = [
            {"tool_call_id": call, "output": f"output {self._tries} of {call}"} for call in calls
        ]
        for output in outputs:
            run.offered.setdefault(output["tool_call_id"], []).append(output["output"])
        self._tell("submit")
        path, body = f"{self._path()}/submit_tool_outputs", {"tool_outputs": outputs}
        if self._chosen.random() < 0.5:
            answer(client.post(path, json=body))
            self._repeat(client, path, calls)
            return
        with client.stream("POST", path, json={**body, "stream": True}) as response:
            self._take_all(client, read_events(response))

    def _repeat(self, client: httpx2.Client, path: str, calls: list[str]) -> None:
        """Submit other outputs for calls that have theirs: this must be refused."""
        again = [{"tool_call_id": call, "output": "doubled"} for call in calls]
        refused = client.post(path, json={"tool_outputs": again})
        if refused.status_code != 400:
            self.runs[-1].faults.append(f"outputs were taken twice: {refused.text}")

    def _cancel(self, client: httpx2.Client) -> None:
        self._cancel_after = None
        self._tell("cancel")
        cancelled = client.post(f"{self._path()}/cancel")
        if cancelled.status_code == 200:
            self.runs[-1].is_cancelled = True
            self._tell("cancelling")
        else:
            assert cancelled.status_code == 400, cancelled.text

    # --- streams ------------------------------------------------------------------------------

    def _take_all(self, client: httpx2.Client, events: Iterator[tuple[str, str]]) -> None:
        for event in events:
            if event[0] == "done":
                return
            self._take(client, self.runs[-1].seen + 1, event)

    def _take(self, client: httpx2.Client, number: int, event: tuple[str, str]) -> None:
        run = self.runs[-1]
        run.events[number] = event
        if moment := _moment(run, event[0]):
            self._tell(moment)
        if self._cancel_after is not None and number > self._cancel_after:
            self._cancel(client)

    def _path(self) -> str:
        return f"/threads/{self.thread_id}/runs/{self.runs[-1].id}"

    def _key(self, what: str) -> dict[str, str]:
        return {"Idempotency-Key": f"{self._name}-{what}"}


class Living(Protocol):
    """Somebody who talks to a server."""

    def live(self, client: httpx2.Client) -> None:
        """Talk until the server dies, or nothing is left to be said."""
        ...


@contextmanager
def living(conversations: Sequence[Living], url: str, timeout_s: float) -> Iterator[None]:
    """Let conversations go on at the server of this URL; each ends with the server."""

    def live(conversation: Living) -> None:
        with httpx2.Client(base_url=url, timeout=timeout_s, trust_env=False) as client:
            try:
                conversation.live(client)
            except BaseException as error:
                failures.append(error)

    failures: list[BaseException] = []
    threads = [threading.Thread(target=live, args=(each,)) for each in conversations]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def read_events(response: httpx2.Response) -> Iterator[tuple[str, str]]:
    """Yield name and data of each event of a stream."""
    assert response.status_code == 200, response.read()
    return events_in(response.iter_lines())


def events_in(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and data of each event in the lines of a stream."""
    name = ""
    for line in lines:
        field_, _, value = line.partition(": ")
        if field_ == "event":
            name = value
        elif field_ == "data":
            yield name, value


def user_messages(client: httpx2.Client, thread_id: str) -> list[str]:
    """Return what the user said in a thread, oldest first."""
    return [text for role, text, _ in messages(client, thread_id) if role == "user"]


def messages(client: httpx2.Client, thread_id: str) -> list[tuple[str, str, str]]:
    """Return role, text and status of a thread's messages, oldest first."""
    listed = answer(client.get(f"/threads/{thread_id}/messages?order=asc&limit=100"))["data"]
    return [(each["role"], text_of(each), each["status"]) for each in listed]


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message."""
    return "".join(part["text"]["value"] for part in message["content"])


def _calls_of(run: dict[str, Any]) -> list[str]:
    return [call["id"] for call in run["required_action"]["submit_tool_outputs"]["tool_calls"]]


def _moment(run: RunJournal, event: str) -> str | None:
    deltas = sum(name == "thread.message.delta" for name, _ in run.events.values())
    is_search = run.plan == "search"
    match event:
        case "thread.message.delta":
            return "first token" if deltas == 1 else "mid-stream"
        case "thread.run.step.delta":
            return "file search" if is_search else "tool calls"
        case "thread.run.requires_action":
            return "requires_action"
        case "thread.run.in_progress" if run.offered:
            return "second round"
        case "thread.run.completed":
            return "completion"
    return None
