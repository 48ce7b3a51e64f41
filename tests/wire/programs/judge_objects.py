"""Judges values by the models of the openai package in whose environment this runs, strictly.

Reads lists of {"model": "beta.Assistant", "value": ...} by name, prints the faults of each value.
"""

import importlib
import json
import sys
from typing import Any

from pydantic import TypeAdapter, ValidationError


def faults(model: str, value: Any) -> list[str]:
    module, _, name = f"openai.types.{model}".rpartition(".")
    judge = TypeAdapter(getattr(importlib.import_module(module), name))
    try:
        judge.validate_python(value, strict=True)
    except ValidationError as error:
        return [f"{model} {fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return []


parts = json.load(sys.stdin)
found = {name: [faults(**item) for item in items] for name, items in parts.items()}
json.dump(found, sys.stdout)
