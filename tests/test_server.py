"""The application as a process ends that has made it."""

import subprocess
import sys

_ENDING = """
import atexit, gc
atexit.register(lambda: print("frozen:", gc.get_freeze_count() > 0))
from understudy.server import create_app
from understudy.settings import Settings
create_app(Settings())
"""


def test_the_last_collection_leaves_the_shapes_alone() -> None:
    # What is registered first runs last: after whatever the application does at exit.
    ended = subprocess.run(
        [sys.executable, "-c", _ENDING], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "frozen: True\n"), ended.stderr
