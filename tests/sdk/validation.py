"""Judges answers by OpenAI's own API description, when the folder that holds it lies beside the
checkout. The project does not ship that description.
"""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

_SHARED = Path(__file__).parents[3] / "shared"
_TOOL = _SHARED / "tools" / "validate.py"
_SPEC = _SHARED / "openapi" / "openapi.json"
_SPEC_OF_V1 = _SHARED / "openapi" / "assistants-v1.json"
IS_PRESENT = all(path.is_file() for path in (_TOOL, _SPEC, _SPEC_OF_V1))


def errors_of_answer(method: str, path: str, status: int, answer: Any) -> list[str]:
    """Return what is wrong with an answer, `path` being without /v1; nothing without the spec."""
    return _judge("check")(str(_SPEC), method, path, status, answer) if IS_PRESENT else []


def errors_of_answer_in_v1(method: str, path: str, status: int, answer: Any) -> list[str]:
    """Return what is wrong with an answer by the description of the Assistants API v1."""
    if not IS_PRESENT:
        return []
    return _judge("check")(str(_SPEC_OF_V1), method, path, status, answer)


def errors_of_object(schema: str, value: Any) -> list[str]:
    """Return what is wrong with `value` as the named schema; nothing without the spec."""
    return _judge("check_component")(str(_SPEC), schema, value) if IS_PRESENT else []


def _judge(name: str) -> Callable[..., list[str]]:
    judge: Callable[..., list[str]] = getattr(_tool(), name)
    return judge


@functools.cache
def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validate_answers", _TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
