"""A small synchronous client of any OpenAI-compatible server, for the commands that talk to one.

Knows HTTP and the error envelope, nothing of what the commands ask.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from urllib.parse import urlencode, urlsplit

from understudy.errors import UnderstudyError

if TYPE_CHECKING:
    import httpx2

_CONNECT_TIMEOUT_S = 10.0
_EXCERPT_CHARACTERS = 200
_PAGE = 100
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


class RequestFailed(UnderstudyError):
    """A server did not answer a command's request, or refused it; the message says so to a user."""


class ServerUnreachable(RequestFailed):
    """Nobody answers at the address, so that no other request can fare better."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The parsed body, None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def error(self) -> dict[str, Any]:
        """The object inside the error envelope, empty where there is none."""
        body = self.json
        error = body.get("error") if isinstance(body, dict) else None
        return error if isinstance(error, dict) else {}


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form; `name` is what the server learns of where it comes from."""

    field: str
    name: str
    content: BinaryIO


class ApiClient:
    """Sends requests to one base URL; use it as a context manager."""

    def __init__(self, base_url: str, key: str | None = None, read_timeout_s: float = 300) -> None:
        """`base_url` is an absolute URL, as `base_url_of` returns it."""
        import httpx2

        if key and not (key.isascii() and key.isprintable()):
            raise RequestFailed("The key holds characters that no key has: copy it again.")
        self.base_url = base_url
        self._key = key
        self._client = httpx2.Client(
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(read_timeout_s, connect=_CONNECT_TIMEOUT_S),
            # A proxy that the environment names cannot reach this machine's own loopback.
            trust_env=urlsplit(base_url).hostname not in _LOOPBACK_NAMES,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    @property
    def root_url(self) -> str:
        """The server's address without a path."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def get(self, path: str) -> Answer:
        """Return the answer to a GET of `path`, relative to the base URL or absolute."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: object) -> Answer:
        """Return the answer to a POST of `body` as JSON; bytes are sent as they are."""
        return self._ask("POST", path, body if isinstance(body, bytes) else _encode(body))

    def post_form(self, path: str, fields: Mapping[str, str], file: FormFile) -> Answer:
        """Return the answer to a POST of a form with a file, which is sent as it is read."""
        with self._translated():
            response = self._client.post(
                self._url(path), data=dict(fields), files={file.field: (file.name, file.content)}
            )
        return Answer(response.status_code, response.headers, response.content)

    @contextmanager
    def stream(self, path: str, body: object) -> Iterator[tuple[Answer, Iterator[str]]]:
        """Open an event stream: the answer's head, and the data of each event as it comes.

        Raises RequestFailed when the answer is an error.
        """
        with self._opened(path, content=_encode(body), headers=_JSON) as (head, response):
            yield head, _data(response.iter_lines())

    @contextmanager
    def stream_form(
        self, path: str, fields: Mapping[str, str], file: FormFile
    ) -> Iterator[tuple[Answer, Iterator[str]]]:
        """Open an event stream in answer to a form with a file, as `stream` does."""
        files = {file.field: (file.name, file.content)}
        with self._opened(path, data=dict(fields), files=files) as (head, response):
            yield head, _data(response.iter_lines())

    @contextmanager
    def download(self, path: str, body: object) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Open an answer that is a file: its head, and its content as it comes.

        Raises RequestFailed when the answer is an error.
        """
        with self._opened(path, content=_encode(body), headers=_JSON) as (head, response):
            yield head, response.iter_bytes()

    @contextmanager
    def _opened(self, path: str, **request: Any) -> Iterator[tuple[Answer, "httpx2.Response"]]:
        with (
            self._translated(),
            self._client.stream("POST", self._url(path), **request) as response,
        ):
            is_error = response.status_code >= 300
            head = Answer(
                response.status_code, response.headers, response.read() if is_error else b""
            )
            if is_error:
                raise self.refusal(head)
            yield head, response

    def listed(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what a list holds, page by page. Raises RequestFailed."""
        query: dict[str, str | int] = {"limit": _PAGE}
        while True:
            page = self.object_of(self.get(f"{path}?{urlencode(query)}"), "data", "has_more")
            yield from page["data"]
            if not page["has_more"] or not page["data"]:
                return
            query["after"] = page["data"][-1]["id"]

    def object_of(self, answer: Answer, *fields: str) -> dict[str, Any]:
        """Return the object of a success. Raises RequestFailed where it lacks one of `fields`."""
        body = answer.json
        if answer.status != 200 or not isinstance(body, dict) or not body.keys() >= set(fields):
            raise self.refusal(answer)
        return body

    def refusal(self, answer: Answer) -> RequestFailed:
        """Return what an answer that is no success means, with the remedy."""
        error = answer.error
        text = _excerpt(str(error.get("message") or ""))
        if answer.status == 401 and not str(error.get("code") or "").startswith("provider_"):
            if self._key is None:
                return RequestFailed(
                    f"The server at {self.base_url} asks for an API key: give one with --key."
                )
            return RequestFailed(
                f"The server at {self.base_url} does not accept the key given with --key."
            )
        if text:
            return RequestFailed(f"The server at {self.base_url} answered {answer.status}: {text}")
        return RequestFailed(
            f"The server at {self.base_url} answered {answer.status} without a reason. Is it an "
            "OpenAI-compatible API? Its URL often ends in /v1."
        )

    def _ask(self, method: str, path: str, content: bytes | None) -> Answer:
        with self._translated():
            headers = _JSON if content is not None else {}
            response = self._client.request(
                method, self._url(path), content=content, headers=headers
            )
        return Answer(response.status_code, response.headers, response.content)

    def _url(self, path: str) -> str:
        return path if "://" in path else self.base_url + path

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ServerUnreachable(
                f"No server answers at {self.base_url} ({_excerpt(str(error))}). Is it running? "
                "`understudy serve` starts one."
            ) from error
        except httpx2.TimeoutException as error:
            raise RequestFailed(
                f"The server at {self.base_url} took too long to answer. Try again, or ask a "
                "faster model."
            ) from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise _no_url(self.base_url) from error
        except httpx2.TransportError as error:
            raise RequestFailed(
                f"The connection to {self.base_url} broke off. What came before is incomplete; "
                "try again."
            ) from error


def base_url_of(url: str) -> str:
    """Return `url` as a client's base URL: with a scheme, and with `/v1` where it has no path.

    Raises RequestFailed for what is no URL of a server.
    """
    url = (url if "://" in url else f"http://{url}").rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _no_url(url) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _no_url(url)
    return url if parts.path else f"{url}/v1"


def _no_url(url: str) -> RequestFailed:
    return RequestFailed(f"{url} is no URL of a server: write it as http://host:port/v1.")


_JSON = {"content-type": "application/json"}


def _encode(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _data(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("data:"):
            yield line[len("data:") :].strip()


def _excerpt(text: str) -> str:
    """Return foreign text as one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > _EXCERPT_CHARACTERS:
        return line[:_EXCERPT_CHARACTERS] + " [...]"
    return line
