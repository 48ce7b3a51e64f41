"""What a conversation comes to in short, as an item that clients carry. Pure.

The text is encoded, not encrypted: it holds nothing that the client who asked for it did not have.
"""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from understudy.errors import InvalidValue
from understudy.store.items import Item
from understudy.wire.response_items import ItemDocument

_PREFIX = "understudy-1."
_LARGEST_BYTES = 1_000_000
"""Far more than a summary has; a small text must not unpack into memory without end."""


def encoded(text: str) -> str:
    """Return the content of a compaction item that stands for a text."""
    return _PREFIX + urlsafe_b64encode(zlib.compress(text.encode())).decode()


def decoded(content: str) -> str | None:
    """Return the text that a compaction item stands for, None if none of this server's does."""
    if not content.startswith(_PREFIX):
        return None
    try:
        packed = urlsafe_b64decode(content.removeprefix(_PREFIX))
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(packed, _LARGEST_BYTES)
        return text.decode() if unpacking.eof else None
    except (ValueError, zlib.error):
        return None


def check_compactions(documents: Sequence[ItemDocument]) -> None:
    """Raise InvalidValue for a compaction that this server has not made."""
    for index, document in enumerate(documents):
        if document["type"] == "compaction" and decoded(document["encrypted_content"]) is None:
            raise InvalidValue(
                f"input[{index}].encrypted_content",
                "it was not made by POST /v1/responses/compact of an Understudy server",
            )


def texts_of(items: Sequence[Item]) -> dict[str, str]:
    """Return the texts of the compactions among items, by their content."""
    contents = [i.document["encrypted_content"] for i in items if i.type == "compaction"]
    return {content: text for content in contents if (text := decoded(content)) is not None}
