"""The standard integration suites of langchain-tests, set up for a server that is named by
environment variables. What is left out here and why is also in `docs/clients.md`.
"""

from typing import Any

from byte_tokens import use_byte_tokens
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
)

use_byte_tokens()


class ChatSuite(ChatModelIntegrationTests):
    """Images, audio and PDF stay off: the suite fetches its samples from the network."""

    model_name: str

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # Away from OpenAI's own address, langchain asks streams for usage only when told to.
        return {"model": self.model_name, "max_retries": 0, "timeout": 30, "stream_usage": True}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True


class EmbeddingsSuite(EmbeddingsIntegrationTests):
    embedding_model_params: dict[str, Any]

    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        return OpenAIEmbeddings
