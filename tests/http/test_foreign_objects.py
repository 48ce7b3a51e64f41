"""What belongs to another project is not there: 404 on every route, and in no list."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.cli.running import Workplace


@pytest.fixture(scope="module")
def clients(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[openai.OpenAI, openai.OpenAI]]:
    """Two clients of one server, each with the key of a project of its own."""
    workplace = Workplace(Path(tmp_path_factory.mktemp("projects")))
    keys = [
        workplace.run("keys", "create", "--project", project).out.strip() for project in ("a", "b")
    ]
    with workplace.serving() as url, ExitStack() as stack:
        one, other = (
            stack.enter_context(openai.OpenAI(base_url=url, api_key=key, max_retries=0))
            for key in keys
        )
        yield one, other


def test_files_and_uploads(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    one, other = clients
    file = one.files.create(file=b"mine", purpose="assistants").id
    begun: Any = {"filename": "a", "purpose": "assistants", "mime_type": "a", "bytes": 4}
    upload = one.uploads.create(**begun).id
    part = one.uploads.parts.create(upload, data=b"mine").id
    theirs = other.uploads.create(**begun).id
    for call in (
        lambda: other.files.retrieve(file),
        lambda: other.files.content(file),
        lambda: other.files.delete(file),
        lambda: other.uploads.parts.create(upload, data=b"x"),
        lambda: other.uploads.complete(upload, part_ids=[part]),
        lambda: other.uploads.cancel(upload),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    with pytest.raises(openai.BadRequestError) as caught:
        other.uploads.complete(theirs, part_ids=[part])
    assert str(caught.value.param).startswith("part_ids")
    with pytest.raises(openai.BadRequestError) as caught:
        other.files.list(after=file)
    assert caught.value.param == "after"
    assert other.files.list().data == []
    assert one.files.content(file).content == b"mine"
    assert one.uploads.complete(upload, part_ids=[part]).status == "completed"


def test_vector_stores(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    one, other = clients
    store = one.vector_stores.create(name="mine").id
    inside, batches = other.vector_stores.files, other.vector_stores.file_batches
    file = one.vector_stores.files.upload_and_poll(
        vector_store_id=store, file=("cat.txt", b"The cat sleeps.")
    ).id
    batch = one.vector_stores.file_batches.create_and_poll(store, file_ids=[file]).id
    own = other.vector_stores.create(name="theirs").id
    theirs = other.files.create(file=b"x", purpose="assistants").id
    for call in (
        lambda: other.vector_stores.retrieve(store),
        lambda: other.vector_stores.update(store, name="x"),
        lambda: other.vector_stores.delete(store),
        lambda: other.vector_stores.search(store, query="cat"),
        lambda: other.vector_stores.create(file_ids=[file]),
        lambda: inside.list(store),
        lambda: inside.create(store, file_id=theirs),
        lambda: inside.create(own, file_id=file),
        lambda: inside.retrieve(file, vector_store_id=store),
        lambda: inside.retrieve(file, vector_store_id=own),
        lambda: inside.update(file, vector_store_id=store, attributes={}),
        lambda: inside.content(file, vector_store_id=store),
        lambda: inside.delete(file, vector_store_id=store),
        lambda: batches.create(store, file_ids=[theirs]),
        lambda: batches.create(own, file_ids=[file]),
        lambda: batches.retrieve(batch, vector_store_id=store),
        lambda: batches.retrieve(batch, vector_store_id=own),
        lambda: batches.list_files(batch, vector_store_id=store),
        lambda: batches.cancel(batch, vector_store_id=store),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    assert [each.id for each in other.vector_stores.list()] == [own]
    (found,) = one.vector_stores.search(store, query="cat")
    assert found.file_id == file
    assert one.vector_stores.retrieve(store).name == "mine"


def test_responses(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    one, other = clients
    mine = one.responses.create(input="hello", model="understudy-extractive")
    reference: Any = [{"type": "item_reference", "id": mine.output[0].id}]
    conversation = one.conversations.create().id
    store = one.vector_stores.create(name="mine").id
    search: Any = [{"type": "file_search", "vector_store_ids": [store]}]
    for call in (
        lambda: other.responses.retrieve(mine.id),
        lambda: other.responses.input_items.list(mine.id),
        lambda: other.responses.cancel(mine.id),
        lambda: other.responses.delete(mine.id),
        lambda: other.responses.create(input="hello", previous_response_id=mine.id),
        lambda: other.responses.create(input="hello", conversation=conversation),
        lambda: other.responses.create(input="hello", tools=search),
        lambda: other.responses.create(input=reference),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    assert one.responses.retrieve(mine.id).output_text == mine.output_text


def test_conversations(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    one, other = clients
    said: Any = [{"role": "user", "content": "hello"}]
    conversation = one.conversations.create(items=said).id
    (item,) = one.conversations.items.list(conversation).data
    reference: Any = [{"type": "item_reference", "id": item.id}]
    for call in (
        lambda: other.conversations.retrieve(conversation),
        lambda: other.conversations.update(conversation, metadata={}),
        lambda: other.conversations.delete(conversation),
        lambda: other.conversations.items.list(conversation),
        lambda: other.conversations.items.create(conversation, items=said),
        lambda: other.conversations.items.retrieve(item.id, conversation_id=conversation),
        lambda: other.conversations.items.delete(item.id, conversation_id=conversation),
        lambda: other.conversations.create(items=reference),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    assert one.conversations.items.list(conversation).data == [item]
