"""One file over HTTP: continued where it broke off, and compared with its checksum.

The hubs' own libraries find files; of a download that broke off they keep nothing, so the bytes
are fetched here. Knows no hub.
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING, Final

from understudy.engines.llama.library import StoredFile

if TYPE_CHECKING:
    import httpx2

_PAUSES_S: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Between attempts of which none brought a byte; each byte starts anew."""
_CONNECT_S: Final = 10.0
_SILENCE_S: Final = 60.0
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})

Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Download:
    """What is fetched, from where."""

    file: StoredFile
    url: str
    headers: Mapping[str, str]


class Refused(Exception):
    """The server answered with a status that asking again does not change."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"status {status} {code}".strip())
        self.status = status
        self.code = code
        """What Hugging Face says in a header, such as `GatedRepo`; else empty."""


class Broken(Exception):
    """The connection failed again and again; what came is kept."""


class WrongContent(Exception):
    """What came is not what the hub promised; it was removed."""


def make_client() -> "httpx2.Client":
    """Return a client for downloads; proxies are those of the environment."""
    import httpx2

    timeout = httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S)
    return httpx2.Client(follow_redirects=True, timeout=timeout)


def fetch(client: "httpx2.Client", download: Download, part: Path, report: Report) -> None:
    """Bring `part` to its full size and compare its checksum.

    `report` is told how many bytes of the file are there, first how many were. Raises Refused,
    Broken, WrongContent, and OSError where the disk refuses.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a+b") as file:
        growth = _Growth(file, report)
        failures, reason, most_held = 0, "", growth.size_bytes
        while growth.size_bytes < download.file.size_bytes:
            if failures > len(_PAUSES_S):
                raise Broken(reason)
            if failures:
                time.sleep(_PAUSES_S[failures - 1])
            reason = _continue(client, download, growth)
            # Without ranges each attempt begins anew, and may come no further than the last.
            failures = 1 if growth.size_bytes > most_held else failures + 1
            most_held = max(most_held, growth.size_bytes)
        is_right = growth.is_right(download.file)
    if not is_right:
        part.unlink()
        raise WrongContent(download.file.path)


class _Growth:
    """A file that grows, with its checksum so far."""

    def __init__(self, file: BufferedRandom, report: Report) -> None:
        self._file = file
        self._report = report
        file.seek(0)
        self._digest = hashlib.file_digest(file, "sha256")
        report(self.size_bytes)

    @property
    def size_bytes(self) -> int:
        return self._file.tell()

    def add(self, block: bytes) -> None:
        self._file.write(block)
        self._digest.update(block)
        self._report(self.size_bytes)

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()

    def is_right(self, wanted: StoredFile) -> bool:
        """Compare with what the hub promised, once what was written is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self.size_bytes == wanted.size_bytes and self._digest.hexdigest() == wanted.sha256


def _continue(client: "httpx2.Client", download: Download, growth: _Growth) -> str:
    """Ask for what is missing and take what comes; return how it ended."""
    import httpx2

    headers = {
        **download.headers,
        "accept-encoding": "identity",
        "range": f"bytes={growth.size_bytes}-",
    }
    try:
        with client.stream("GET", download.url, headers=headers) as answer:
            if answer.status_code in _PASSING:
                return f"status {answer.status_code}"
            if answer.status_code not in {200, 206}:
                raise Refused(answer.status_code, answer.headers.get("x-error-code", ""))
            if not _begins_at(answer, growth.size_bytes):
                growth.restart()
            for block in answer.iter_raw():
                growth.add(block)
                if growth.size_bytes > download.file.size_bytes:
                    break
    except httpx2.RequestError as error:
        return str(error) or type(error).__name__
    return "it was cut off"


def _begins_at(answer: "httpx2.Response", offset_bytes: int) -> bool:
    """Tell whether the server sends what was asked for, and not the file from its beginning."""
    sent: str = answer.headers.get("content-range", "")
    return answer.status_code == 206 and sent.startswith(f"bytes {offset_bytes}-")
