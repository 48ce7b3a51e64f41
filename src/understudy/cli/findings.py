"""What `doctor` finds out about this machine and its settings; providers are asked elsewhere."""

import os
import re
import shutil
import socket
import stat
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from understudy.cli.client import ApiClient, RequestFailed, base_url_of
from understudy.cli.options import database_url

if TYPE_CHECKING:
    from understudy.settings import Settings
    from understudy.settings.load import LoadedSettings

_OLDEST_PYTHON = (3, 11)
_DISK_TOO_SMALL_BYTES = 100 * 1024**2
_DISK_LOW_BYTES = 1024**3
_PORT_TIMEOUT_S = 3.0
_DATABASE_TIMEOUT_S = 30.0
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?P<extras>\[[^\]]*\])?(?P<versions>[^;]*)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: fine, worth a note, or a problem that `detail` says how to solve."""

    name: str
    state: Literal["ok", "note", "problem"]
    detail: str


def python_finding() -> Finding:
    """Judge the Python that runs this."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Finding("Python", "problem", f"{version} is too old: install 3.11 or later.")
    return Finding("Python", "ok", f"{version} at {sys.executable}")


def packages_finding() -> Finding:
    """Tell which versions of this package and of what it needs are installed."""
    from importlib.metadata import PackageNotFoundError, version

    from understudy import __version__

    found, missing = [f"understudy {__version__}"], []
    for name in _required():
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            "packages", "problem", f"Missing: {', '.join(missing)}. Install understudy again."
        )
    return Finding("packages", "ok", ", ".join(found))


def _required() -> Iterator[str]:
    """Yield the names of the packages that this one cannot do without."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("understudy") or []
    except PackageNotFoundError:
        return
    for requirement in requirements:
        if ";" not in requirement and (parts := _REQUIREMENT.match(requirement)):
            yield parts["name"]


def settings_finding(loaded: "LoadedSettings") -> Finding:
    """Tell which sources set how many values."""
    counts = Counter(loaded.origins.values())
    if not counts:
        return Finding("settings", "ok", f"defaults only; no settings file in {Path.cwd()}")
    said = (f"{number} from {source}" for source, number in counts.items())
    return Finding("settings", "ok", f"values: {', '.join(said)}")


def data_dir_finding(data_dir: Path) -> Finding:
    """Judge whether the data directory can be written, and only by its owner be read."""
    if not data_dir.exists():
        parent = _nearest_existing(data_dir)
        if not os.access(parent, os.W_OK | os.X_OK):
            return _data_dir_problem(data_dir, f"cannot be created: {parent} is not writable")
        return Finding("data directory", "ok", f"{data_dir} will be made at the first start")
    if not data_dir.is_dir():
        return _data_dir_problem(data_dir, "is no directory")
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        return _data_dir_problem(data_dir, "cannot be read and written")
    mode = stat.S_IMODE(data_dir.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        return Finding(
            "data directory",
            "note",
            f"{data_dir} has mode {mode:03o}: other users may read it. chmod 700 closes it.",
        )
    return Finding("data directory", "ok", f"{data_dir}, writable, mode {mode:03o}")


def _data_dir_problem(data_dir: Path, cause: str) -> Finding:
    return Finding(
        "data directory",
        "problem",
        f"{data_dir} {cause}. Choose another with --data-dir, or change its permissions.",
    )


def disk_finding(data_dir: Path) -> Finding:
    """Judge the free space where the data directory is, or would be."""
    free_bytes = shutil.disk_usage(_nearest_existing(data_dir)).free
    free = f"{free_bytes / 1024**3:.1f} GiB free"
    if free_bytes < _DISK_TOO_SMALL_BYTES:
        return Finding("disk", "problem", f"{free}: too little to work. Make room.")
    if free_bytes < _DISK_LOW_BYTES:
        return Finding("disk", "note", f"{free}: files and models need more.")
    return Finding("disk", "ok", free)


def _nearest_existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def port_finding(settings: "Settings") -> Finding:
    """Tell whether the port is free, and if not, whether a server of ours has it."""
    from understudy.store.lock import running_url

    if settings.port == 0:
        return Finding("port", "ok", "any free one")
    running = running_url(settings.data_dir)
    if running and base_url_of(running) == base_url_of(settings.base_url):
        return Finding("port", "ok", f"this data directory's server answers at {running}")
    aside = f" (this data directory's server is at {running})" if running else ""
    cause = _bind_failure(settings.host, settings.port)
    if cause is None:
        return Finding("port", "ok", f"{settings.host}:{settings.port} is free{aside}")
    owner = _port_owner(settings)
    detail = f"{settings.host}:{settings.port} cannot be used: {owner or cause}{aside}. "
    state: Literal["note", "problem"] = "note" if running else "problem"
    return Finding("port", state, detail + "Choose another with `understudy serve --port`.")


def _bind_failure(host: str, port: int) -> str | None:
    """Return why nobody can listen there, None where one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return None


def _port_owner(settings: "Settings") -> str | None:
    """Return who answers on the port, None where nobody does."""
    try:
        with ApiClient(base_url_of(settings.base_url), read_timeout_s=_PORT_TIMEOUT_S) as client:
            body = client.get(f"{client.root_url}/health").json
            is_ours = isinstance(body, dict) and {"status", "version"} <= body.keys()
    except RequestFailed:
        is_ours = False
    if is_ours:
        return "an Understudy server with another data directory has it"
    return "another program has it" if _is_connectable(settings) else None


def _is_connectable(settings: "Settings") -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "") else settings.host
    try:
        socket.create_connection((host, settings.port), _PORT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


async def database_finding(settings: "Settings") -> Finding:
    """Open the database, unless it is a file that the first start will make."""
    import anyio

    from understudy.errors import UnderstudyError
    from understudy.store.db import open_store
    from understudy.store.location import SqliteFile, locate

    url = database_url(settings)
    try:
        location = locate(url, settings.data_dir)
        if isinstance(location, SqliteFile) and not location.path.exists():
            return Finding("database", "ok", f"{location} will be made at the first start")
        with anyio.fail_after(_DATABASE_TIMEOUT_S):
            async with open_store(url, settings.data_dir):
                return Finding("database", "ok", f"{location} opens")
    except UnderstudyError as error:
        return Finding("database", "problem", error.message)
    except TimeoutError:
        return Finding(
            "database",
            "problem",
            f"It did not open within {_DATABASE_TIMEOUT_S:g} s. Is its server up and reachable?",
        )
