"""Which tests stay on one worker of pytest-xdist: those of a group, and those that share what their
module has started. Each would otherwise be started on every worker.
"""

import pytest
from _pytest.nodeid import NodeId


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell the scheduler of `--dist loadgroup` where each test belongs."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        if group := _group_of(item):
            # pytest-xdist 3.8 writes it where pytest 9.2 no longer reads it.
            item._id = NodeId.parse(f"{item.nodeid}@{group}")


def _group_of(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker("xdist_group")
    if mark:
        return str(mark.args[0])
    return item.nodeid.partition("::")[0] if _shares_with_its_module(item) else None


def _shares_with_its_module(item: pytest.Item) -> bool:
    # No public interface tells the scope of a fixture.
    fixtures = item._fixtureinfo.name2fixturedefs
    return any(found[-1].scope == "module" for found in fixtures.values() if found)
