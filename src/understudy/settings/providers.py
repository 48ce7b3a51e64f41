"""Model providers: what a settings file says of one, and those that are known by name."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

Adapter = Literal["openai", "dashscope"]


class CapabilitySettings(BaseModel):
    """Overrides of a model's capabilities, for providers whose abilities cannot be known here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: bool | None = None
    forced_tool_choice: bool | None = None
    parallel_tool_calls: bool | None = None
    json_object: bool | None = None
    json_schema: bool | None = None
    logprobs: bool | None = None
    n: bool | None = None
    penalties: bool | None = None
    logit_bias: bool | None = None
    seed: bool | None = None
    max_completion_tokens: bool | None = None
    vision: bool | None = None
    audio: bool | None = None
    text_completions: bool | None = None
    token_ids: bool | None = None
    context_length: int | None = Field(default=None, ge=1)


class ProviderSettings(BaseModel):
    """One provider: an OpenAI-compatible server and how to reach it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str
    key_variable: str | None = None
    """Name of the environment variable (or `.env` line) that holds the key."""
    key: SecretStr | None = None
    """The key itself; filled from `key_variable` when that is set."""
    requires_key: bool = False
    adapter: Adapter = "openai"
    enabled: bool | None = None
    """Whether bare model names are looked up here and `/v1/models` lists it. By default: as soon as
    the provider appears in the settings, and DashScope as soon as its key is there."""
    models: dict[str, str] = {}
    """Name that programs use -> the provider's own name. When set, only these are offered."""
    capabilities: CapabilitySettings = CapabilitySettings()

    @field_validator("base_url")
    @classmethod
    def _http_only(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        try:
            has_host = bool(urlsplit(value).hostname and urlsplit(value).port != 0)
        except ValueError as error:
            raise ValueError(f"is no address: {error}") from None
        if not has_host:
            raise ValueError("names no host, such as http://127.0.0.1:8001/v1")
        return value.rstrip("/")

    @property
    def is_usable(self) -> bool:
        """Whether a request could be sent: the key is there, or none is needed."""
        return self.key is not None or not self.requires_key


DASHSCOPE_HOSTS = {
    "dashscope": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "dashscope-cn": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "dashscope-us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
}

KNOWN_PROVIDERS: dict[str, dict[str, object]] = {
    **{
        name: {
            "base_url": base_url,
            "key_variable": "DASHSCOPE_API_KEY",
            "requires_key": True,
            "adapter": "dashscope",
        }
        for name, base_url in DASHSCOPE_HOSTS.items()
    },
    "openai": {
        "base_url": "https://api.openai.com/v1",
        "key_variable": "OPENAI_API_KEY",
        "requires_key": True,
    },
    "ollama": {
        "base_url": "http://127.0.0.1:11434/v1",
        # It answers as if these had not been asked for.
        "capabilities": {
            "forced_tool_choice": False,
            "parallel_tool_calls": False,
            "n": False,
            "logit_bias": False,
            "max_completion_tokens": False,
            "text_completions": True,
            "token_ids": False,
        },
    },
    "vllm": {
        "base_url": "http://127.0.0.1:8001/v1",
        "key_variable": "VLLM_API_KEY",
        "capabilities": {"text_completions": True},
    },
    "sglang": {
        "base_url": "http://127.0.0.1:30000/v1",
        "key_variable": "SGLANG_API_KEY",
        "capabilities": {"text_completions": True},
    },
    "ray": {
        "base_url": "http://127.0.0.1:8002/v1",
        "capabilities": {"text_completions": True},
    },
    "llamacpp": {
        "base_url": "http://127.0.0.1:8080/v1",
        "key_variable": "LLAMA_API_KEY",
        # A named function counts as "auto" there; older builds know neither of the other two.
        "capabilities": {
            "forced_tool_choice": False,
            "n": False,
            "max_completion_tokens": False,
            "text_completions": True,
        },
    },
}
"""Defaults of the providers known by name; a table `[providers.NAME]` overrides single values."""
