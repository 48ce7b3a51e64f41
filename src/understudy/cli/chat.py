"""`understudy chat`: talk to a model from the terminal."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from understudy.cli.client import ApiClient, RequestFailed
from understudy.cli.conversation import (
    Conversation,
    load_conversation,
    save_conversation,
)
from understudy.cli.options import ConfigOption, DataDirOption, KeyOption, ModelOption, load
from understudy.cli.output import note, say, write_piece
from understudy.cli.temporary_server import server_to_use
from understudy.errors import StartupError


def chat(
    message: Annotated[
        str | None,
        typer.Argument(help="What to say. Without it: standard input, or a prompt to talk at."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--continue", "-c", help="Continue the last conversation.")
    ] = False,
    model: ModelOption = None,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="INSTANCE", help="Talk to an instance of a character on its own thread."
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option("--system", "-s", metavar="TEXT", help="Instructions to the model."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Server to talk to instead of the one that runs here."),
    ] = None,
    key: KeyOption = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Talk to a model; its answer is printed as it comes."""
    settings = load(config, data_dir).settings
    if as_ is not None and (resume or model is not None):
        raise StartupError(
            "An instance answers with its own model on its own thread: leave out --continue and "
            "--model."
        )
    conversation = load_conversation(settings.data_dir) if resume else Conversation()
    conversation.model = model or conversation.model
    if system is not None:
        conversation.set_system(system)
    said = _first_message(message)
    with server_to_use(url, settings) as base_url, ApiClient(base_url, key) as client:
        talk = _Talk(client, conversation, settings.data_dir)
        if as_ is not None:
            talk = _InstanceTalk(client, conversation, settings.data_dir, as_)
        if said is None:
            talk.at_prompt()
        else:
            talk.once(said)


def _first_message(message: str | None) -> str | None:
    """Return what to send, None for a prompt: the argument, else what is piped in."""
    if message is None and sys.stdin.isatty():
        return None
    said = sys.stdin.buffer.read().decode("utf-8", "replace") if message is None else message
    if not said.strip():
        raise StartupError("There is nothing to send: give a message, or pipe one in.")
    return said


class _Talk:
    """A conversation with one server, kept after every answer."""

    def __init__(self, client: ApiClient, conversation: Conversation, data_dir: Path) -> None:
        self._client = client
        self._conversation = conversation
        self._data_dir = data_dir

    def once(self, text: str) -> None:
        """Send `text`, print the answer and keep both. Raises RequestFailed."""
        messages = [*self._conversation.messages, {"role": "user", "content": text}]
        body: dict[str, object] = {"messages": messages, "stream": True}
        if self._conversation.model is not None:
            body["model"] = self._conversation.model
        answer = self._print_answer("/chat/completions", body)
        self._conversation.messages = [*messages, {"role": "assistant", "content": answer}]
        save_conversation(self._data_dir, self._conversation)

    def at_prompt(self) -> None:
        """Ask for messages until the input ends; a request that fails does not end the talk."""
        note("Ctrl-D ends.")
        while (text := _prompt()) is not None:
            if not text.strip():
                continue
            try:
                self.once(text)
            except RequestFailed as error:
                note(f"understudy: {error.message}")

    def _print_answer(self, path: str, body: dict[str, object]) -> str:
        answer = _Answer()
        with self._client.stream(path, body) as (head, events):
            try:
                for event in events:
                    write_piece(answer.add(event))
            finally:
                if answer.text:
                    say()
        answer.check_whole(self._client.base_url)
        self._tell_of(answer, head.headers.get("x-understudy-model"))
        return answer.text

    def _tell_of(self, answer: "_Answer", answered_by: str | None) -> None:
        if answer.finish_reason == "length":
            note("(The answer reached the model's limit of tokens.)")
        if not answer.text:
            note(f"(The answer is empty; it ended with '{answer.finish_reason}'.)")
        asked = self._conversation.model
        if asked is not None and answered_by and not answered_by.endswith(asked):
            note(f"('{answered_by}' answered for '{asked}'.)")


class _InstanceTalk(_Talk):
    """A conversation with an instance, whose thread is on the server."""

    def __init__(
        self, client: ApiClient, conversation: Conversation, data_dir: Path, instance: str
    ) -> None:
        super().__init__(client, conversation, data_dir)
        self._path = f"/instances/{quote(instance, safe='')}/chat"

    def once(self, text: str) -> None:
        """Send `text` and print the answer; the server keeps both. Raises RequestFailed."""
        body: dict[str, object] = {"message": text, "stream": True}
        for message in self._conversation.messages:
            body["instructions"] = message["content"]
        self._print_answer(self._path, body)


@dataclass(slots=True)
class _Answer:
    """An answer as its events add up."""

    text: str = ""
    finish_reason: str | None = None
    is_done: bool = False

    def add(self, event: str) -> str:
        """Take one event and return the text that it brought. Raises RequestFailed on an error."""
        if event == "[DONE]":
            self.is_done = True
            return ""
        try:
            chunk: Any = json.loads(event)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            raise RequestFailed("The server sent something that is no part of an answer.")
        if error := chunk.get("error"):
            reason = error.get("message") if isinstance(error, dict) else error
            raise RequestFailed(f"The answer broke off: {reason}")
        return self._take(chunk)

    def check_whole(self, base_url: str) -> None:
        """Raise RequestFailed when the stream ended before the answer did."""
        if self.finish_reason is None and not self.is_done:
            raise RequestFailed(
                f"The connection to {base_url} ended before the answer did. What came is "
                "incomplete; try again."
            )

    def _take(self, chunk: dict[str, Any]) -> str:
        piece = ""
        for choice in chunk.get("choices") or []:
            piece += (choice.get("delta") or {}).get("content") or ""
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.text += piece
        return piece


def _prompt() -> str | None:
    """Return a line from the terminal, None at the end of input."""
    try:
        if sys.stdout.isatty():
            return input("> ")
        typer.echo("> ", nl=False, err=True)
        return input()
    except EOFError:
        say()
        return None
