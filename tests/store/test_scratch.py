"""What killed backups and restores leave behind goes; what is in use or somebody's own stays."""

import subprocess
import sys
from pathlib import Path

import pytest

from understudy.store.scratch import Work, scratch_folder, sweep_scratch_folders

_HOLDER = """
import sys
from pathlib import Path
from understudy.store.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), sys.argv[2]) as folder:
    (folder / "database").write_bytes(b"copied")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("work", ["backup", "restore"])
def test_a_killed_process_leaves_nothing_for_long(tmp_path: Path, work: Work) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path), work],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().rstrip())
        sweep_scratch_folders(tmp_path)
        assert (folder / "database").read_bytes() == b"copied"
        holder.kill()
        holder.wait()
        assert folder.is_dir()
        sweep_scratch_folders(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_goes_with_its_block(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, "backup") as folder:
        (folder / "database").touch()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_only_bears_such_a_name_stays(tmp_path: Path) -> None:
    (tmp_path / "backup-2026.zip").write_bytes(b"mine")
    (tmp_path / "backup-20260101").mkdir()
    (tmp_path / "backup-20260101" / "notes.txt").write_text("mine")
    (tmp_path / "blobs").mkdir()

    sweep_scratch_folders(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {
        "backup-2026.zip",
        "backup-20260101",
        "blobs",
    }
    assert (tmp_path / "backup-20260101" / "notes.txt").exists()


def test_without_a_data_directory_there_is_nothing_to_do(tmp_path: Path) -> None:
    sweep_scratch_folders(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []
