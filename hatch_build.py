"""Lets no wheel and no source archive be built without the pages that a server shows."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PAGES = (
    "src/understudy/web/dist",
    "src/understudy_apps/negotiator/static",
    "src/understudy_apps/sales/static",
    "src/understudy_apps/sales/static/widget",
)


class PagesHook(BuildHookInterface):
    """Refuses a build in which a page is missing; an editable one may come before its pages."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Look for the pages. Raises FileNotFoundError."""
        if version == "editable":
            return
        missing = [page for page in _PAGES if not (Path(self.root, page) / "index.html").is_file()]
        if missing:
            raise FileNotFoundError(
                f"The pages are not built ({', '.join(missing)} missing): run `make pages` first."
            )
