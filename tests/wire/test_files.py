"""What a request may say of a file."""

import msgspec
import pytest

from understudy.errors import InvalidRequest
from understudy.wire.files import (
    PURPOSES,
    File,
    check_filename,
    expiry,
    life_of,
    purpose_of,
    unescaped,
)

ANCHOR, SECONDS = "expires_after[anchor]", "expires_after[seconds]"
DAY_S = 86_400


@pytest.mark.parametrize("purpose", PURPOSES)
def test_purposes(purpose: str) -> None:
    assert purpose_of({"purpose": purpose}) == purpose


@pytest.mark.parametrize("fields", [{}, {"purpose": ""}, {"purpose": "assistants_output"}])
def test_wrong_purposes(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        purpose_of(fields)
    assert caught.value.param == "purpose"


@pytest.mark.parametrize("seconds", [3600, 2_592_000])
def test_the_shortest_and_the_longest_life(seconds: int) -> None:
    assert life_of({ANCHOR: "created_at", SECONDS: str(seconds)}) == seconds


def test_no_word_about_life() -> None:
    assert life_of({"purpose": "vision"}) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({ANCHOR: "created_at"}, SECONDS),
        ({SECONDS: "3600"}, ANCHOR),
        ({ANCHOR: "last_active_at", SECONDS: "3600"}, ANCHOR),
        *[
            ({ANCHOR: "created_at", SECONDS: text}, SECONDS)
            for text in ("3599", "2592001", "", "-3600", "3600.0", "1e4", "³600", "9" * 5000)
        ],
    ],
)
def test_wrong_lives(fields: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        life_of(fields)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("purpose", "life_s", "expected"),
    [
        ("assistants", None, None),
        ("batch", None, 1000 + 30 * DAY_S),
        ("batch", 3600, 4600),
        ("vision", 7200, 8200),
    ],
)
def test_expiry(purpose: str, life_s: int | None, expected: int | None) -> None:
    assert expiry(1000, purpose, life_s) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Screenshot 9.41\u202fAM.png", "Screenshot 9.41\u202fAM.png"),
        ("发票\u3000三月.pdf", "发票\u3000三月.pdf"),
        ("a.pdf", "a.pdf"),
        ("señal 中文.pdf", "señal 中文.pdf"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\a.pdf", "a.pdf"),
        ("C:\\docs\\a.pdf", "a.pdf"),
        (' "quoted".txt ', '"quoted".txt'),
        ("x" * 255, "x" * 255),
        (".hidden", ".hidden"),
    ],
)
def test_names(given: str, expected: str) -> None:
    assert check_filename(given, "file") == expected


@pytest.mark.parametrize(
    "given", ["", "/", "..", "a/..", " ", "a\r\nb", "a\0b", "a\x7fb", "a\u202efdp.exe", "x" * 256]
)
def test_wrong_names(given: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_filename(given, "filename")
    assert caught.value.param == "filename"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("a.txt", "a.txt"), ("%22a%22.txt", '"a".txt'), ("a%0D%0Ab", "a\r\nb"), ("100%25", "100%25")],
)
def test_names_as_forms_write_them(sent: str, meant: str) -> None:
    assert unescaped(sent) == meant


def test_a_file_without_expiry_has_no_such_field() -> None:
    file = File("file-1", 3, 1000, "a.txt", "vision")
    assert msgspec.to_builtins(file) == {
        "id": "file-1",
        "bytes": 3,
        "created_at": 1000,
        "filename": "a.txt",
        "purpose": "vision",
        "object": "file",
        "status": "processed",
    }
