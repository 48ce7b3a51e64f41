"""The child processes of local models, found by their parents (Linux)."""

from pathlib import Path


def engines_of(parent: int) -> set[int]:
    """Return the process ids of the engines that `parent` started."""
    return {
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if b"engines.llama.child" in _command(folder) and _parent(folder) == parent
    }


def is_running(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    return bool(_command(Path(f"/proc/{pid}")))


def _command(folder: Path) -> bytes:
    """Return a process's command line; empty for one that ended."""
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    except OSError:
        return 0
