"""Every setting and every route is in the pages, and the pages name none that are gone."""

import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from tests.cli.running import Workplace
from tests.docs.pages import ROOT, written

from understudy.settings import ENV_PREFIX, Settings

_ROW = re.compile(r"^\| `([\w.]+)` \| ([^|]*) \| ([^|]*) \| `(\w+)` \|", re.MULTILINE)
_ENDPOINT = re.compile(r"^\| `([A-Z]+) (/[^`]*)` \|", re.MULTILINE)


def documented() -> dict[str, tuple[str, str]]:
    """Return name -> (default, variable) of every row of the settings page."""
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    return {name: (default, variable) for name, _, default, variable in _ROW.findall(page)}


def fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting by its dotted name, those of tables within tables too."""
    for name, field in model.model_fields.items():
        yield ".".join((*path, name)), field
        inner, is_table_of = _model_in(field.annotation)
        if inner is not None:
            yield from fields(inner, (*path, name, *(["NAME"] if is_table_of else [])))


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if typing.get_origin(annotation) is dict:
        return _model_in(typing.get_args(annotation)[1])[0], True
    if isinstance(annotation, types.UnionType):
        found = [_model_in(part) for part in typing.get_args(annotation)]
        return next((one for one in found if one[0]), (None, False))
    return None, False


def variable_of(name: str) -> str:
    """Return the variable; members of `models` are set as JSON, their names being no variables."""
    parts = ["models"] if name.startswith("models.") else name.split(".")
    return ENV_PREFIX + "__".join(parts).upper()


def shown(value: Any) -> str:
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


SETTINGS = dict(fields(Settings))


def test_nested_settings_are_found() -> None:
    assert {"port", "timeouts.read_s", "models.NAME.fallback"} <= set(SETTINGS)
    assert "providers.NAME.capabilities.context_length" in SETTINGS


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_documented_with_its_variable(name: str) -> None:
    rows = documented()
    assert name in rows, f"docs/settings.md has no row for {name}"
    assert rows[name][1] == variable_of(name)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_documented_default_is_the_real_one(name: str) -> None:
    default = SETTINGS[name].default
    if isinstance(default, str | int | float | tuple) and default != "":
        assert documented()[name][0].strip() == shown(default)


def test_no_setting_is_documented_that_is_gone() -> None:
    assert set(documented()) - set(SETTINGS) == set()


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """The routes of the OpenAPI document that a real server gives."""
    folder = tmp_path_factory.mktemp("routes")
    with Workplace(folder).serving() as url:
        document = httpx2.get(url.removesuffix("/v1") + "/openapi.json", trust_env=False).json()
    return {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }


def test_every_route_is_documented(routes: set[tuple[str, str]]) -> None:
    assert ("POST", "/v1/chat/completions") in routes
    assert routes - set(_ENDPOINT.findall(written())) == set()


def test_no_route_is_documented_that_is_gone(routes: set[tuple[str, str]]) -> None:
    page = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert set(_ENDPOINT.findall(page)) - routes == set()
