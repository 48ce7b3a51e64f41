"""`/v1/files` with the SDK, and with forms that no SDK sends."""

import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import LogLines, Served, error_of, recorded_logs, serve, settings_for
from tests.sdk.validation import errors_of_answer

from understudy.store.blobs import Blobs

LIMIT_BYTES = 300_000
BOUNDARY = "XYZ"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(
        settings_for(tmp_path_factory.mktemp("data"), file_limit_bytes=LIMIT_BYTES)
    ) as served:
        yield served


def left_behind(server: Served) -> list[Path]:
    """Return the contents that are being written."""
    return list((server.settings.data_dir / "blobs" / "tmp").glob("*"))


def part(disposition: bytes, data: bytes = b"data", *headers: bytes) -> bytes:
    lines = [b"--" + BOUNDARY.encode(), b"Content-Disposition: form-data; " + disposition, *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + data + b"\r\n"


END = b"--XYZ--\r\n"
FILE = part(b'name="file"; filename="a.txt"')
PURPOSE = part(b'name="purpose"', b"vision")


def post(
    server: Served, body: bytes, content_type: str = f"multipart/form-data; boundary={BOUNDARY}"
) -> Any:
    headers = {"content-type": content_type}
    return server.client.post("/v1/files", content=body, headers=headers)


def refused(server: Served, body: bytes, **kwargs: Any) -> dict[str, Any]:
    before = server.client.get("/v1/files").json()["data"]
    error = error_of(post(server, body, **kwargs), 400)
    assert server.client.get("/v1/files").json()["data"] == before
    assert left_behind(server) == []
    return error


def valid(method: str, path: str, answer: Any) -> Any:
    assert errors_of_answer(method, path, 200, answer) == []
    return answer


def test_the_life_of_a_file(client: openai.OpenAI, server: Served) -> None:
    made = client.files.create(file=("señal.txt", b"hola"), purpose="assistants")
    assert re.fullmatch(r"file-[0-9A-Za-z]{24}", made.id)
    assert (made.filename, made.bytes, made.purpose) == ("señal.txt", 4, "assistants")
    assert (made.status, made.object) == ("processed", "file")
    assert abs(made.created_at - time.time()) < 60
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).content == b"hola"
    assert made in client.files.list().data
    deleted = client.files.delete(made.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (made.id, True, "file")
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=made.id):
            call(made.id)


def test_answers_obey_the_specification(server: Served) -> None:
    made = valid("POST", "/files", post(server, FILE + PURPOSE + END).json())
    assert set(made) == {"id", "object", "bytes", "created_at", "filename", "purpose", "status"}
    get = server.client.get
    valid("GET", "/files/{file_id}", get(f"/v1/files/{made['id']}").json())
    valid("GET", "/files", get("/v1/files").json())
    deleted = server.client.delete(f"/v1/files/{made['id']}").json()
    valid("DELETE", "/files/{file_id}", deleted)


def test_pages_and_purposes(client: openai.OpenAI, server: Served) -> None:
    made = [client.files.create(file=b"%d" % n, purpose="fine-tune").id for n in range(5)]
    listed = client.files.list(purpose="fine-tune", limit=2)
    assert [file.id for file in listed.data] == made[:2:-1]
    assert [file.id for file in listed] == made[::-1]
    oldest = client.files.list(purpose="fine-tune", order="asc", after=made[1], limit=10_000)
    assert [file.id for file in oldest.data] == made[2:]
    for query, param in (
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("order=up", "order"),
        ("after=file-none", "after"),
    ):
        error = error_of(server.client.get(f"/v1/files?{query}"), 400)
        assert error["param"] == param


def test_files_are_deleted_while_they_are_listed(client: openai.OpenAI) -> None:
    made = {client.files.create(file=b"x", purpose="evals").id for _ in range(5)}
    seen = set()
    for file in client.files.list(purpose="evals", limit=2):
        client.files.delete(file.id)
        seen.add(file.id)
    assert seen == made


def test_expiry_is_asked_for_in_brackets(client: openai.OpenAI) -> None:
    life: Any = {"anchor": "created_at", "seconds": 3600}
    made = client.files.create(file=b"x", purpose="vision", expires_after=life)
    assert made.expires_at == made.created_at + 3600
    life["seconds"] = 3599
    with pytest.raises(openai.BadRequestError) as caught:
        client.files.create(file=b"x", purpose="vision", expires_after=life)
    assert caught.value.param == "expires_after[seconds]"


