"""Every setting and every route of the negotiator is in its page, and none that is gone."""

import re
from pathlib import Path

from tests.docs.pages import ROOT

from understudy_apps.negotiator import settings
from understudy_apps.negotiator.application import create_app
from understudy_apps.negotiator.settings import Settings

PAGE = (ROOT / "docs/negotiator.md").read_text(encoding="utf-8")
VARIABLES = {f"NEGOTIATOR_{name}".upper() for name in Settings.model_fields}


def test_the_page_has_every_route_and_none_that_is_gone(tmp_path: Path) -> None:
    routes = {
        f"{method.upper()} {path}"
        for path, operations in create_app(data_dir=tmp_path).openapi()["paths"].items()
        for method in operations
    }
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", PAGE, re.MULTILINE)) == routes


def test_the_page_has_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(NEGOTIATOR_\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE))
    assert set(rows) == VARIABLES
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | int):
            assert rows[f"NEGOTIATOR_{name}".upper()] == f"`{field.default}`"


def test_the_example_file_has_every_setting() -> None:
    example = Path(settings.__file__).with_name("example.env").read_text(encoding="utf-8")
    assert set(re.findall(r"^#(NEGOTIATOR_\w+)=", example, re.MULTILINE)) == VARIABLES
