"""Compactions stand for a text, and nothing that a client can send makes them do more."""

import zlib
from base64 import urlsafe_b64encode

import pytest

from understudy.responses.compaction import decoded, encoded


@pytest.mark.parametrize("text", ["", "Ada likes tea.", "Señor \u2028 茶", "long " * 50_000])
def test_a_text_comes_back(text: str) -> None:
    assert decoded(encoded(text)) == text


def _packed(content: bytes) -> str:
    return "understudy-1." + urlsafe_b64encode(content).decode()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "gAAAAABo",
        "understudy-1.",
        "understudy-1.%%%",
        _packed(b"no zlib"),
        _packed(zlib.compress(b"cut short")[:-4]),
        _packed(zlib.compress(b"\xff\xfe")),
        _packed(zlib.compress(b"x" * 2_000_000)),
    ],
)
def test_what_is_none_is_not_read(content: str) -> None:
    assert decoded(content) is None
