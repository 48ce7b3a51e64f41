"""`/v1/uploads` with the SDK, and what is refused of it."""

import hashlib
import re
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import Served, error_of, serve, settings_for
from tests.sdk.validation import errors_of_answer, errors_of_object

CREATE = {"filename": "notes.txt", "purpose": "assistants", "bytes": 6, "mime_type": "text/plain"}
LIMIT_BYTES = 10_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(
        settings_for(tmp_path_factory.mktemp("data"), upload_limit_bytes=LIMIT_BYTES)
    ) as served:
        yield served


def begun(client: openai.OpenAI, **fields: Any) -> str:
    """Create an upload and return its id."""
    return client.uploads.create(**{**CREATE, **fields}).id


def test_an_upload_becomes_a_file(client: openai.OpenAI) -> None:
    upload = client.uploads.create(
        filename="señal.txt",
        purpose="assistants",
        bytes=6,
        mime_type="text/plain",
        expires_after={"anchor": "created_at", "seconds": 7200},
    )
    assert re.fullmatch(r"upload_[0-9A-Za-z]{24}", upload.id)
    assert (upload.status, upload.object, upload.file) == ("pending", "upload", None)
    assert abs(upload.created_at - time.time()) < 60
    assert upload.expires_at == upload.created_at + 3600
    second = client.uploads.parts.create(upload.id, data=b"def")
    first = client.uploads.parts.create(upload.id, data=b"abc")
    assert (first.upload_id, first.object) == (upload.id, "upload.part")
    completed = client.uploads.complete(
        upload.id, part_ids=[first.id, second.id], md5=hashlib.md5(b"abcdef").hexdigest()
    )
    assert (completed.id, completed.status) == (upload.id, "completed")
    file = completed.file
    assert file is not None
    assert (file.filename, file.bytes, file.purpose) == ("señal.txt", 6, "assistants")
    assert file.expires_at == file.created_at + 7200
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).content == b"abcdef"


def test_the_sdk_uploads_in_chunks(client: openai.OpenAI) -> None:
    data = bytes(range(256)) * 10_000
    done = client.uploads.upload_file_chunked(
        file=data,
        filename="a.bin",
        bytes=len(data),
        mime_type="application/octet-stream",
        purpose="user_data",
        part_size=700_000,
        md5=hashlib.md5(data).hexdigest().upper(),
    )
    assert done.file is not None
    assert client.files.content(done.file.id).content == data


def test_answers_obey_the_specification(server: Served) -> None:
    post = server.client.post
    upload = post("/v1/uploads", json=CREATE).json()
    assert errors_of_answer("POST", "/uploads", 200, without_null_file(upload)) == []
    root = f"/v1/uploads/{upload['id']}"
    part = post(f"{root}/parts", files={"data": b"abcdef"}).json()
    assert errors_of_object("UploadPart", part) == []
    done = post(f"{root}/complete", json={"part_ids": [part["id"]]}).json()
    assert errors_of_answer("POST", "/uploads/{upload_id}/complete", 200, done) == []
    cancelled = post("/v1/uploads", json=CREATE).json()
    cancelled = post(f"/v1/uploads/{cancelled['id']}/cancel").json()
    assert cancelled["status"] == "cancelled"


def without_null_file(upload: dict[str, Any]) -> dict[str, Any]:
    """The specification calls `file` nullable in a way that validators do not read."""
    assert upload["file"] is None
    return {name: value for name, value in upload.items() if name != "file"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"filename": None}, "filename"),
        ({"filename": ""}, "filename"),
        ({"filename": "a\nb"}, "filename"),
        ({"purpose": "nonsense"}, "purpose"),
        ({"purpose": 3}, "purpose"),
        ({"bytes": 0}, "bytes"),
        ({"bytes": "6"}, "bytes"),
        ({"bytes": LIMIT_BYTES + 1}, "bytes"),
        ({"mime_type": ""}, "mime_type"),
        ({"expires_after": {"anchor": "created_at", "seconds": 1}}, "expires_after.seconds"),
        ({"expires_after": {"seconds": 3600}}, "expires_after.anchor"),
    ],
)
def test_wrong_uploads(server: Served, fields: dict[str, Any], param: str) -> None:
    response = server.client.post("/v1/uploads", json={**CREATE, **fields})
    assert error_of(response, 400)["param"] == param


