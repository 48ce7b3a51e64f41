"""Fields of forms that may come more than once, under either of their two names."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from understudy.api.http.multipart import FileField, Form, FormExchange, read_form
from understudy.errors import InvalidRequest

pytestmark = pytest.mark.anyio

FILE = FileField("file", 1_000, "")
LISTS = ("include", "timestamp_granularities")


def field(name: str, value: str) -> bytes:
    head = f'--XYZ\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{value}\r\n".encode()


async def read(*fields: bytes) -> Form:
    body = b"".join(fields) + b"--XYZ--\r\n"

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def ignore(_: Any) -> None:
        return

    scope = {
        "type": "http",
        "headers": [(b"content-type", b"multipart/form-data; boundary=XYZ")],
        "form": FormExchange(len(body), receive, ignore),
    }
    return await read_form(Request(scope), FILE, ignore, LISTS)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], {}),
        (["include"], {"include": ["0"]}),
        (["include[]"], {"include": ["0"]}),
        (["include", "include", "include"], {"include": ["0", "1", "2"]}),
        (["include[]", "include", "include[]"], {"include": ["0", "1", "2"]}),
        (
            ["timestamp_granularities[]", "include", "timestamp_granularities[]"],
            {"timestamp_granularities": ["0", "2"], "include": ["1"]},
        ),
    ],
)
async def test_lists(names: list[str], expected: dict[str, list[str]]) -> None:
    form = await read(field("model", "m"), *(field(name, str(n)) for n, name in enumerate(names)))
    assert form.lists == expected
    assert form.fields == {"model": "m"}


async def test_any_other_field_comes_once() -> None:
    once = await read(field("model", "m"), field("other[]", "x"))
    assert once.fields == {"model": "m", "other[]": "x"}
    for name in ("model", "other[]"):
        with pytest.raises(InvalidRequest, match="twice") as caught:
            await read(field(name, "a"), field("include", "b"), field(name, "c"))
        assert caught.value.param == name


async def test_a_list_has_an_end() -> None:
    assert len((await read(*[field("include[]", "x")] * 100)).lists["include"]) == 100
    with pytest.raises(InvalidRequest, match="more than 100 fields"):
        await read(*[field("include[]", "x")] * 101)
