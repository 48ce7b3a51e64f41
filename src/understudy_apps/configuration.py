"""What every application reads from flags, the environment and `.env`, and where it logs.

The only reader of the environment in an application; nothing is read at import.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from understudy_apps.errors import CannotStart

Environment = Literal["development", "production", "test"]
LogLevel = Literal["debug", "info", "warning", "error"]
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"
_QUIET = (
    "aiosqlite",
    "alembic",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "openai",
    "telegram",
    "uvicorn.access",
)
"""They log at WARNING: URLs can hold tokens."""


class AppSettings(BaseSettings):
    """The settings that every application has; a subclass sets `env_prefix` and `app_name`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )
    app_name: ClassVar[str]

    environment: Environment = "development"
    base_url: str = Field("http://127.0.0.1:8000/v1", pattern=r"^https?://[^\s/]+")
    api_key: SecretStr | None = None
    data_dir: Path = Field(default_factory=lambda: _default_data_dir())
    database_url: SecretStr | None = None
    log_file: Path | None = None
    log_level: LogLevel = "info"

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def load(cls, flags: Mapping[str, Any]) -> Self:
        """Return the settings: flag, else variable, else line of `.env`, else default.

        A flag that is None was not given. Raises CannotStart, which names the variables that are
        wrong and never their values.
        """
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            prefix = cls.model_config.get("env_prefix", "")
            wrong = [
                f"{prefix}{'__'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
                for problem in error.errors(include_url=False, include_input=False)
            ]
            raise CannotStart("Settings are wrong. " + "; ".join(wrong)) from error

    @property
    def key(self) -> str:
        """The API key to send; servers that ask for none take any."""
        return self.api_key.get_secret_value() if self.api_key else "any"

    @property
    def database(self) -> str:
        """The URL of the database; by default a file in `data_dir`, tests having their own."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        suffix = "-test" if self.environment == "test" else ""
        return f"sqlite:///{self.data_dir / f'{self.app_name}{suffix}.db'}"

    @property
    def key_file(self) -> Path:
        """The file whose key seals secrets in the database."""
        return self.data_dir / f"{self.app_name}.key"


def _default_data_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("understudy"))


def configure_logs() -> None:
    """Log to standard error, for an application that is a process of its own."""
    logging.basicConfig(level=logging.INFO, format=_FORMAT, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def logging_as(settings: AppSettings) -> Iterator[None]:
    """Log at the level of the settings, and to their file if they name one, while the block lasts.

    Touches the loggers of applications alone: the process may be a server with loggers of its own.
    Raises CannotStart when the file cannot be written.
    """
    logger = logging.getLogger(f"understudy_apps.{settings.app_name}")
    level_before = logger.level
    logger.setLevel(settings.log_level.upper())
    handler = _file_handler(settings.log_file) if settings.log_file else None
    if handler is not None:
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(level_before)
        if handler is not None:
            logger.removeHandler(handler)
            handler.close()


def _file_handler(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"The log file {path} cannot be written ({error.strerror}).") from error
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler
