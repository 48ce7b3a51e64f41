"""A user's program for the openai package, 1.14 and later, that keeps things on the server: files,
uploads, vector stores, chat completions. Each section tells what the program saw and every answer
that it got.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openai
from recording import HAS_OWN_VECTOR_STORES, VERSION, Recorder
from reporting import CAT, DOG, PICTURE, main, user

PAGES: Any = {"limit": 2} if VERSION >= (1, 60) else {}
DAYS: Any = {"anchor": "last_active_at", "days": 2}
SIZES: Any = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}
STATIC: Any = {"type": "static", "static": SIZES}

recorder = Recorder()
client = recorder.client
vector_stores = client.vector_stores if HAS_OWN_VECTOR_STORES else None
if vector_stores is None and hasattr(client.beta, "vector_stores"):
    vector_stores = client.beta.vector_stores


def ids(objects: Iterable[Any]) -> list[str]:
    """Return the ids of objects; a page is followed by the next ones."""
    return [each.id for each in objects]


def deleted_of(pages: Iterable[Any], delete: Callable[[str], Any]) -> list[str]:
    """Delete each object while the list of them is followed from page to page."""
    return [each.id for each in pages if delete(each.id).deleted]


def send(name: str, content: bytes) -> Any:
    return client.files.create(file=(name, content), purpose="assistants")


def sent(count: int) -> list[str]:
    return [send(f"{n}.txt", b"This is text number %d." % n).id for n in range(count)]


def error_of(call: Callable[[], Any]) -> Any:
    try:
        call()
    except openai.APIStatusError as error:
        return {"class": type(error).__name__, "status": error.status_code}
    return None


def files() -> Any:
    """Files from names and bytes and from the disk; all are deleted while they are listed."""
    made = sent(4)
    made.append(client.files.create(file=Path(__file__), purpose="fine-tune").id)
    content = client.files.content(made[0]).read().decode()
    listed = ids(client.files.list(**PAGES))
    chosen = ids(client.files.list(purpose="fine-tune"))
    retrieved = client.files.retrieve(made[-1]).filename
    waited = client.files.wait_for_processing(made[0]).status
    deleted = deleted_of(client.files.list(**PAGES), client.files.delete)
    return {
        "made": made,
        "content": content,
        "listed": listed,
        "chosen": chosen,
        "retrieved": retrieved,
        "waited": waited,
        "deleted": deleted,
        "left": ids(client.files.list()),
        "missing": error_of(lambda: client.files.retrieve(made[0])),
    }


def expiring_file() -> Any:
    life: Any = {"anchor": "created_at", "seconds": 3600}
    made = client.files.create(file=("día.txt", b"hola"), purpose="user_data", expires_after=life)
    return {"filename": made.filename, "lives_s": made.expires_at - made.created_at}


def uploads() -> Any:
    """A file in parts that arrive out of order, one that the package cuts, one given up."""
    data = bytes(range(256)) * 20
    begun: Any = {"purpose": "assistants", "mime_type": "application/octet-stream"}
    upload = client.uploads.create(filename="día.bin", bytes=len(data), **begun)
    second = client.uploads.parts.create(upload.id, data=data[3000:])
    first = client.uploads.parts.create(upload.id, data=data[:3000])
    md5 = hashlib.md5(data).hexdigest()
    done = client.uploads.complete(upload.id, part_ids=[first.id, second.id], md5=md5)
    path = Path(__file__)
    cut = client.uploads.upload_file_chunked(
        file=path, mime_type="text/x-python", purpose="user_data", part_size=1000
    )
    cancelled = client.uploads.cancel(client.uploads.create(filename="a", bytes=1, **begun).id)
    return {
        "statuses": [upload.status, done.status, cancelled.status],
        "filename": done.file.filename,
        "is_whole": client.files.content(done.file.id).content == data,
        "is_cut_whole": client.files.content(cut.file.id).content == path.read_bytes(),
        "ended": error_of(lambda: client.uploads.parts.create(cancelled.id, data=b"a")),
    }


def stores() -> Any:
    """Vector stores made, changed, listed in both orders, and deleted while they are listed."""
    made = [
        vector_stores.create(name=f"store {n}", metadata={"n": str(n)}, expires_after=DAYS)
        for n in range(5)
    ]
    changed = vector_stores.update(made[0].id, name="new", metadata={"a": "b"})
    listed = ids(vector_stores.list(limit=2))
    ascending = ids(vector_stores.list(limit=2, order="asc"))
    between = vector_stores.list(order="asc", after=made[0].id, before=made[3].id)
    deleted = deleted_of(vector_stores.list(limit=2), vector_stores.delete)
    return {
        "made": ids(made),
        "lives_s": made[0].expires_at - made[0].last_active_at,
        "changed": [changed.name, changed.metadata, changed.expires_after.days],
        "listed": listed,
        "ascending": ascending,
        "between": ids(between.data),
        "deleted": deleted,
        "left": ids(vector_stores.list()),
        "missing": error_of(lambda: vector_stores.retrieve(made[0].id)),
    }


def store_files() -> Any:
    """Files read into a store, one of them unreadable; all leave it while they are listed."""
    store = vector_stores.create().id
    inside = vector_stores.files
    cat = inside.upload_and_poll(vector_store_id=store, file=("cat.txt", CAT.encode()))
    picture = inside.upload_and_poll(vector_store_id=store, file=("no.png", PICTURE))
    (more, *others) = sent(3)
    static = inside.create_and_poll(more, vector_store_id=store, chunking_strategy=STATIC)
    for id_ in others:
        inside.create_and_poll(id_, vector_store_id=store)
    counts = vector_stores.retrieve(store).file_counts
    failed = ids(inside.list(store, filter="failed"))
    listed = ids(inside.list(store, limit=2))
    delete = functools.partial(inside.delete, vector_store_id=store)
    deleted = deleted_of(inside.list(store, limit=2), delete)
    return {
        "made": [cat.id, picture.id, more, *others],
        "statuses": [cat.status, picture.status, static.status],
        "reason": picture.last_error.code,
        "strategy": static.chunking_strategy.model_dump(),
        "counts": [counts.total, counts.completed, counts.failed],
        "failed": failed,
        "listed": listed,
        "deleted": deleted,
        "left": ids(inside.list(store)),
        "kept": client.files.retrieve(cat.id).filename,
        "missing": error_of(lambda: inside.retrieve(cat.id, vector_store_id=store)),
    }


def batches() -> Any:
    """Files added together: sent by the helper, named by their ids, and one batch given up."""
    store = vector_stores.create().id
    together = vector_stores.file_batches
    old = sent(2)
    sending = [("cat.txt", CAT.encode()), ("dog.txt", DOG.encode()), ("no.png", PICTURE)]
    done = together.upload_and_poll(store, files=sending, file_ids=old)
    found = together.retrieve(done.id, vector_store_id=store)
    named = together.create_and_poll(store, file_ids=sent(2))
    given_up = together.create(store, file_ids=sent(1))
    cancelled = together.cancel(given_up.id, vector_store_id=store)
    return {
        "old": old,
        "status": found.status,
        "counts": done.file_counts.model_dump(),
        "listed": ids(together.list_files(done.id, vector_store_id=store, limit=2)),
        "failed": len(ids(together.list_files(done.id, vector_store_id=store, filter="failed"))),
        "named": named.file_counts.completed,
        "given_up": [cancelled.status, cancelled.file_counts.total],
    }


def search() -> Any:
    """Passages by one and several questions, filters and ranking; attributes and texts of files."""
    store = vector_stores.create().id
    cat, dog = send("cat.txt", CAT.encode()).id, send("dog.txt", DOG.encode()).id
    vector_stores.file_batches.create_and_poll(
        store,
        files=[
            {"file_id": cat, "attributes": {"year": 2021, "pet": True, "name": "Misi"}},
            {"file_id": dog, "attributes": {"year": 2022.5}},
        ],
    )

    def found(query: Any, **options: Any) -> list[str]:
        return [each.filename for each in vector_stores.search(store, query=query, **options)]

    (first, *_) = vector_stores.search(store, query="Where does the cat sleep?")
    older: Any = {"type": "lt", "key": "year", "value": 2022}
    named: Any = {"type": "in", "key": "name", "value": ["Misi", "Rex"]}
    both: Any = {"type": "and", "filters": [older, named]}
    ranking: Any = {"ranker": "default-2024-11-15", "score_threshold": 0.99}
    seen = {
        "first": [first.filename, first.content[0].text, first.attributes, 0 < first.score <= 1],
        "several": sorted(found(["cat", "dog"], rewrite_query=True)),
        "one": len(found(["cat", "dog"], max_num_results=1)),
        "older": found(["cat", "dog"], filters=older),
        "both": found(["cat", "dog"], filters=both),
        "over_threshold": found("cat moon submarine", ranking_options=ranking),
    }
    inside = vector_stores.files
    changed = inside.update(dog, vector_store_id=store, attributes={"year": 2000})
    return {
        **seen,
        "changed": changed.attributes,
        "after_change": sorted(found(["cat", "dog"], filters=older)),
        "text": [part.text for part in inside.content(cat, vector_store_id=store)],
        "wrong": error_of(lambda: found("cat", max_num_results=51)),
    }


def stored_chats() -> Any:
    """Chat completions that the server keeps: listed by metadata, read, changed and deleted."""
    chats = client.chat.completions

    def ask(text: str, **options: Any) -> Any:
        messages: Any = [{"role": "system", "content": "Be brief."}, *user(text)]
        return chats.create(model="gpt-4o-mini", messages=messages, store=True, **options)

    made = [ask(f"Hello {n}", metadata={"n": str(n % 2), "shop": "A & B"}) for n in range(5)]
    odd = ids(chats.list(metadata={"n": "1", "shop": "A & B"}, limit=1))
    listed = ids(chats.list(limit=2))
    first = chats.retrieve(made[0].id)
    changed = chats.update(made[0].id, metadata={"seen": "yes"})
    messages = list(chats.messages.list(made[1].id, limit=1))
    deleted = deleted_of(chats.list(limit=2), chats.delete)
    return {
        "made": ids(made),
        "odd": odd,
        "listed": listed,
        "is_same": first.choices[0].message.content == made[0].choices[0].message.content,
        "changed": [changed.id, changed.metadata],
        "messages": [[message.role, message.content] for message in messages],
        "deleted": deleted,
        "left": ids(chats.list()),
        "missing": error_of(lambda: chats.retrieve(made[0].id)),
    }


def recorded(section: Callable[[], Any]) -> Callable[[], Any]:
    """Return a section that also tells every answer that it got."""
    return lambda: {"saw": section(), "answers": recorder.taken()}


if __name__ == "__main__":
    sections = (files, expiring_file, uploads, stores, store_files, batches, search, stored_chats)
    main({section.__name__: recorded(section) for section in sections})
