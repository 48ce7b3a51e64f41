"""What every hub that models are pulled from offers, and how it fails."""

from dataclasses import dataclass
from typing import Protocol

from understudy.engines.llama.library import StoredFile
from understudy.errors import StartupError


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository holds: the files that have a checksum, at one revision."""

    revision: str
    files: tuple[StoredFile, ...]


class SourceFailed(StartupError):
    """A hub cannot be reached or refuses; the message says what to do."""


class Unreachable(SourceFailed):
    """No answer from a hub."""

    def __init__(self, hub: str, address: str, other_way: str) -> None:
        super().__init__(
            f"{hub} cannot be reached at {address}: check the network. {other_way} Without a "
            "network, copy a .gguf file here and start `understudy serve --model FILE.gguf`."
        )


class ModelSource(Protocol):
    """A hub, as a module: `huggingface` or `modelscope`."""

    NAME: str

    def look_up(self, repository: str) -> Repository:
        """Return what a repository holds now. Raises SourceFailed."""
        ...

    def url_of(self, repository: str, revision: str, path: str) -> str:
        """Return where a file is fetched from."""
        ...

    def headers(self) -> dict[str, str]:
        """Return what is sent with every request for a file."""
        ...

    def explain(self, repository: str, status: int, code: str) -> str:
        """Say why a request was refused and what to do."""
        ...
