"""What must be true of runs whose server was killed; journals and the model's log are judges."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from openai import AssistantEventHandler, OpenAI, Stream
from openai.types.beta import AssistantStreamEvent
from openai.types.beta.threads import Message
from tests.crash.conversing import (
    TERMINAL,
    Conversation,
    RunJournal,
    events_in,
    messages,
    text_of,
)
from tests.crash.reading import answer, rows
from tests.crash.run_model import call_ids_in, is_beginning, is_whole, outputs_in, user_texts
from tests.databases import Database
from tests.runs.legal_order import Law
from tests.upstreams.http_server import Call

_STATUSES = (
    "SELECT status, count(*) FROM runs WHERE seq IN (SELECT max(seq) FROM runs GROUP BY thread_id)"
    " GROUP BY status"
)
_COMPLETED_STEPS = "SELECT id, document FROM run_steps WHERE status = 'completed'"


@dataclass
class Verdict:
    """What was lost, is stuck or happened twice, and at what the server was killed."""

    points: int = 0
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    moments: Counter[str] = field(default_factory=Counter)
    steps: dict[str, str] = field(default_factory=dict)
    """Documents of the steps that were completed when a server was killed."""

    def summary(self) -> dict[str, Any]:
        """Return the numbers."""
        return {
            "points": self.points,
            "lost": len(self.lost),
            "stuck": len(self.stuck),
            "doubled": len(self.doubled),
            "statuses": dict(self.statuses),
            "moments": dict(self.moments),
        }

    def look_at_the_dead(self, database: Database, moment: str) -> None:
        """Note in which statuses the latest runs were left, and which steps are done for good."""
        self.points += 1
        self.moments[moment] += 1
        self.statuses.update(dict(rows(database, _STATUSES)))
        self.check_steps(database)

    def check_steps(self, database: Database) -> None:
        """Compare the steps that were completed with what is stored of them now."""
        now = dict(rows(database, _COMPLETED_STEPS))
        for id_, document in self.steps.items():
            if id_ not in now:
                self.lost.append(f"{id_} was completed")
            elif now[id_] != document:
                self.doubled.append(f"{id_} was {document}, is {now[id_]}")
        self.steps = now

    def judge(
        self, client: httpx2.Client, conversations: Sequence[Conversation], calls: Sequence[Call]
    ) -> None:
        """Compare the journals with what the server says now, and with what the model was asked."""
        requests = [call.json for call in calls]
        with OpenAI(base_url=str(client.base_url), api_key="any", max_retries=0) as sdk:
            for conversation in conversations:
                asked = [request for request in requests if conversation.is_of(request)]
                self._judge_messages(client, conversation, asked)
                for run in conversation.runs:
                    self._judge_run(client, sdk, run)
                    self._judge_outputs(run, asked)

    # --- messages -----------------------------------------------------------------------------

    def _judge_messages(
        self, client: httpx2.Client, conversation: Conversation, requests: Sequence[dict[str, Any]]
    ) -> None:
        if not conversation.is_over:
            self.stuck.append(f"{conversation.thread_id}: {conversation.runs[-1:]}")
        listed = messages(client, conversation.thread_id)
        said = [text for role, text, _ in listed if role == "user"]
        self._compare(conversation.texts, said, conversation.thread_id)
        for request in requests:
            texts = user_texts(request)
            self._compare(conversation.texts[: len(texts)], texts, "a request of the model")
        for _, text, status in (each for each in listed if each[0] == "assistant"):
            if status == "in_progress":
                self.stuck.append(f"a message is in progress: {text}")
            elif not (is_whole(text) if status == "completed" else is_beginning(text)):
                self.doubled.append(f"a message holds two answers: {text}")

    def _compare(self, sent: Sequence[str], found: Sequence[str], where: str) -> None:
        self.lost += [f"{text} in {where}" for text in (Counter(sent) - Counter(found))]
        self.doubled += [f"{text} in {where}" for text in (Counter(found) - Counter(sent))]
        if sorted(found) == sorted(sent) and list(found) != list(sent):
            self.lost.append(f"the order of {found} in {where}")

    # --- runs ---------------------------------------------------------------------------------

    def _judge_run(self, client: httpx2.Client, sdk: OpenAI, run: RunJournal) -> None:
        path = f"/threads/{run.thread_id}/runs/{run.id}"
        now = answer(client.get(path))
        if now["status"] not in TERMINAL:
            self.stuck.append(f"{run.id} is {now['status']}")
            return
        if run.is_cancelled and now["status"] != "cancelled":
            self.lost.append(f"{run.id} is {now['status']}: its cancelling")
        steps = answer(client.get(f"{path}/steps?limit=100"))["data"]
        self.stuck += [f"{run.id}: {s['id']}" for s in steps if s["status"] == "in_progress"]
        self._judge_events(client, run, now["status"])
        self._judge_accumulated(client, sdk, run)
        self.doubled += run.faults

    def _judge_events(self, client: httpx2.Client, run: RunJournal, status: str) -> None:
        path = f"/threads/{run.thread_id}/runs/{run.id}?stream=true"
        with client.stream("GET", path) as response:
            ids, log = _numbered(response)
        if ids != list(range(1, len(log) + 1)):
            self.lost.append(f"events of {run.id}: there are {ids}")
        log_by_number = dict(zip(ids, log, strict=True))
        for number, event in run.events.items():
            if log_by_number.get(number) != event:
                self.lost.append(f"event {number} of {run.id}: {event}")
        names = [name for name, _ in log]
        if names[0] != "thread.run.created" or names[-1] != f"thread.run.{status}":
            self.lost.append(f"an end of the stream of {run.id}: {names}")
        law = Law()
        for name, data in log:
            law.take(name, json.loads(data))
        self.lost += [f"the order of {run.id}: {fault}" for fault in law.faults]

    def _judge_accumulated(self, client: httpx2.Client, sdk: OpenAI, run: RunJournal) -> None:
        """Compare the messages that an SDK makes of the stream with those of the thread."""
        path = f"/threads/{run.thread_id}/messages?run_id={run.id}&order=asc"
        listed = answer(client.get(path))["data"]
        made = _accumulated(sdk, run)
        for message in listed:
            text = made.get(message["id"])
            if text != text_of(message):
                self.doubled.append(f"{message['id']} is {text_of(message)}, was sent as {text}")

    # --- outputs ------------------------------------------------------------------------------

    def _judge_outputs(self, run: RunJournal, requests: Sequence[dict[str, Any]]) -> None:
        """Compare what was submitted with what the model was told, in every later request."""
        told: Counter[tuple[str, str]] = Counter()
        for request in requests:
            outputs = [each for each in outputs_in(request) if each[0] in run.offered]
            if len(dict(outputs)) != len(outputs):
                self.doubled.append(f"outputs of {run.id}: {outputs}")
            told.update(outputs)
        for call, output in told:
            if output != run.offered[call][-1]:
                self.doubled.append(f"{call} has '{output}', sent were {run.offered[call]}")
        if run.status == "completed":
            unheard = run.offered.keys() - {call for call, _ in told}
            self.lost += [f"the output of {call}" for call in unheard]
            self._judge_calls(run, requests)

    def _judge_calls(self, run: RunJournal, requests: Sequence[dict[str, Any]]) -> None:
        """See that calls which the client was asked for were not made anew."""
        asked = [call for calls in run.asked_calls for call in calls]
        for request in requests:
            shown = [call for call in call_ids_in(request) if call in asked]
            if shown != asked[: len(shown)]:
                self.doubled.append(f"calls of {run.id}: {shown}, asked were {asked}")


def _numbered(response: httpx2.Response) -> tuple[list[int], list[tuple[str, str]]]:
    """Return the numbers of a stream's events, and the events."""
    assert response.status_code == 200, response.read()
    lines = list(response.iter_lines())
    ids = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    return ids, [event for event in events_in(lines) if event[0] != "done"]


def _accumulated(sdk: OpenAI, run: RunJournal) -> dict[str, str]:
    """Return by id the text of each message that the SDK makes of a stream."""
    stream = sdk.get(
        f"/threads/{run.thread_id}/runs/{run.id}?stream=true",
        cast_to=AssistantStreamEvent,
        stream=True,
        stream_cls=Stream[AssistantStreamEvent],
    )
    made: dict[str, str] = {}

    class Handler(AssistantEventHandler):
        def on_message_done(self, message: Message) -> None:
            made[message.id] = text_of(message.to_dict())

    handler = Handler()
    handler._init(stream)
    handler.until_done()
    return made
