"""Files and vector stores of a server, asked for as any program asks: through the public API.

Knows nothing of terminals.
"""

import time
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import quote

from understudy.cli.client import Answer, ApiClient, FormFile, RequestFailed

_PURPOSE = "assistants"
_STORE_ID = "vs_"
_POLL_S = 0.2


class FilesClient(ApiClient):
    """A client that also sends files."""

    def files(self) -> Iterator[dict[str, Any]]:
        """Yield the project's files, the newest first. Raises RequestFailed."""
        return self.listed("/files")

    def upload(self, name: str, content: BinaryIO) -> str:
        """Send a file as it is read, and return its id. Raises RequestFailed."""
        file = FormFile("file", name, content)
        return self._id_of(self.post_form("/files", {"purpose": _PURPOSE}, file))

    def find_store(self, reference: str) -> str | None:
        """Return the id of the vector store with this id or name, None where there is no such name.

        A store that expired does not count by name. Raises RequestFailed when the id is unknown or
        the name is that of several.
        """
        if reference.startswith(_STORE_ID):
            return str(
                self.object_of(self.get(f"/vector_stores/{quote(reference, safe='')}"))["id"]
            )
        found = [
            str(store["id"])
            for store in self.listed("/vector_stores")
            if store["name"] == reference and store["status"] != "expired"
        ]
        if len(found) > 1:
            raise RequestFailed(
                f"{len(found)} vector stores have the name '{reference}': choose one by its id, "
                f"{' or '.join(found)}."
            )
        return found[0] if found else None

    def create_store(self, name: str) -> str:
        """Create a vector store and return its id. Raises RequestFailed."""
        return self._id_of(self.post("/vector_stores", {"name": name}))

    def add_to_store(self, store_id: str, file_id: str) -> None:
        """Have a file read into a vector store. Raises RequestFailed."""
        self.object_of(self.post(f"/vector_stores/{store_id}/files", {"file_id": file_id}))

    def wait_until_read(self, store_id: str, file_id: str) -> dict[str, Any]:
        """Return a file of a vector store once it is in progress no more. Raises RequestFailed."""
        while True:
            answer = self.get(f"/vector_stores/{store_id}/files/{file_id}")
            file = self.object_of(answer, "status", "last_error")
            if file["status"] != "in_progress":
                return file
            time.sleep(_pause_s(answer))

    def _id_of(self, answer: Answer) -> str:
        return str(self.object_of(answer, "id")["id"])


def _pause_s(answer: Answer) -> float:
    """Return how long to wait before asking again, as the server advises."""
    advised_ms = answer.headers.get("openai-poll-after-ms", "")
    return int(advised_ms) / 1000 if advised_ms.isdecimal() else _POLL_S