def test_contents_are_attachments_that_no_browser_opens(server: Served) -> None:
    for name, kind in (
        ("page.html", "application/octet-stream"),
        ("drawing.SVG", "application/octet-stream"),
        ("no-suffix", "application/octet-stream"),
        ("picture.PNG", "image/png"),
        ("notes.txt", "text/plain; charset=utf-8"),
    ):
        body = part(f'name="file"; filename="{name}"'.encode(), b"<script>alert(1)</script>")
        made = post(server, body + PURPOSE + END).json()
        headers = server.client.get(f"/v1/files/{made['id']}/content").headers
        assert headers["content-type"] == kind
        assert headers["content-disposition"] == f"attachment; filename*=utf-8''{name}"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('filename="señal 中文.txt"', "señal 中文.txt"),
        ("filename*=UTF-8''se%C3%B1al.txt", "señal.txt"),
        ("filename=\"fallback.txt\"; filename*=utf-8'es'se%C3%B1al.txt", "señal.txt"),
        ('filename="a%22b%22.txt"', 'a"b".txt'),
        ('filename="a\\"b.txt"', 'a"b.txt'),
        ('filename="../../etc/passwd"', "passwd"),
        ("filename=plain.txt", "plain.txt"),
        ('filename="a;b.txt"', "a;b.txt"),
    ],
)
def test_names_of_files(server: Served, disposition: str, expected: str) -> None:
    body = PURPOSE + part(b'name="file"; ' + disposition.encode()) + END
    made = post(server, body).json()
    assert made["filename"] == expected
    content = server.client.get(f"/v1/files/{made['id']}/content")
    assert content.content == b"data"
    assert "\n" not in content.headers["content-disposition"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (FILE, "purpose"),
        (PURPOSE, "file"),
        (b"", "file"),
        (FILE + FILE + PURPOSE, "file"),
        (FILE + PURPOSE + PURPOSE, "purpose"),
        (part(b'name="file"; filename="a.txt"', b"") + PURPOSE, "file"),
        (part(b'name="file"') + PURPOSE, "file"),
        (part(b'name="file"; filename=""') + PURPOSE, "file"),
        (part(b'name="file"; filename="\xff\xfe"') + PURPOSE, "file"),
        (part(b'name="file"; filename="a%0D%0AX-Evil: 1"') + PURPOSE, "file"),
        (part(b"name=\"file\"; filename*=utf-8''a%0D%0Ab") + PURPOSE, "file"),
        (FILE + part(b'name="purpose"', b""), "purpose"),
        (FILE + part(b'name="purpose"', b"\xff"), "purpose"),
        (FILE + part(b'name="purpose"', b"x" * 70_000), "purpose"),
        (FILE + PURPOSE + part(b'name="expires_after[anchor]"', b"created_at"), None),
    ],
    ids=str,
)
def test_wrong_fields(server: Served, body: bytes, param: str | None) -> None:
    assert refused(server, body + END)["param"] == (param or "expires_after[seconds]")


HEADER = b"X-Header: " + b"x" * 500
BROKEN = {
    "no end": FILE + PURPOSE,
    "cut in a header": FILE + PURPOSE[:20],
    "another boundary": (FILE + PURPOSE + END).replace(b"XYZ", b"ABC"),
    "no form at all": b"hello",
    "nothing in it": b"\r\n",
    "a header without a colon": FILE.replace(b"\r\n\r\n", b"\r\nnonsense\r\n\r\n") + END,
    "a part without a name": part(b'filename="a.txt"') + END,
    "a part without headers": b"--XYZ\r\n\r\ndata\r\n" + END,
    "a long header": part(b'name="a"', b"", b"X: " + b"x" * 20_000) + END,
    "many headers": part(b'name="a"', b"", *[HEADER] * 100) + END,
    "10,000 fields": b"".join(part(b'name="f%d"' % n, b"") for n in range(10_000)) + END,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_broken_forms(server: Served, body: bytes) -> None:
    with recorded_logs() as logs:
        assert refused(server, body)["code"] == "invalid_form"
        assert logs.failures() == []


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 71}",
    ],
)
def test_forms_without_a_boundary(server: Served, content_type: str) -> None:
    error = refused(server, FILE + PURPOSE + END, content_type=content_type)
    assert error["code"] == "invalid_form"


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/mixed; boundary=X"])
def test_bodies_that_are_no_form(server: Served, kind: str) -> None:
    error = refused(server, b"{}", content_type=kind)
    assert error["code"] == "unsupported_content_type"


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/chat/completions", "/v1/embeddings"])
def test_routes_for_json_read_no_form(server: Served, path: str) -> None:
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    response = server.client.post(path, content=FILE + PURPOSE + END, headers=headers)
    assert error_of(response, 400)["code"] == "unsupported_content_type"


def test_a_preamble_of_newlines_and_an_epilogue_are_no_harm(server: Served) -> None:
    response = post(server, b"\r\n" + FILE + PURPOSE + END + b"and more\r\n--XYZ")
    assert response.status_code == 200


