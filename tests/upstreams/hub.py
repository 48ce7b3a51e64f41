"""A hub of models on loopback: what Hugging Face and ModelScope answer to those who pull.

Files are given by a second server, as the real hubs give them, so that a key which should stay with
the hub would be seen there.
"""

import asyncio
import hashlib
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.upstreams.http_server import Call, HttpServer, Reply

REVISION = "0123456789abcdef0123456789abcdef01234567"
_FOUND = 302


@dataclass
class HubFile:
    """A file as the hub tells of it; what is not given is what the content is."""

    content: bytes
    sha256: str = ""
    size_bytes: int = 0

    def __post_init__(self) -> None:
        self.sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()
        self.size_bytes = self.size_bytes or len(self.content)


@dataclass
class HubRepository:
    """A repository: its files by path, and whether it is open to all."""

    files: dict[str, HubFile]
    is_gated: bool = False


@dataclass
class Cut:
    """What happens to the next answer with a file: so many bytes of its body, then an end.

    With `is_silent`, no end comes, until the client goes away.
    """

    after_bytes: int
    is_silent: bool = False
    reached: threading.Event = field(default_factory=threading.Event)


class FakeHub:
    """A hub that holds what a test puts into `repositories`."""

    def __init__(self) -> None:
        self.repositories: dict[str, HubRepository] = {}
        self.cuts: deque[Cut] = deque()
        self.ignores_ranges = False
        self.calls: list[Call] = []
        self.file_calls: list[Call] = []
        self._hub = HttpServer(self._answer)
        self._store = HttpServer(self._give)

    def __enter__(self) -> Self:
        self._hub.start()
        self._store.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.stop()
        self._store.stop()

    @property
    def url(self) -> str:
        return self._hub.address

    @property
    def ranges(self) -> list[str]:
        """What was asked for of files, in order."""
        return [call.headers.get("range", "") for call in self.file_calls]

    def put(self, repository: str, **files: bytes | HubFile) -> None:
        """Add a repository; names of files have `__` for a hyphen, and end without `.gguf`."""
        self.put_files(
            repository, {f"{name.replace('__', '-')}.gguf": what for name, what in files.items()}
        )

    def put_files(self, repository: str, files: dict[str, bytes | HubFile]) -> None:
        """Add a repository with files by their paths."""
        made = {
            path: what if isinstance(what, HubFile) else HubFile(what)
            for path, what in files.items()
        }
        self.repositories[repository] = HubRepository(made)

    def cut(self, after_bytes: int, *, is_silent: bool = False) -> Cut:
        """Let the next answer with a file end early, or fall silent."""
        cut = Cut(after_bytes, is_silent)
        self.cuts.append(cut)
        return cut

    async def _answer(self, call: Call, reply: Reply) -> None:
        self.calls.append(call)
        address = urlsplit(call.path)
        parts = unquote(address.path).strip("/").split("/")
        match parts:
            case ["api", "models", owner, name]:
                await self._describe(f"{owner}/{name}", reply)
            case [owner, name, "resolve", _, *path]:
                await self._send_on(f"{owner}/{name}", "/".join(path), reply)
            case ["api", "v1", "models", owner, name, "repo", "files"]:
                await self._list(f"{owner}/{name}", reply)
            case ["api", "v1", "models", owner, name, "repo"]:
                (path,) = parse_qs(address.query)["FilePath"]
                await self._send_on(f"{owner}/{name}", path, reply)
            case _:
                await reply.json({"error": "Not Found"}, 404)

    async def _describe(self, repository: str, reply: Reply) -> None:
        """Answer as `GET /api/models/OWNER/REPO?blobs=true` of Hugging Face."""
        if (held := self.repositories.get(repository)) is None:
            # Who has no token is not told what exists.
            body = {"error": "Invalid username or password."}
            await reply.json(body, 401, {"x-error-code": "RepoNotFound"})
            return
        siblings = [
            {
                "rfilename": path,
                "size": file.size_bytes,
                "blobId": "b" * 40,
                "lfs": {"sha256": file.sha256, "size": file.size_bytes, "pointerSize": 134},
            }
            for path, file in held.files.items()
        ]
        readme = {"rfilename": "README.md", "size": 7, "blobId": "c" * 40}
        await reply.json({"id": repository, "sha": REVISION, "siblings": [readme, *siblings]})

    async def _list(self, repository: str, reply: Reply) -> None:
        """Answer as `GET /api/v1/models/OWNER/REPO/repo/files` of ModelScope."""
        if (held := self.repositories.get(repository)) is None:
            body = {"Code": 10010205001, "Message": "not exist", "Success": False, "Data": {}}
            await reply.json(body, 404)
            return
        files = [
            {
                "Name": path.rpartition("/")[2],
                "Path": path,
                "Type": "blob",
                "Size": file.size_bytes,
                "Sha256": file.sha256,
                "Revision": REVISION,
            }
            for path, file in held.files.items()
        ]
        await reply.json({"Code": 200, "Success": True, "Data": {"Files": files}})

    async def _send_on(self, repository: str, path: str, reply: Reply) -> None:
        held = self.repositories[repository]
        if held.is_gated:
            await reply.json({"error": "gated"}, 403, {"x-error-code": "GatedRepo"})
            return
        there = f"{self._store.address}/{repository}/{path}"
        await reply.text(b"", _FOUND, {"location": there, "x-repo-commit": REVISION})

    async def _give(self, call: Call, reply: Reply) -> None:
        """Give a file, from where the client asks on."""
        self.file_calls.append(call)
        owner, name, *path = unquote(call.path).strip("/").split("/")
        content = self.repositories[f"{owner}/{name}"].files["/".join(path)].content
        begin = 0 if self.ignores_ranges else _first_byte(call.headers.get("range", ""))
        length = len(content) - begin
        head = [f"HTTP/1.1 {206 if begin else 200} Content", f"content-length: {length}"]
        if begin:
            head.append(f"content-range: bytes {begin}-{len(content) - 1}/{len(content)}")
        body = content[begin:]
        cut = self.cuts.popleft() if self.cuts else None
        await reply.send("\r\n".join([*head, "", ""]).encode())
        await reply.send(body[: cut.after_bytes] if cut else body)
        if cut:
            cut.reached.set()
            if cut.is_silent:
                await asyncio.Event().wait()
            reply.close()


def _first_byte(asked: str) -> int:
    return int(asked.removeprefix("bytes=").partition("-")[0] or 0)
