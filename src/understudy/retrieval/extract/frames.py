"""What passes between the server and the child that parses: one JSON document a line."""

from pathlib import Path

import msgspec

from understudy.retrieval.extract.blocks import Block, FailureCode, Limits


class Job(msgspec.Struct, frozen=True):
    """What the child is to do; `parent` is the process without which it shall not live."""

    path: str
    filename: str
    limits: Limits
    parent: int


class Failure(msgspec.Struct, frozen=True):
    """How it failed."""

    code: FailureCode
    message: str


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some blocks; the last frame has `done` or a failure, and a stream without one broke off."""

    blocks: list[Block] = []
    failure: Failure | None = None
    done: bool = False


_encoder = msgspec.json.Encoder()


def line(message: Job | Frame) -> bytes:
    """Return a message as a line."""
    return _encoder.encode(message) + b"\n"


def job(path: Path, filename: str, limits: Limits, parent: int) -> bytes:
    """Return the line that starts a child on its work."""
    return line(Job(str(path), filename, limits, parent))
