"""What goes wrong with a local model, in words: cause and remedy. Pure: no process, no network."""

import re
import signal
from collections.abc import Sequence
from typing import Final, TypeVar

from understudy import children
from understudy.errors import (
    ContextLengthExceeded,
    InvalidRequest,
    ModelUnusable,
    NotReady,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
    ProviderUnreachable,
    StreamBroken,
    UnderstudyError,
)

LOCAL: Final = "local"
NOT_INSTALLED: Final = 'the engine is not installed: pip install "understudy[local]"'
_Error = TypeVar("_Error", bound=ProviderError)
_LINE_HEAD: Final = re.compile(r"^(?:[\d.]+ )?[EWI] \s*\S+\s+[\w ]+: ")
_OUT_OF_CONTEXT: Final = re.compile(r"\((\d+) tokens\).*\((\d+) tokens\)")
_UNKNOWN_ARCHITECTURE: Final = re.compile(r"unknown model architecture: '([^']*)'")
_REFUSED_FIELD: Final = re.compile(r"Field '(\w+)'")
_CAUSES: Final = (
    (
        re.compile(r"not within the file bounds|failed to read key-value|failed to read tensor"),
        "the file is cut off or damaged: download it again",
    ),
    (
        re.compile(r"invalid magic|failed to read magic"),
        "the file is no GGUF: give one that ends in .gguf",
    ),
    (
        re.compile(r"bad_alloc|failed to allocate|unable to allocate|[Oo]ut of memory"),
        "there is not enough memory: lower its context_length or slots, or take a smaller model",
    ),
    (
        re.compile(r"No module named 'xllamacpp'"),
        NOT_INSTALLED,
    ),
    (
        re.compile(r"chat template|jinja", re.IGNORECASE),
        "its chat template is not understood: give another one as chat_template",
    ),
)


def load_failure(words: Sequence[str]) -> str:
    """Return why a model could not be loaded, from the last lines that its engine wrote."""
    said = "\n".join(words)
    if unknown := _UNKNOWN_ARCHITECTURE.search(said):
        return (
            f"its architecture '{unknown[1]}' is unknown to this llama.cpp: take another model, "
            "or install a later xllamacpp"
        )
    for pattern, cause in _CAUSES:
        if pattern.search(said):
            return cause
    lines = [line.strip() for line in words if line.strip()]
    return _LINE_HEAD.sub("", lines[0]) if lines else "its engine gave no reason"


def how_it_ended(status: int | None) -> str:
    """Return how a process ended, in brackets' words."""
    how = children.how_it_ended(status)
    return f"{how}, as happens when memory runs out" if status == -signal.SIGKILL else how


def unusable(name: str, cause: str) -> ModelUnusable:
    """Return the error of a model that cannot be loaded."""
    return _named(ModelUnusable(f"The local model '{name}' cannot be loaded: {cause}."))


def ended_in_answer(name: str, how: str) -> StreamBroken:
    """Return the error of an answer in whose middle the engine ended."""
    return _named(
        StreamBroken(
            f"The local engine of '{name}' ended in the middle of the answer ({how}). It is "
            "started again: send the request once more."
        )
    )


def ended_before_answer(name: str, how: str) -> ProviderFailed:
    """Return the error of a request whose engine ended before it answered."""
    return _named(
        ProviderFailed(
            f"The local engine of '{name}' ended before it answered ({how}). It is started again: "
            "send the request once more."
        )
    )


def loading(name: str, seconds: float, retry_after_s: int) -> NotReady:
    """Return the error of a request that waited long enough for its model."""
    return NotReady(
        f"The local model '{name}' is being loaded, for {seconds:.0f} s now: send the request "
        f"again in {retry_after_s} s.",
        retry_after_s=retry_after_s,
    )


def resting(name: str, how: str, retry_after_s: int) -> NotReady:
    """Return the error of a request for a model whose engine ends again and again."""
    return NotReady(
        f"The local engine of '{name}' ended several times ({how}) and rests: send the request "
        f"again in {retry_after_s} s. The server's log says more.",
        retry_after_s=retry_after_s,
    )


def no_room(name: str, busy: Sequence[str], retry_after_s: int) -> NotReady:
    """Return the error of a request for a model that would take the memory of busy ones."""
    return NotReady(
        f"There is no memory for the local model '{name}' while {', '.join(busy)} "
        f"{'answer' if len(busy) > 1 else 'answers'}: send the request again in {retry_after_s} s, "
        "or raise local.memory_limit_bytes.",
        retry_after_s=retry_after_s,
    )


def too_large(name: str, needed_bytes: int, limit_bytes: int) -> ModelUnusable:
    """Return the error of a model that could never be loaded here."""
    return unusable(
        name,
        f"it needs about {_gib(needed_bytes)}, and there are {_gib(limit_bytes)} for it. "
        "Lower its context_length or slots, take a smaller one, or raise local.memory_limit_bytes",
    )


def in_our_words(error: UnderstudyError, name: str, param: str) -> UnderstudyError:
    """Return the error to show for what a running engine answered; `param` held the prompt."""
    if isinstance(error, ContextLengthExceeded):
        return _out_of_context(error, param)
    if isinstance(error, StreamBroken):
        return ended_in_answer(name, "the connection was lost")
    if isinstance(error, ProviderUnreachable):
        return ended_before_answer(name, "the connection was lost")
    if isinstance(error, ProviderRefused):
        return _refused(error, name, param)
    return error


def _refused(error: ProviderRefused, name: str, param: str) -> InvalidRequest:
    """Return llama.cpp's reason without the words for providers, and the field where it shows."""
    reason = error.message.partition(": ")[2] or error.message
    if field := _REFUSED_FIELD.search(reason):
        at_fault: str | None = field[1]
    elif "grammar" in reason:
        at_fault = "grammar"
    else:
        at_fault = param if "invalid tokens" in reason else error.param
    return InvalidRequest(f"The local model '{name}' refuses the request: {reason}", param=at_fault)


def _out_of_context(error: ContextLengthExceeded, param: str) -> ContextLengthExceeded:
    """Return OpenAI's sentence with the numbers of llama.cpp's."""
    numbers = _OUT_OF_CONTEXT.search(error.message)
    if numbers is None:
        return error
    given, most = numbers[1], numbers[2]
    what = {"messages": "messages", "prompt": "prompt"}.get(param, "input")
    return ContextLengthExceeded(
        f"This model's maximum context length is {most} tokens. However, your {what} resulted in "
        f"{given} tokens. Please reduce the length of the {what}.",
        param=param,
    )


def _named(error: _Error) -> _Error:
    error.provider = LOCAL
    return error


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**3:.1f} GiB"
