"""Forms with a file: read as they arrive, the file handed on in pieces and never held whole.

Knows no OpenAI noun. `FormExchange` keeps a form from every route that does not ask for it.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from urllib.parse import unquote

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request
from starlette.types import Message, Receive, Send

from understudy.api.http.exchange import ClientGone
from understudy.errors import InvalidRequest, InvalidValue, TooLarge

FORM = "multipart/form-data"
Sink = Callable[[bytes], Awaitable[None]]

_FIELDS_MAX = 100
_FIELD_LIMIT_BYTES = 64 * 1024
_ALLOWANCE_BYTES = 1024**2
"""What a body may hold beside its file: boundaries, headers, fields."""

_HEADER_LIMIT_BYTES = 8 * 1024
_LINGER_S = 2.0
_LINGER_BYTES = 64 * 1024**2

_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*utf-8'[^']*'(?P<name>[^;\s]+)", re.IGNORECASE)
"""RFC 5987, which RFC 7578 forbids in forms and some clients send all the same."""


@dataclass(frozen=True, slots=True)
class FileField:
    """The field of a form that holds the file, and how large the file may be."""

    name: str
    limit_bytes: int
    remedy: str
    """What to do about a larger one; ends the message."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """What is known of a file that went to its sink; `filename` is as the client gave it."""

    filename: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Form:
    """The text fields of a form, and its file if it has one."""

    fields: dict[str, str]
    file: ReceivedFile | None
    lists: dict[str, list[str]] = dataclass_field(default_factory=dict)
    """The values of the fields that may come more than once, those that came."""


async def read_form(
    request: Request, field: FileField, sink: Sink, lists: Collection[str] = ()
) -> Form:
    """Read the form that a request came with, giving the pieces of its file to `sink`.

    A field of `lists` is one that may come more than once, as `name` or as `name[]`.
    Raises InvalidRequest for what is no form, or a form with a field that cannot be; TooLarge as
    soon as the file is over its limit; ClientGone when the rest does not come.
    """
    exchange = request.scope.get("form")
    if not isinstance(exchange, FormExchange):
        raise InvalidRequest(
            f"A form is expected: send 'Content-Type: {FORM}' with the field '{field.name}'.",
            code="unsupported_content_type",
        )
    reader = _FormReader(_boundary(request.headers["content-type"]), field, lists)
    async for piece in exchange.pieces(field):
        for data in reader.feed(piece):
            await sink(data)
    return reader.finish()


class FormExchange:
    """A request whose body is a form, and its answer.

    Only `pieces` gives the body out; routes that want JSON meet an error in its place. When an
    answer goes out before the body was read, some of the rest is taken in and thrown away, since a
    connection closed on a client that still sends may lose the answer.
    """

    def __init__(self, length_bytes: int | None, receive: Receive, send: Send) -> None:
        """`length_bytes` is what the client announced."""
        self._length_bytes = length_bytes
        self._receive = receive
        self._send = send
        self._is_taken = False
        self._is_read = False

    async def receive(self) -> Message:
        """Stand in for the request's own `receive`. Raises InvalidRequest for an unasked form."""
        if self._is_taken:
            return await self._receive()
        raise InvalidRequest(
            f"Unsupported content type: '{FORM}'. Send 'Content-Type: application/json'.",
            code="unsupported_content_type",
        )

    async def pieces(self, field: FileField) -> AsyncIterator[bytes]:
        """Yield the body. Raises TooLarge for one over the limit, ClientGone for a torn one."""
        self._is_taken = True
        limit_bytes = field.limit_bytes + _ALLOWANCE_BYTES
        size_bytes = self._length_bytes or 0
        if size_bytes > limit_bytes:
            raise _too_large(field)
        size_bytes = 0
        while not self._is_read:
            piece = await self._next()
            size_bytes += len(piece)
            if size_bytes > limit_bytes:
                raise _too_large(field)
            yield piece

    async def send(self, message: Message) -> None:
        """Stand in for the request's own `send`."""
        if self._is_read:
            await self._send(message)
        elif message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            await self._send({**message, "headers": headers})
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._linger()
            await self._send({"type": "http.response.body"})
        else:
            await self._send(message)

    async def _linger(self) -> None:
        size_bytes = 0
        with anyio.move_on_after(_LINGER_S):
            while not self._is_read and size_bytes < _LINGER_BYTES:
                try:
                    size_bytes += len(await self._next())
                except ClientGone:
                    return

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._is_read = not message.get("more_body")
        piece: bytes = message.get("body", b"")
        return piece


