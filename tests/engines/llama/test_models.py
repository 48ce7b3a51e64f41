"""Which local models there are, and by which names they are found."""

from pathlib import Path
from typing import Any

import pytest

from understudy.engines.llama.models import LocalModels
from understudy.engines.registry import Registry
from understudy.errors import ModelUnusable
from understudy.settings import Settings

pytestmark = pytest.mark.anyio


def settings(tmp_path: Path, **fields: Any) -> Settings:
    return Settings(data_dir=tmp_path / "data", **fields)


async def served(fields: Settings, name: str) -> str | None:
    registry = Registry(fields)
    try:
        route = await registry.find(name)
        return route.served if route else None
    finally:
        await registry.aclose()


async def test_a_model_of_the_settings_has_three_names(
    tmp_path: Path, tiny_chat_gguf: Path
) -> None:
    fields = settings(
        tmp_path,
        local={"models": {"small": {"path": tiny_chat_gguf}}},
        aliases={"gpt-4": "local/small"},
    )
    for name in ("local/small", "small", "gpt-4"):
        assert await served(fields, name) == "local/small"
    assert await served(fields, "local/other") is None


async def test_a_file_of_the_settings_is_named_by_its_stem(
    tmp_path: Path, tiny_chat_gguf: Path, tiny_embedding_gguf: Path
) -> None:
    fields = settings(
        tmp_path,
        default_model=str(tiny_chat_gguf),
        default_embedding_model=str(tiny_embedding_gguf),
    )
    for name in (str(tiny_chat_gguf), "local/tiny-chat", "tiny-chat"):
        assert await served(fields, name) == "local/tiny-chat"
    assert await served(fields, "tiny-embedding") == "local/tiny-embedding"


async def test_a_path_in_a_request_is_never_opened(tmp_path: Path, tiny_chat_gguf: Path) -> None:
    fields = settings(tmp_path)
    for name in (str(tiny_chat_gguf), f"local/{tiny_chat_gguf}", f"local{tiny_chat_gguf}"):
        assert await served(fields, name) is None


async def test_two_files_of_one_name(tmp_path: Path, tiny_chat_gguf: Path) -> None:
    other = tmp_path / "folder" / "tiny-chat.gguf"
    fields = settings(tmp_path, default_model=str(tiny_chat_gguf), aliases={"second": str(other)})
    assert await served(fields, fields.default_model) == "local/tiny-chat"
    assert await served(fields, "second") == "local/folder-tiny-chat"


async def test_models_are_listed_with_what_they_are_for(
    tmp_path: Path, tiny_chat_gguf: Path, tiny_embedding_gguf: Path
) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF")
    models = {
        "talker": {"path": tiny_chat_gguf},
        "vectors": {"path": tiny_embedding_gguf},
        "broken": {"path": tmp_path / "broken.gguf"},
        "absent": {"repository": "Qwen/Qwen3-0.6B-GGUF:Q8_0"},
    }
    registry = Registry(settings(tmp_path, local={"models": models}))
    listed = [(model.id, model.kind) for model in await registry.models()]
    assert listed[2:] == [("local/talker", "chat"), ("local/vectors", "embedding")]


def test_a_model_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    models = LocalModels(
        settings(tmp_path, local={"models": {"small": {"repository": "Qwen/Qwen3-0.6B-GGUF"}}})
    )
    with pytest.raises(ModelUnusable, match=r"models pull Qwen/Qwen3-0\.6B-GGUF"):
        models.find("small")
