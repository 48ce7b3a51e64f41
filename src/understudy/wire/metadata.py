"""`metadata` as objects of every kind carry it: its rules, and its form in a query string."""

import re
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from understudy.wire.base import check_shape

_TEXT = r"^[^\x00]*$"
"""PostgreSQL keeps no NUL."""
MetadataKey = Annotated[str, Meta(max_length=64, pattern=_TEXT)]
MetadataValue = Annotated[str, Meta(max_length=512, pattern=_TEXT)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=16)]
"""At most 16 pairs; a key has up to 64 characters, a value up to 512 (spec)."""

_BRACKETED = re.compile(r"metadata\[(?P<key>.*)\]", re.DOTALL)


class _Filter(Struct):
    metadata: Metadata


def metadata_in_query(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the pairs that a query asks for as `metadata[key]=value`.

    Raises InvalidRequest for pairs that no object can have.
    """
    pairs = {
        found["key"]: value for name, value in parameters if (found := _BRACKETED.fullmatch(name))
    }
    return check_shape({"metadata": pairs}, _Filter).metadata
