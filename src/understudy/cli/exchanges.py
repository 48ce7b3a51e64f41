"""What a check is made of: questions sent, answers kept for printing, and the verdict on them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from understudy.cli.client import Answer, ApiClient, RequestFailed, ServerUnreachable

_EXCERPT_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer, as they are printed."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict of one check; `reason` is empty when it passed."""

    name: str
    state: Literal["passed", "skipped", "failed"]
    reason: str
    exchanges: list[Exchange]


class CheckFailed(Exception):
    """The server answered otherwise than the API promises."""


class CheckSkipped(Exception):
    """The server, or its model, does not offer this."""


@dataclass(slots=True)
class Subject:
    """The server under check, and what was exchanged with it during the current check."""

    client: ApiClient
    model: str | None
    embedding_model: str | None = None
    exchanges: list[Exchange] = field(default_factory=list)

    def get(self, path: str) -> Answer:
        """Send a GET and keep the exchange."""
        answer = self.client.get(path)
        self.keep(f"GET {path}", _shown(answer))
        return answer

    def post(self, path: str, body: object) -> Answer:
        """Send a POST and keep the exchange; bytes are sent as they are."""
        answer = self.client.post(path, body)
        self.keep(f"POST {path} {_body_text(body)}", _shown(answer))
        return answer

    def chat(self, text: str, **fields: object) -> dict[str, Any]:
        """Ask the model one question and return the only choice of its answer.

        Raises CheckFailed for anything that is no chat completion.
        """
        answer = self.try_chat(text, **fields)
        return self.choice(answer)

    def try_chat(self, text: str, **fields: object) -> Answer:
        """Ask the model one question and return whatever came."""
        answer = self.client.post("/chat/completions", self.chat_body(text, **fields))
        extra = f" with {', '.join(fields)}" if fields else ""
        self.keep(f"chat: {text!r}{extra}", _shown_chat(answer))
        return answer

    def chat_body(self, text: str, **fields: object) -> dict[str, object]:
        """Return the request for one question to the model."""
        model = {"model": self.model} if self.model else {}
        return {**model, "messages": [{"role": "user", "content": text}], **fields}

    def choice(self, answer: Answer) -> dict[str, Any]:
        """Return the only choice of a chat completion. Raises CheckFailed for anything else."""
        body = self.object_of(answer)
        choices = body.get("choices")
        if not isinstance(choices, list) or len(choices) != 1:
            raise CheckFailed("'choices' does not hold one entry")
        choice = choices[0]
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise CheckFailed("the choice has no 'message'")
        return choice

    def object_of(self, answer: Answer) -> dict[str, Any]:
        """Return the JSON object of a success. Raises CheckFailed for anything else."""
        if answer.status != 200:
            raise CheckFailed(self.client.refusal(answer).message)
        body = answer.json
        if not isinstance(body, dict):
            raise CheckFailed("the answer is no JSON object")
        return body

    def keep(self, question: str, answer: str) -> None:
        """Keep an exchange for printing."""
        self.exchanges.append(Exchange(shortened(question), shortened(answer)))


Check = Callable[[Subject], None]


def run_check(name: str, check: Check, subject: Subject) -> Outcome:
    """Run one check and return its verdict. Raises ServerUnreachable where nobody answers."""
    subject.exchanges = []
    try:
        check(subject)
    except CheckSkipped as skipped:
        return Outcome(name, "skipped", str(skipped), subject.exchanges)
    except CheckFailed as failed:
        return Outcome(name, "failed", str(failed), subject.exchanges)
    except ServerUnreachable:
        raise
    except RequestFailed as failed:
        return Outcome(name, "failed", failed.message, subject.exchanges)
    return Outcome(name, "passed", "", subject.exchanges)


def expect(holds: bool, otherwise: str) -> None:
    """Raise CheckFailed, saying `otherwise`, unless `holds`."""
    if not holds:
        raise CheckFailed(otherwise)


def shortened(text: str) -> str:
    """Return text on one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _EXCERPT_CHARACTERS else line[:_EXCERPT_CHARACTERS] + " [...]"


def _body_text(body: object) -> str:
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return json.dumps(body, ensure_ascii=False)


def _shown(answer: Answer) -> str:
    return f"{answer.status} {answer.body.decode('utf-8', 'replace')}"


def _shown_chat(answer: Answer) -> str:
    """Return what the model said or called, or the answer as it came where it said nothing."""
    try:
        message = answer.json["choices"][0]["message"]
        calls = [call["function"] for call in message.get("tool_calls") or []]
        called = [f"calls {call['name']}({call['arguments']})" for call in calls]
        return "; ".join([*filter(None, [message.get("content")]), *called]) or _shown(answer)
    except (KeyError, IndexError, TypeError, AttributeError):
        return _shown(answer)
