"""The standard suites against the scripted provider behind the server."""

from typing import ClassVar

from standard import ChatSuite, EmbeddingsSuite


class TestChat(ChatSuite):
    model_name = "echo"
    model_override_value = "echo-mini"


class TestEmbeddings(EmbeddingsSuite):
    """Texts are sent as token ids, as langchain does by default."""

    embedding_model_params: ClassVar = {"model": "echo-embedding", "max_retries": 0}