@pytest.mark.parametrize("name", CREATE)
def test_an_upload_needs_each_field(server: Served, name: str) -> None:
    fields = {key: value for key, value in CREATE.items() if key != name}
    error = error_of(server.client.post("/v1/uploads", json=fields), 400)
    assert (error["param"], error["code"]) == (name, "missing_required_parameter")


def test_wrong_completions(client: openai.OpenAI, server: Served) -> None:
    upload, other = begun(client), begun(client)
    first = client.uploads.parts.create(upload, data=b"abc").id
    second = client.uploads.parts.create(upload, data=b"def").id
    foreign = client.uploads.parts.create(other, data=b"def").id
    both = [first, second]
    for body, param in (
        ({}, "part_ids"),
        ({"part_ids": []}, "part_ids"),
        ({"part_ids": [1]}, "part_ids[0]"),
        ({"part_ids": "part"}, "part_ids"),
        ({"part_ids": [first]}, "part_ids"),
        ({"part_ids": [first, first]}, "part_ids"),
        ({"part_ids": [first, foreign]}, "part_ids"),
        ({"part_ids": [first, "part_none"]}, "part_ids"),
        ({"part_ids": both, "md5": "0" * 32}, "md5"),
    ):
        response = server.client.post(f"/v1/uploads/{upload}/complete", json=body)
        error = error_of(response, 400)
        assert error["param"].partition("[")[0] == param.partition("[")[0], body
    assert client.uploads.complete(upload, part_ids=both).status == "completed"


def test_an_upload_that_has_ended_says_so(client: openai.OpenAI) -> None:
    cancelled, completed = begun(client), begun(client)
    part = client.uploads.parts.create(completed, data=b"abcdef").id
    client.uploads.cancel(cancelled)
    client.uploads.complete(completed, part_ids=[part])
    for upload, status in ((cancelled, "cancelled"), (completed, "completed")):
        for call in (
            lambda id_: client.uploads.parts.create(id_, data=b"x"),
            lambda id_: client.uploads.complete(id_, part_ids=[part]),
            client.uploads.cancel,
        ):
            with pytest.raises(openai.BadRequestError, match=f"is {status}") as caught:
                call(upload)
            assert caught.value.code == "upload_not_pending"


def test_the_life_of_an_upload_is_a_setting(serve_with: ServeWith) -> None:
    with serve_with(upload_ttl_s=120) as server:
        upload = server.client.post("/v1/uploads", json=CREATE).json()
        assert upload["expires_at"] == upload["created_at"] + 120


def test_wrong_parts(client: openai.OpenAI, server: Served) -> None:
    path = f"/v1/uploads/{begun(client)}/parts"
    for files, param in (
        ({"file": b"abc"}, "data"),
        ({"data": b""}, "data"),
    ):
        assert error_of(server.client.post(path, files=files), 400)["param"] == param
    assert error_of(server.client.post(path, json={"data": "abc"}), 400)
    assert error_of(server.client.post(path), 400)


def test_a_part_over_64_mib_is_refused_unread(client: openai.OpenAI, server: Served) -> None:
    upload = begun(client)
    head = (
        f"POST /v1/uploads/{upload}/parts HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary=XYZ\r\nContent-Length: {66 * 1024**2}\r\n\r\n"
    )
    assert server.exchange_raw(head.encode()).startswith(b"HTTP/1.1 413")


def test_unknown_uploads(client: openai.OpenAI) -> None:
    for call in (
        lambda: client.uploads.parts.create("upload_none", data=b"x"),
        lambda: client.uploads.complete("upload_none", part_ids=["part_none"]),
        lambda: client.uploads.cancel("upload_none"),
    ):
        with pytest.raises(openai.NotFoundError, match="No upload found with id 'upload_none'"):
            call()