class _FormReader:
    """Parses a form; the file's data leaves at once, everything else is kept."""

    def __init__(self, boundary: bytes, field: FileField, lists: Collection[str]) -> None:
        self._field = field
        self._spellings = {spelt: name for name in lists for spelt in (name, f"{name}[]")}
        self._lists: dict[str, list[str]] = {}
        self._parts = 0
        self._headers: dict[str, bytes] = {}
        self._header = [b"", b""]
        self._name = ""
        self._text = bytearray()
        self._fields: dict[str, str] = {}
        self._filename: str | None = None
        self._file_bytes = 0
        self._data: list[bytes] = []
        self._is_complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_begin": self._on_header_begin,
                "on_header_field": lambda data, start, end: self._on_header(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._on_header(1, data[start:end]),
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": lambda data, start, end: self._on_data(data[start:end]),
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
            max_header_size=_HEADER_LIMIT_BYTES,
        )

    def feed(self, piece: bytes) -> list[bytes]:
        """Parse a piece of the body and return the file's data in it."""
        self._data = []
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _malformed(str(error)) from error
        return self._data

    def finish(self) -> Form:
        """Return the form. Raises InvalidRequest for one without its end."""
        if not self._is_complete:
            raise _malformed("it ends before its closing boundary")
        file = None
        if self._filename is not None:
            file = ReceivedFile(self._filename, self._file_bytes)
        return Form(self._fields, file, self._lists)

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._text.clear()
        self._parts += 1
        if self._parts > _FIELDS_MAX:
            raise _malformed(f"it has more than {_FIELDS_MAX} fields")

    def _on_header_begin(self) -> None:
        self._header = [b"", b""]

    def _on_header(self, part: int, data: bytes) -> None:
        self._header[part] += data

    def _on_header_end(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = value

    def _on_headers_finished(self) -> None:
        disposition = self._headers.get("content-disposition", b"")
        _, options = parse_options_header(disposition)
        self._name = _text(options.get(b"name", b""), "name")
        if not self._name:
            raise _malformed("a part of it has no name")
        has_seen = self._filename is not None if self._is_file else self._name in self._fields
        if has_seen:
            raise InvalidValue(self._name, "the field is there twice")
        if self._is_file:
            self._filename = _filename(disposition, options, self._name)

    @property
    def _is_file(self) -> bool:
        return self._name == self._field.name

    def _on_data(self, data: bytes) -> None:
        if not self._is_file:
            self._text += data
            if len(self._text) > _FIELD_LIMIT_BYTES:
                raise InvalidValue(self._name, f"the field is over {_FIELD_LIMIT_BYTES} bytes")
            return
        self._file_bytes += len(data)
        if self._file_bytes > self._field.limit_bytes:
            raise _too_large(self._field)
        self._data.append(data)

    def _on_part_end(self) -> None:
        if self._is_file:
            return
        value = _text(bytes(self._text), self._name)
        if listed := self._spellings.get(self._name):
            self._lists.setdefault(listed, []).append(value)
        else:
            self._fields[self._name] = value

    def _on_end(self) -> None:
        self._is_complete = True


def _boundary(content_type: str) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:  # RFC 2046, 5.1.1
        raise _malformed("its Content-Type names no boundary of 1 to 70 characters")
    return boundary


def _filename(disposition: bytes, options: dict[bytes, bytes], field: str) -> str:
    if extended := _EXTENDED_NAME.search(disposition.decode("latin-1")):
        return unquote(extended["name"])
    return _text(options.get(b"filename", b""), field)


def _text(data: bytes, field: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidValue(field, "expected text in UTF-8") from error


def _too_large(field: FileField) -> TooLarge:
    return TooLarge(
        f"'{field.name}' is over {field.limit_bytes} bytes. {field.remedy}", param=field.name
    )


def _malformed(reason: str) -> InvalidRequest:
    return InvalidRequest(f"We could not read the form: {reason}.", code="invalid_form")
