"""OpenAI's API descriptions of both dialects, when the folder that holds them lies beside the
checkout.
"""

import functools
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from understudy.wire.dialect import Dialect

_SHARED = Path(__file__).parents[3] / "shared"
_TOOL = _SHARED / "tools" / "validate.py"
_DESCRIPTIONS: dict[Dialect, Path] = {
    "v1": _SHARED / "openapi" / "assistants-v1.json",
    "v2": _SHARED / "openapi" / "openapi.json",
}
ARE_PRESENT = all(path.is_file() for path in (_TOOL, *_DESCRIPTIONS.values()))


def errors_of(schema: str, value: Any, dialect: Dialect) -> list[str]:
    """Return what is wrong with `value` as the named schema of a dialect."""
    errors: list[str] = _tool().check_component(str(_DESCRIPTIONS[dialect]), schema, value)
    return errors


@functools.cache
def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("judge_by_description", _TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
