"""How models run on this machine: what each may take, and what all of them may take together."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

LocalKind = Literal["chat", "embedding"]


class LocalModelSettings(BaseModel):
    """One local model. What is not given is taken from the table `local`, or from the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    """A GGUF file."""
    repository: str | None = Field(default=None, min_length=1)
    """An installed model, `OWNER/REPO:QUANT`, in place of a path."""
    kind: LocalKind | None = None
    """What the model is for; the file tells, unless it is given."""
    context_length: int | None = Field(default=None, ge=64)
    slots: int | None = Field(default=None, ge=1, le=256)
    threads: int | None = Field(default=None, ge=1, le=1024)
    batch_size: int | None = Field(default=None, ge=1, le=65_536)
    prompt_cache_bytes: int | None = Field(default=None, ge=0)
    preload: bool = False
    """Whether it is loaded at the start, and kept."""
    chat_template: Path | None = None
    """A file whose Jinja template takes the place of the model's own."""

    @field_validator("path", "chat_template")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.path is None) == (self.repository is None):
            raise ValueError("give either path, a .gguf file, or repository, an installed model")
        return self


class LocalSettings(BaseModel):
    """The local engine: its models by name, and the limits that they share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, LocalModelSettings] = {}
    context_length: int = Field(default=8192, ge=64)
    """Tokens of one conversation, at most what the model was made for. Each slot has as many."""
    slots: int = Field(default=2, ge=1, le=256)
    """Answers that a chat model writes at the same time; others wait."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads of one model; as many as there are cores, unless it is given."""
    batch_size: int = Field(default=48, ge=1, le=65_536)
    """Prompt tokens read at a time. A request can be cancelled only between batches, of which a
    model of 0.6B on two cores reads two in a second. Measured there, 40 read 7 % slower, and
    neither 64 nor 512 faster."""
    prompt_cache_bytes: int = Field(default=256 * 1024**2, ge=0)
    """Memory of one model for the prompts of earlier conversations."""
    memory_limit_bytes: int | None = Field(default=None, ge=1)
    """What all models may take together; three quarters of the machine's, unless it is given."""
    idle_unload_s: float = Field(default=900.0, ge=0)
    """How long a model that nobody asks stays in memory; 0 keeps it."""
    load_wait_s: float = Field(default=30.0, ge=0)
    """How long a request waits for its model to load before it is told to come back."""
    load_timeout_s: float = Field(default=600.0, gt=0)
    """How long loading may take before it is given up."""

    @field_validator("models")
    @classmethod
    def _names_are_no_paths(
        cls, models: dict[str, LocalModelSettings]
    ) -> dict[str, LocalModelSettings]:
        for name in models:
            if not name or name.endswith(".gguf"):
                raise ValueError(f"{name!r} is no name for a model: choose one without .gguf")
        return models
