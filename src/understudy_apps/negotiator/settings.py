"""The negotiator's settings. The environment is read here alone."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from understudy_apps.configuration import AppSettings


class Settings(AppSettings):
    """The settings, from variables that begin with `NEGOTIATOR_`."""

    model_config = SettingsConfigDict(env_prefix="NEGOTIATOR_")
    app_name: ClassVar[str] = "negotiator"

    host: str = "127.0.0.1"
    port: int = Field(8010, ge=0, le=65535)
    model: str = Field("gpt-4o", min_length=1)
    session_days: int = Field(30, ge=1, le=365)
    country_code: str = Field("34", pattern=r"^[1-9]\d{0,2}$")
