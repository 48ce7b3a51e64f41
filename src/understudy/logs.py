"""Log lines: for people on a terminal, JSON elsewhere, each with the id of its request.

Secrets and message content never get here; see the setting `log_content` for the one exception.
"""

import logging
import sys
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import Literal

import msgspec

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="-")
_PLAIN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "color_message",
    "taskName",
}
_NOISY = ("aiohttp", "aiosqlite", "alembic", "asyncio", "httpcore2", "httpx2", "openai")


def configure_logs(level: str, style: Literal["auto", "human", "json"]) -> None:
    """Send every logger's lines to standard error; `auto` means human on a terminal."""
    human = style == "human" or (style == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HumanFormatter() if human else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Its warnings quote a malformed form; the 400 that answers it says what is wrong.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    # It quotes what servers of strangers sent; whoever named them is told what is wrong.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN_FIELDS}


class HumanFormatter(logging.Formatter):
    """`12:00:00 INFO  POST /v1/chat/completions status=200 ms=12 [req_...]`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Append the record's extra fields and the request's id to the line."""
        fields = "".join(f" {name}={value}" for name, value in _extras(record).items())
        request_id = REQUEST_ID.get()
        suffix = f" [{request_id}]" if request_id != "-" else ""
        return _one_line(super().formatMessage(record) + fields + suffix)


def _one_line(text: str) -> str:
    """Escape what could forge a line or command a terminal: a path may hold anything."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, and the extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, object] = {
            "time": _time_of(int(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": REQUEST_ID.get(),
            **_extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


@lru_cache(maxsize=1)
def _time_of(second: int) -> str:
    """Return the local time; many lines share their second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(second))
