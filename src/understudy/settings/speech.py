"""What speaks and what transcribes, and what an audio file may cost."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class KokoroSettings(BaseModel):
    """One Kokoro model: the two files that it consists of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path
    voices: Path


class SpeechSettings(BaseModel):
    """The engines of the audio endpoints, and their limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tts_model: str = Field(default="understudy-espeak", min_length=1)
    """What speaks for OpenAI's model names, and for a name that nobody serves."""
    stt_model: str = Field(default="understudy-sphinx", min_length=1)
    """What transcribes for them."""
    workers: int = Field(default=2, ge=1, le=64)
    """Processes of one engine, each of which does one thing at a time."""
    whisper: dict[str, str] = {}
    """Name behind `whisper/` -> folder of a CTranslate2 model, or the name of one in the cache."""
    kokoro: dict[str, KokoroSettings] = {}
    """Name behind `kokoro/` -> its files."""
    file_limit_bytes: int = Field(default=25 * 1024**2, ge=1024)
    duration_limit_s: int = Field(default=7200, ge=1)
    """The longest recording that is transcribed."""
