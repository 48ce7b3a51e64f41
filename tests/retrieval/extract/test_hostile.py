"""Files that are damaged, locked, misnamed or made to harm end in plain words."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas
from tests.retrieval.extract.documents import (
    billion_laughs,
    blocks_of,
    drawn_pdf,
    empty_pages,
    package,
    replaced_part,
    slides,
    spanish_guide,
    text_of,
    word,
    workbook,
    write,
)

from understudy.retrieval.extract import ExtractionFailed, Limits

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def refusal(path: Path, filename: str | None = None, limits: Limits | None = None) -> str:
    """Return `code: message` of the failure that reading the file must end in."""
    with pytest.raises(ExtractionFailed) as caught:
        blocks_of(path, filename, limits)
    assert "Traceback" not in caught.value.message
    assert caught.value.message.endswith((".", ".pdf"))
    return f"{caught.value.code}: {caught.value.message}"


@pytest.mark.parametrize(
    ("filename", "content", "expected"),
    [
        ("a.txt", b"", "invalid_file: The file is empty"),
        ("a.docx", b"", "invalid_file: The file is empty"),
        ("a.txt", b" \n\t\n", "invalid_file: The file holds no text"),
        ("a.csv", b",,,\n,,,\n", "invalid_file: The file holds no text"),
        ("a.html", b"<html><script>x</script></html>", "invalid_file: The file holds no text"),
        ("a.html", b"<!-- -->", "invalid_file: The file holds no text"),
        ("a.html", b"<p>a" + b"<div>" * 9_000, "invalid_file: The page nests its elements too"),
        ("a.json", b"null", "invalid_file: The file holds no text"),
        ("a.pdf", PNG, "unsupported_file: The file is a PNG image"),
        ("a.txt", b"\x1f\x8b" + bytes(50), "unsupported_file: The file is a gzip archive"),
        ("a.txt", bytes(range(256)) * 20, "unsupported_file: The file holds binary data"),
        ("a.rtf", b"{\\rtf1 hola}", "unsupported_file: RTF is not supported"),
        ("a.doc", OLE, "unsupported_file: The file has the old Office format"),
        (
            "a.docx",
            OLE + "EncryptedPackage".encode("utf-16-le") + bytes(64),
            "unsupported_file: The document is encrypted",
        ),
        ("a.pdf", b"<html>not found</html>", "invalid_file: The file is named .pdf"),
        ("a.xlsx", b"a,b\n1,2\n", "invalid_file: The file is named .xlsx"),
        ("a.pdf", b"%PDF-1.7\nno objects", "invalid_file: The PDF is damaged"),
        ("a.docx", b"PK\x03\x04" + bytes(200), "invalid_file: The file is cut off or damaged"),
    ],
)
def test_refused_by_content(tmp_path: Path, filename: str, content: bytes, expected: str) -> None:
    assert refusal(write(tmp_path / filename, content)).startswith(expected)


def test_a_pdf_named_txt_is_read_as_the_pdf_it_is(tmp_path: Path) -> None:
    path = drawn_pdf(tmp_path / "x.txt", lambda canvas: canvas.drawString(50, 700, "Hola"))
    assert [(block.page, block.text) for block in blocks_of(path)] == [(1, "Hola")]


def test_a_word_file_named_pdf_is_read_as_the_word_file_it_is(tmp_path: Path) -> None:
    assert "doce cuotas" in text_of(blocks_of(word(tmp_path / "x.pdf")))


def test_a_pdf_with_a_password(tmp_path: Path) -> None:
    lock = StandardEncryption("secret", canPrint=0)
    canvas = Canvas(str(tmp_path / "e.pdf"), encrypt=lock)
    canvas.drawString(50, 700, "Hola")
    canvas.save()
    assert "unsupported_file: The PDF has a password" in refusal(tmp_path / "e.pdf")


def test_a_scanned_pdf_says_what_to_do(tmp_path: Path) -> None:
    path = drawn_pdf(tmp_path / "s.pdf", lambda canvas: canvas.rect(50, 50, 300, 300, fill=1))
    message = refusal(path)
    assert message.startswith("unsupported_file: None of the PDF's 1 pages has text")
    assert "ocrmypdf" in message


def test_a_pdf_of_ten_thousand_pages(tmp_path: Path) -> None:
    message = refusal(empty_pages(tmp_path / "long.pdf", 10_000))
    assert message == "invalid_file: The PDF has 10,000 pages, more than 5,000: split it."


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.pdf", spanish_guide),
        ("a.docx", word),
        ("a.pptx", slides),
        ("a.xlsx", lambda path: workbook(path, {"A": [["a", "b"], [1, 2]]})),
    ],
)
def test_cut_off_files_never_raise_anything_else(
    tmp_path: Path, name: str, make: Callable[[Path], Path], share: float
) -> None:
    whole = make(tmp_path / f"whole-{name}").read_bytes()
    path = write(tmp_path / name, whole[: int(len(whole) * share)])
    if name.endswith(".pdf"):
        # PDFium mends what it can: then there is text, of the pages that are left.
        try:
            blocks = blocks_of(path)
        except ExtractionFailed as failed:
            assert failed.code in ("invalid_file", "unsupported_file")
        else:
            assert blocks
    else:
        assert refusal(path).startswith("invalid_file: The file is cut off or damaged")


@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("content", [b"", b"<w:document", b"<a/>", b"\x00\xff\x00"])
def test_damaged_parts_of_a_word_file(tmp_path: Path, part: str, content: bytes) -> None:
    path = replaced_part(word(tmp_path / "a.docx"), tmp_path / "b.docx", part, content)
    assert refusal(path).startswith("invalid_file: The document is damaged or incomplete")


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("content", [b"", b"<a", b"<a/>"])
def test_damaged_parts_of_a_workbook(tmp_path: Path, part: str, content: bytes) -> None:
    book = workbook(tmp_path / "a.xlsx", {"A": [["a", "b"], [1, 2]]})
    path = replaced_part(book, tmp_path / "b.xlsx", part, content)
    assert refusal(path).startswith("invalid_file: The ")


def test_a_zip_bomb_by_its_ratio(tmp_path: Path) -> None:
    parts = {"word/document.xml": bytes(50_000_000), "[Content_Types].xml": b""}
    path = package(tmp_path / "bomb.docx", parts)
    assert path.stat().st_size < 200_000
    assert refusal(path).startswith("invalid_file: The file unpacks to 48 MiB in 2 parts")


def test_a_zip_bomb_by_its_size(tmp_path: Path) -> None:
    path = word(tmp_path / "a.docx")
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    assert blocks_of(path, limits=Limits(unpacked_bytes=size))
    assert "unpacks to" in refusal(path, limits=Limits(unpacked_bytes=size - 1))


def test_a_zip_in_a_zip_is_no_document(tmp_path: Path) -> None:
    inner = package(tmp_path / "inner.zip", {"a.txt": b"x"}).read_bytes()
    path = package(tmp_path / "outer.docx", {"inner.zip": inner})
    assert refusal(path).startswith("unsupported_file: The file is a zip archive")


@pytest.mark.parametrize(
    ("source", "part", "body"),
    [
        ("a.docx", "word/document.xml", "<document>{lol}</document>"),
        ("a.docx", "word/styles.xml", "<styles>{lol}</styles>"),
        ("a.xlsx", "xl/worksheets/sheet1.xml", "<worksheet>{lol}</worksheet>"),
        ("a.pptx", "ppt/slides/slide1.xml", "<sld>{lol}</sld>"),
    ],
)
def test_billion_laughs(tmp_path: Path, source: str, part: str, body: str) -> None:
    makers = {
        "a.docx": word,
        "a.pptx": slides,
        "a.xlsx": lambda path: workbook(path, {"A": [["a", "b"], [1, 2]]}),
    }
    original = makers[source](tmp_path / source)
    path = replaced_part(original, tmp_path / f"b-{source}", part, billion_laughs(body))
    assert f"invalid_file: The part {part} declares XML entities" in refusal(path)


def test_billion_laughs_in_html_are_not_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.html", billion_laughs("<html><p>hola {lol}</p></html>"))
    assert len(text_of(blocks_of(path))) < 2_000


def test_xml_is_read_as_the_text_it_is(tmp_path: Path) -> None:
    text = billion_laughs("<a>{lol}</a>")
    assert text_of(blocks_of(write(tmp_path / "a.xml", text))) == text.decode()


def test_more_text_than_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "palabra " * 1_000)
    assert blocks_of(path, limits=Limits(text_chars=8_000))
    assert "more than 7,999 characters" in refusal(path, limits=Limits(text_chars=7_999))
