"""Every setting of a process, as one frozen class. `settings.load` reads them; this module only
says what they are and which values make sense.
"""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from understudy.settings.addresses import WILDCARDS, is_loopback, leads_to
from understudy.settings.local import LocalSettings
from understudy.settings.mcp import McpSettings
from understudy.settings.providers import ProviderSettings
from understudy.settings.speech import SpeechSettings

ENV_PREFIX = "UNDERSTUDY_"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

NameList = Annotated[tuple[str, ...], NoDecode]


class TimeoutSettings(BaseModel):
    """How long each phase of a call to a provider may take, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connect_s: float = Field(default=5.0, gt=0)
    read_s: float = Field(default=300.0, gt=0)
    """Longest silence of the provider: until the first byte, and between bytes."""
    pool_s: float = Field(default=10.0, gt=0)
    """Waiting for a free connection."""
    list_models_s: float = Field(default=3.0, gt=0)


class RetrievalSettings(BaseModel):
    """How files are read into vector stores, and what may be spent on one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=1, ge=1, le=64)
    """Files read at the same time."""
    parse_time_s: float = Field(default=300.0, gt=0)
    parse_memory_bytes: int = Field(default=1024**3, ge=128 * 1024**2)
    parse_pages: int = Field(default=5_000, ge=1)
    embedding_model: str | None = Field(default=None, min_length=1)
    """The model that embeds new vector stores; without one, search goes by words alone."""
    embed_query_s: float = Field(default=10.0, gt=0)
    """How long a search waits for the embedding of its query before it goes by words alone."""


class RunSettings(BaseModel):
    """How runs of assistants are worked on, and what they may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=200, ge=1, le=10_000)
    """Runs worked on at the same time; others wait in the queue."""
    max_active: int = Field(default=1_000, ge=1)
    """Runs queued or worked on, beyond which a new one is refused with 429."""
    timeout_s: int = Field(default=600, ge=1)
    """How long a run may take; waiting for outputs has its own limit of 10 minutes."""
    tool_rounds: int = Field(default=20, ge=1)
    """Answers with tool calls in one run, after which it fails."""
    file_wait_s: float = Field(default=60.0, ge=0)
    """How long a search waits for files that are still being read."""
    keep_events_s: int = Field(default=86_400, ge=0)
    """How long a run's stream can be resumed after its end."""


class ModelSettings(BaseModel):
    """What applies to one model: defaults for what a request leaves out, and its stand-ins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    fallback: tuple[str, ...] = ()
    """Models asked in turn when this one's provider is away, limits or fails."""
    history_turns: int | None = Field(default=None, ge=1)
    """How many turns of a thread runs show this model; all that fit, unless it is given."""
    summarise_history: bool = False
    """Whether older turns reach this model as a summary that it writes itself."""


class Settings(BaseSettings):
    """The settings of one process, frozen. `docs/settings.md` documents each."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("understudy")))
    database_url: SecretStr | None = None
    database_synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    open: bool = False
    apps: NameList = ()

    default_model: str = "understudy-extractive"
    default_embedding_model: str = "understudy-lexical"
    moderation_model: str | None = None
    unknown_model: Literal["default", "error"] = "default"
    list_personas: bool = False
    """Whether `/v1/models` lists the instances and characters of the caller's project."""
    aliases: dict[str, str] = {}
    models: dict[str, ModelSettings] = {}
    providers: dict[str, ProviderSettings] = {}
    timeouts: TimeoutSettings = TimeoutSettings()
    upstream_retries: int = Field(default=2, ge=0, le=10)
    upstream_connections: int = Field(default=1000, ge=1)

    cors_origins: NameList = ()
    allowed_hosts: NameList = ()
    json_limit_bytes: int = Field(default=25 * 1024 * 1024, ge=1024)
    file_limit_bytes: int = Field(default=512 * 1024**2, ge=1024)
    upload_limit_bytes: int = Field(default=8 * 1024**3, ge=1024)
    upload_ttl_s: int = Field(default=3600, ge=1)
    retrieval: RetrievalSettings = RetrievalSettings()
    runs: RunSettings = RunSettings()
    mcp: McpSettings = McpSettings()
    local: LocalSettings = LocalSettings()
    speech: SpeechSettings = SpeechSettings()
    heartbeat_s: float = Field(default=15.0, gt=0)
    shutdown_grace_s: int = Field(default=10, ge=0)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "human", "json"] = "auto"
    log_content: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only as given: `settings.load` merges the sources and keeps their origins."""
        return (init_settings,)

    @field_validator("apps", "cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins_only(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and (parts.scheme not in {"http", "https"} or parts.path):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
        return origins

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _no_alias_loops(self) -> Self:
        for name in self.aliases:
            seen = {name}
            while (name := self.aliases.get(name, "")) in self.aliases:
                if name in seen:
                    raise ValueError(f"aliases: {name!r} leads back to itself")
                seen.add(name)
        return self

    @field_validator("providers")
    @classmethod
    def _no_provider_called_local(
        cls, providers: dict[str, ProviderSettings]
    ) -> dict[str, ProviderSettings]:
        if "local" in providers:
            raise ValueError("'local' is the name of the local engine: choose another")
        return providers

    @model_validator(mode="after")
    def _no_upstream_loops(self) -> Self:
        for name, provider in self.providers.items():
            if provider.enabled and self.is_own_address(provider.base_url):
                raise ValueError(
                    f"providers.{name}.base_url: {provider.base_url} is this server's own address, "
                    "requests would loop for ever. Give the provider's address, "
                    "or another port for this server (--port)."
                )
        return self

    def is_own_address(self, url: str) -> bool:
        """Tell whether a request to `url` would come back to this server."""
        return self.port != 0 and leads_to(url, self.host, self.port)

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        return is_loopback(self.host)

    @property
    def base_url(self) -> str:
        """What a client on this machine gives as `base_url`."""
        host = "127.0.0.1" if self.host in WILDCARDS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"
