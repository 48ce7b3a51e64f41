"""The last conversation of `understudy chat`, kept as one JSON file in the data directory."""

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from understudy.errors import StartupError

_FILE = "last-conversation.json"
Message = dict[str, str]


@dataclass(slots=True)
class Conversation:
    """The messages so far, and the model that was asked for, None for the server's default."""

    model: str | None = None
    messages: list[Message] = field(default_factory=list)

    def set_system(self, text: str) -> None:
        """Make `text` the system message, in place of the one there was."""
        others = [message for message in self.messages if message["role"] != "system"]
        self.messages = [{"role": "system", "content": text}, *others]


def load_conversation(data_dir: Path) -> Conversation:
    """Return the last conversation. Raises StartupError when there is none or it is unreadable."""
    file = data_dir / _FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StartupError(
            f"There is no conversation in {data_dir} to continue: start one without --continue."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, str(error)) from error
    return _parse(text, file)


def save_conversation(data_dir: Path, conversation: Conversation) -> None:
    """Replace the last conversation, whole or not at all, readable by its owner alone."""
    from understudy.store.data_dir import create_data_dir

    create_data_dir(data_dir)
    body = {"model": conversation.model, "messages": conversation.messages}
    try:
        _replace(data_dir / _FILE, json.dumps(body, indent=2).encode())
    except OSError as error:
        raise StartupError(
            f"The conversation cannot be kept in {data_dir} ({error.strerror}): make it writable, "
            "or choose another with --data-dir."
        ) from error


def _replace(file: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _parse(text: str, file: Path) -> Conversation:
    try:
        body = json.loads(text)
        messages = [{"role": m["role"], "content": m["content"]} for m in body["messages"]]
        model = body["model"]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(file, "it is no conversation") from error
    return Conversation(model, messages)


def _unreadable(file: Path, cause: str) -> StartupError:
    return StartupError(
        f"The last conversation {file} cannot be read ({cause}): delete it, or start a new one "
        "without --continue."
    )
