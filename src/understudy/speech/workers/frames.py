"""What passes between the server and a worker: MessagePack documents, each after its length.

Audio is bytes in them, never text. Both sides use this module, so it knows no engine.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

import msgspec

from understudy.speech.base import Heard, Segment

_LENGTH: Final = struct.Struct(">I")


class Start(msgspec.Struct, frozen=True):
    """What a child is; sent once, first. `parent` is the process that it must not outlive."""

    engine: Literal["espeak", "sphinx", "whisper", "kokoro"]
    model: dict[str, str]
    """What the engine loads; its own words."""
    threads: int
    idle_s: float
    """The child ends when no job came for so long."""
    parent: int


class Job(msgspec.Struct, frozen=True, tag=True):
    """Work for a child; what `work` holds is between the engine's two halves."""

    number: int
    work: msgspec.Raw


class Audio(msgspec.Struct, frozen=True, tag=True):
    """The answer to `More`: the next PCM, empty when there is none."""

    pcm: bytes


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Nobody wants the result of this job any more."""

    number: int


class Begun(msgspec.Struct, frozen=True, tag=True):
    """The child has the job. Before this nothing was done, and another child may do it."""


class More(msgspec.Struct, frozen=True, tag=True):
    """The child wants the next audio."""


class Pcm(msgspec.Struct, frozen=True, tag=True):
    """Audio that was made."""

    pcm: bytes


class HeardFacts(msgspec.Struct, frozen=True, tag=True):
    """Facts of the whole audio."""

    heard: Heard


class HeardSegment(msgspec.Struct, frozen=True, tag=True):
    """A stretch of speech."""

    segment: Segment


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The job is done, or given up because it was cancelled."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The job failed; `param` names what the caller must change, None means it is not at fault."""

    message: str
    param: str | None = None


ToChild = Job | Audio | Cancel
ToServer = Begun | More | Pcm | HeardFacts | HeardSegment | Ended | Failed

_encoder = msgspec.msgpack.Encoder()
_start_decoder = msgspec.msgpack.Decoder(Start)
_child_decoder = msgspec.msgpack.Decoder(ToChild)
_server_decoder = msgspec.msgpack.Decoder(ToServer)


class Refused(Exception):
    """Raised in a child: the job cannot be done as it was asked for."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message)
        self.param = param


class WorkFailed(Exception):
    """Raised in a child: the job failed, for a reason that the message says in words."""


def pack(message: Start | ToChild | ToServer) -> bytes:
    """Return a message as it is sent."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def pack_work(work: msgspec.Struct) -> msgspec.Raw:
    """Return work as a job carries it."""
    return msgspec.Raw(_encoder.encode(work))


def read_start(stream: BinaryIO) -> Start:
    """Return the first message that a child gets."""
    return _start_decoder.decode(_read(stream))


def read_jobs(stream: BinaryIO) -> Iterator[ToChild]:
    """Yield what the server says until it closes the stream."""
    while body := _read(stream):
        yield _child_decoder.decode(body)


class Incoming:
    """What a child said, put together from pieces of any length."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[ToServer]:
        """Yield the messages that are whole with these bytes; raises msgspec.DecodeError."""
        self._held += data
        start = 0
        while (end := self._end(start)) <= len(self._held):
            yield _server_decoder.decode(self._held[start + _LENGTH.size : end])
            start = end
        del self._held[:start]

    def _end(self, start: int) -> int:
        if len(self._held) - start < _LENGTH.size:
            return len(self._held) + 1
        length: int = _LENGTH.unpack_from(self._held, start)[0]
        return start + _LENGTH.size + length


def _read(stream: BinaryIO) -> bytes:
    """Return the next body, empty at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return b""
    return stream.read(_LENGTH.unpack(head)[0])
