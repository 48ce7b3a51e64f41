"""The standard suites against the embedded models: what needs no model quality works."""

from typing import Any, ClassVar

import pytest
from standard import ChatSuite, EmbeddingsSuite


class TestChat(ChatSuite):
    model_name = "gpt-4o-mini"
    supports_model_override = False  # Whatever is asked for, the embedded model says its own name.

    @pytest.mark.xfail(
        reason="it knows no joke: the keys of the JSON object are there, their values null"
    )
    def test_json_mode(self, model: Any) -> None:
        super().test_json_mode(model)

    @pytest.mark.xfail(reason="the arguments are not found in a prompt of that form")
    def test_unicode_tool_call_integration(self, model: Any, **options: Any) -> None:
        super().test_unicode_tool_call_integration(model, **options)


class TestEmbeddings(EmbeddingsSuite):
    """`understudy-lexical` takes text; token ids are refused with this very advice."""

    embedding_model_params: ClassVar = {
        "model": "text-embedding-3-small",
        "max_retries": 0,
        "check_embedding_ctx_length": False,
    }
