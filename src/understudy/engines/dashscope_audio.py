"""Recordings for DashScope: its compatible mode transcribes through chat completions alone.

Pure but for reading the recording. It has no speech there, nor translations.
Source: Qwen-ASR API reference of Alibaba Cloud Model Studio, 2026.
"""

import base64
from typing import Any, cast

import msgspec

from understudy.engines.base import AudioForm, AudioTask
from understudy.errors import TooLarge, UnsupportedParameter
from understudy.wire.chat import ChatCompletion, ChatRequest

_LARGEST_BYTES = 7_500_000
"""DashScope takes 10 MB in base64."""
_SIGNATURES = {
    b"RIFF": "audio/wav",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"\x1aE\xdf\xa3": "audio/webm",
}
_FORMATS = ("json", "text")
_REFUSED = ("stream", "include", "temperature")
"""What a program expects to have an effect, and that Qwen-ASR has no word for."""
_UNSET: tuple[object, ...] = (None, "", "0", "0.0", "false", [])


def no_speech(provider: str) -> UnsupportedParameter:
    """Return the refusal of speech."""
    return UnsupportedParameter(
        f"Provider '{provider}' is DashScope, whose compatible mode has no speech: name a model of "
        "another provider, or one of this server's own, such as 'understudy-espeak'.",
        param="model",
    )


def transcription_request(task: AudioTask, form: AudioForm) -> ChatRequest:
    """Return the chat request that asks for the words of a recording. Blocks: it reads it.

    Raises UnsupportedParameter for what Qwen-ASR cannot do, TooLarge for too much of it.
    """
    _refuse(task, form)
    audio = form.path.read_bytes()
    if len(audio) > _LARGEST_BYTES:
        raise TooLarge(
            f"DashScope takes recordings up to {_LARGEST_BYTES} bytes. Compress it, for example "
            "as MP3, or cut it.",
            param="file",
        )
    url = f"data:{media_type(audio)};base64,{base64.b64encode(audio).decode()}"
    content = [{"type": "input_audio", "input_audio": {"data": url}}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if prompt := form.fields.get("prompt"):
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": prompt}]})
    language = form.fields.get("language")
    options = {"asr_options": {"language": language}} if language else {}
    return cast("ChatRequest", {"model": form.fields["model"], "messages": messages, **options})


def transcription_answer(completion: ChatCompletion, form: AudioForm) -> tuple[str, bytes]:
    """Return content type and body of the answer to a transcription."""
    text = completion.choices[0].message.content or ""
    if form.fields.get("response_format") == "text":
        return "text/plain; charset=utf-8", f"{text}\n".encode()
    usage = completion.usage
    counts = {
        "type": "tokens",
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    return "application/json", msgspec.json.encode({"text": text, "usage": counts})


def media_type(audio: bytes) -> str:
    """Return the media type of a recording by its first bytes; MP3 has no sure signature."""
    if audio[4:8] == b"ftyp":
        return "audio/mp4"
    return _SIGNATURES.get(audio[:4], "audio/mpeg")


def _refuse(task: AudioTask, form: AudioForm) -> None:
    if task == "translations":
        raise UnsupportedParameter(
            "DashScope's compatible mode does not translate recordings: transcribe it, and have a "
            "chat model translate the text.",
            param="model",
        )
    if form.fields.get("response_format", "json") not in _FORMATS:
        raise UnsupportedParameter(
            "DashScope's compatible mode tells no times: ask for response_format 'json' or 'text'.",
            param="response_format",
        )
    for name in _REFUSED:
        if form.fields.get(name) not in _UNSET:
            raise UnsupportedParameter(
                f"DashScope's compatible mode cannot honour '{name}' in transcriptions.",
                param=name,
            )
