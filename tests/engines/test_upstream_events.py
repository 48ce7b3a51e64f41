"""Server-sent events come out the same however the bytes were cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.engines.server_sent_events import EventSplitter, ServerSentEvent


def split(pieces: list[bytes]) -> list[ServerSentEvent]:
    splitter = EventSplitter()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return [*events, *splitter.close()]


STREAMS: list[tuple[bytes, list[tuple[bytes, bytes]]]] = [
    (b"data: a\n\n", [(b"a", b"")]),
    (b"data:a\n\n", [(b"a", b"")]),
    (b"data:  a\n\n", [(b" a", b"")]),
    (b"data: a\r\n\r\n", [(b"a", b"")]),
    (b"data: a\r\rdata: b\r\r", [(b"a", b""), (b"b", b"")]),
    (b"data: a\ndata: b\n\n", [(b"a\nb", b"")]),
    (b"data\ndata: b\n\n", [(b"\nb", b"")]),
    (b": heartbeat\n\ndata: a\n\n", [(b"a", b"")]),
    (b"id: 7\nretry: 10\ndata: a\n\n", [(b"a", b"")]),
    (b"event: error\ndata: a\n\n", [(b"a", b"error")]),
    (b"event: error\n\ndata: a\n\n", [(b"a", b"")]),
    (b"\xef\xbb\xbfdata: a\n\n", [(b"a", b"")]),
    (b"\n\n\ndata: a\n\n\n\n", [(b"a", b"")]),
    (b"data: a", [(b"a", b"")]),
    (b"data: a\r", [(b"a", b"")]),
    (b"data: \xe2\x80\xa8\xc2\x85\n\n", [(b"\xe2\x80\xa8\xc2\x85", b"")]),
    (b"", []),
    (b": nothing\n\n", []),
    (b"data: a\r\ndata: b\r\n\r\n", [(b"a\nb", b"")]),
]


@pytest.mark.parametrize(("text", "expected"), STREAMS)
def test_events_of_a_stream(text: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert [(event.data, event.name) for event in split([text])] == expected


@pytest.mark.parametrize("text", [text for text, _ in STREAMS])
def test_one_cut_anywhere_changes_nothing(text: bytes) -> None:
    for at in range(len(text)):
        assert split([text[:at], text[at:]]) == split([text])


LINES = st.sampled_from(
    [b"data: {}", b"data:x", b": c", b"event: error", b"", b"", b"data: \xe4\xb8\xad\xe6\x96\x87"]
)


@given(
    lines=st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12),
    data=st.data(),
)
def test_any_cut_gives_the_same_events(
    lines: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    text = b"".join(line + end for line, end in lines)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert split(pieces) == split([text])
