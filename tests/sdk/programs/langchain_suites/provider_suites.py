"""The standard suites against the scripted provider behind the server."""

from typing import Any, ClassVar

from standard import ChatSuite, EmbeddingsSuite


class TestChat(ChatSuite):
    model_name = "echo"
    model_override_value = "echo-mini"


class TestResponses(TestChat):
    """The same, asked through the Responses API."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": True}


class TestEmbeddings(EmbeddingsSuite):
    """Texts are sent as token ids, as langchain does by default."""

    embedding_model_params: ClassVar = {"model": "echo-embedding", "max_retries": 0}
