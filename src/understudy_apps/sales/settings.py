"""The sales agent's settings. The environment is read here alone."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from understudy_apps.configuration import AppSettings
from understudy_apps.sales.models import EMBEDDED_MODEL
from understudy_apps.sales.shapes import AgentConfiguration

_ORIGIN = re.compile(r"'none'|'self'|\*|https?://[\w.*-]+(:\d+|:\*)?")


class Settings(AppSettings):
    """The settings, from variables that begin with `SALES_`, and `TELEGRAM_BOT_TOKEN`."""

    model_config = SettingsConfigDict(env_prefix="SALES_", populate_by_name=True)
    app_name: ClassVar[str] = "sales"

    host: str = "127.0.0.1"
    port: int = Field(8020, ge=0, le=65535)
    session_days: int = Field(30, ge=1, le=365)
    operator: str = Field("operator", min_length=1, max_length=100)
    operator_password: SecretStr | None = None
    timezone: str = "Europe/Madrid"

    model: str = Field("dashscope/qwen-plus", min_length=1)
    temperature: float = Field(0.4, ge=0, le=2)
    max_tokens: int = Field(800, ge=16, le=32_768)
    top_p: float = Field(0.9, gt=0, le=1)
    language: Literal["auto", "es", "en", "zh"] = "auto"
    intents: Literal["rules", "model"] = "rules"
    model_timeout_s: float = Field(60, gt=0, le=600)
    fallback_model: str = Field(EMBEDDED_MODEL, min_length=1)
    fallback_base_url: str | None = Field(None, pattern=r"^https?://[^\s/]+")
    fallback_api_key: SecretStr | None = None
    knowledge_dir: Path | None = None

    frame_ancestors: Annotated[tuple[str, ...], NoDecode] = ("'self'",)
    daily_messages_per_visitor: int = Field(60, ge=1)
    daily_messages: int = Field(2000, ge=1)

    telegram_token: SecretStr | None = Field(
        None, validation_alias=AliasChoices("telegram_token", "TELEGRAM_BOT_TOKEN")
    )
    telegram_base_url: str = Field("https://api.telegram.org", pattern=r"^https?://[^\s/]+")

    @field_validator("frame_ancestors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("frame_ancestors")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(_ORIGIN.fullmatch(origin) for origin in value):
            raise ValueError("origins as in https://shop.example, separated by spaces")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("a time zone as in Europe/Madrid") from error
        return value

    @property
    def knowledge(self) -> Path:
        """The folder of the data files."""
        return self.knowledge_dir or self.data_dir / "sales-knowledge"

    @property
    def configuration(self) -> AgentConfiguration:
        """The agent's configuration, until an operator saves another."""
        return AgentConfiguration(
            model=self.model,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            top_p=self.top_p,
            language=self.language,
        )

    def now(self) -> datetime:
        """Return the moment in the company's time zone."""
        return datetime.now(ZoneInfo(self.timezone))
