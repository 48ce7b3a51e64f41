"""Characters and their instances on a server, asked for through the public API.

Knows nothing of terminals.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from understudy.cli.client import ApiClient, FormFile, RequestFailed

_CHARACTER_ID = "char_"


class CharactersClient(ApiClient):
    """A client that also sends cards."""

    def characters(self) -> Iterator[dict[str, Any]]:
        """Yield the project's characters, the newest first. Raises RequestFailed."""
        return self.listed("/characters")

    def instances(self) -> Iterator[dict[str, Any]]:
        """Yield the instances of all characters, the newest first. Raises RequestFailed."""
        return self.listed("/instances")

    def import_card(self, name: str, content: BinaryIO) -> dict[str, Any]:
        """Send a card as it is read, and return the character. Raises RequestFailed."""
        answer = self.post_form("/characters/import", {}, FormFile("file", name, content))
        return self.object_of(answer, "id", "name")

    def create_instance(self, character_id: str, name: str) -> dict[str, Any]:
        """Make an instance of a character. Raises RequestFailed."""
        answer = self.post(f"/characters/{quote(character_id, safe='')}/instances", {"name": name})
        return self.object_of(answer, "id", "name")

    def find(self, reference: str) -> str:
        """Return the id of the character with this id or name.

        Raises RequestFailed when there is none, or several have the name.
        """
        if reference.startswith(_CHARACTER_ID):
            return reference
        found = [str(one["id"]) for one in self.characters() if one["name"] == reference]
        if not found:
            raise RequestFailed(
                f"There is no character '{reference}'. `understudy characters list` shows all."
            )
        if len(found) > 1:
            raise RequestFailed(
                f"{len(found)} characters have the name '{reference}': choose one by its id, "
                f"{' or '.join(found)}."
            )
        return found[0]

    def export_card(self, character_id: str, format_: str, version: int | None) -> bytes:
        """Return a character as a card. Raises RequestFailed."""
        query = {"format": format_} | ({} if version is None else {"version": str(version)})
        path = f"/characters/{quote(character_id, safe='')}/export?{urlencode(query)}"
        answer = self.get(path)
        if answer.status != 200:
            raise self.refusal(answer)
        return answer.body