def test_data_that_looks_like_a_boundary(server: Served) -> None:
    data = b"\r\n--XY\r\n--XY\r\r\n\r\n--XYz--\r\n-"
    made = post(server, PURPOSE + part(b'name="file"; filename="a"', data) + END).json()
    assert server.client.get(f"/v1/files/{made['id']}/content").content == data


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_form_in_pieces_of_any_size(server: Served, size: int) -> None:
    data = bytes(range(256)) * 8 + b"\r\n--XYZ"[:-1]
    body = part(b'name="file"; filename="a"', data) + PURPOSE + END

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    made = server.client.post("/v1/files", content=pieces(), headers=headers).json()
    assert server.client.get(f"/v1/files/{made['id']}/content").content == data


def test_a_file_at_its_limit_and_one_over(server: Served) -> None:
    exact = part(b'name="file"; filename="a"', b"x" * LIMIT_BYTES) + PURPOSE + END
    assert post(server, exact).json()["bytes"] == LIMIT_BYTES
    over = part(b'name="file"; filename="a"', b"x" * (LIMIT_BYTES + 1)) + PURPOSE + END
    error = error_of(post(server, over), 413)
    assert error["param"] == "file"
    assert "file_limit_bytes" in error["message"]
    assert left_behind(server) == []


HEAD = (
    b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: multipart/form-data; boundary=XYZ\r\n"
)


def test_an_announced_size_over_the_limit_is_refused_unread(server: Served) -> None:
    answer = server.exchange_raw(HEAD + b"Content-Length: 9000000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer


def test_a_client_that_sends_everything_before_it_reads_gets_its_answer(server: Served) -> None:
    body = b"x" * 20_000_000
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_an_endless_body_is_not_read_to_its_end(server: Served) -> None:
    """The client sends until the server closes, which must have answered before."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with server.connect() as connection:
        first = part(b'name="file"; filename="a"', b"")[:-2]
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"%x\r\n%b\r\n" % (len(first), first))
        sent = 0
        try:
            while sent < 2_000_000_000:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 200_000_000
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")
    assert left_behind(server) == []


def test_a_client_that_goes_away_leaves_nothing(server: Served) -> None:
    before = server.client.get("/v1/files").json()["data"]
    with recorded_logs() as logs:
        with server.connect() as connection:
            connection.sendall(HEAD + b"Content-Length: 250000\r\n\r\n" + FILE[:-2] + b"x" * 90_000)
        logs.wait_for(message="POST /v1/files", status=499)
        assert logs.failures() == []
    assert left_behind(server) == []
    assert server.client.get("/v1/files").json()["data"] == before


def test_a_client_that_leaves_a_download_is_no_failure(server: Served) -> None:
    body = part(b'name="file"; filename="a"', b"x" * LIMIT_BYTES) + PURPOSE + END
    made = post(server, body).json()
    with recorded_logs() as logs:
        with server.connect(receive_buffer_bytes=4096) as connection:
            request = f"GET /v1/files/{made['id']}/content HTTP/1.1\r\nHost: localhost\r\n\r\n"
            connection.sendall(request.encode())
            assert connection.recv(100)
        logs.wait_for(message=f"GET /v1/files/{made['id']}/content")
        assert logs.failures() == []


def test_a_content_that_is_not_there_is_an_error_of_its_own(server: Served) -> None:
    made = post(server, PURPOSE + part(b'name="file"; filename="a"', b"to be lost") + END).json()
    Blobs(server.settings.data_dir / "blobs").path(
        hashlib.sha256(b"to be lost").hexdigest()
    ).unlink()
    error = error_of(server.client.get(f"/v1/files/{made['id']}/content"), 404)
    assert "gone" in error["message"]


def test_files_survive_a_restart(serve_with: ServeWith) -> None:
    with serve_with() as server:
        made = post(server, FILE + PURPOSE + END).json()
    with serve_with() as server:
        assert server.client.get(f"/v1/files/{made['id']}").json() == made
        assert server.client.get(f"/v1/files/{made['id']}/content").content == b"data"


def test_memory_stays_flat_while_a_large_file_comes_and_goes(
    serve_with: ServeWith, logs: LogLines
) -> None:
    size = 200 * 1024**2
    piece = b"x" * 1024**2
    first = part(b'name="file"; filename="a"', b"")[:-2]

    def body() -> Iterator[bytes]:
        yield first
        for _ in range(size // len(piece)):
            yield piece
        yield b"\r\n" + PURPOSE + END

    process = psutil.Process()
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    with serve_with() as server:
        post(server, FILE + PURPOSE + END)
        before = process.memory_info().rss
        peak = 0

        def watched() -> Iterator[bytes]:
            nonlocal peak
            for data in body():
                peak = max(peak, process.memory_info().rss)
                yield data

        made = server.client.post("/v1/files", content=watched(), headers=headers).json()
        assert made["bytes"] == size
        digest = hashlib.sha256()
        with server.client.stream("GET", f"/v1/files/{made['id']}/content") as response:
            for data in response.iter_bytes():
                peak = max(peak, process.memory_info().rss)
                digest.update(data)
    assert digest.digest() == hashlib.sha256(piece * (size // len(piece))).digest()
    assert peak - before < 64 * 1024**2
