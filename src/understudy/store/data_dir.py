"""The data directory: where a database without a URL, a server's lock and later files are."""

from pathlib import Path

from understudy.errors import StartupError
from understudy.store.location import SqliteFile, locate


def create_data_dir(data_dir: Path) -> None:
    """Create the data directory, readable by its owner alone; an existing one stays as it is."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise _is_a_file(data_dir) from error
    except OSError as error:
        raise StartupError(
            f"The data directory {data_dir} cannot be created ({error.strerror}): choose another "
            "with --data-dir, or create it for the user that runs Understudy."
        ) from error


def has_database(url: str | None, data_dir: Path) -> bool:
    """Tell whether there is a database; a PostgreSQL server, which is not asked, counts as one."""
    location = locate(url, data_dir)
    return not isinstance(location, SqliteFile) or not _is_absent(location.path)


def require_database(url: str | None, data_dir: Path) -> None:
    """Refuse a database file that is not there, so that a command that only reads creates nothing.

    A PostgreSQL server is not asked. Raises a StartupError that names cause and remedy.
    """
    location = locate(url, data_dir)
    if not isinstance(location, SqliteFile) or not _is_absent(location.path):
        return
    if url:
        raise StartupError(
            f"There is no database {location.path}: correct the setting database_url. "
            "`understudy serve` and `understudy keys create` create the file."
        )
    if data_dir.is_file():
        raise _is_a_file(data_dir)
    absent = f"data directory {data_dir}"
    if data_dir.is_dir():
        absent = f"database in the {absent}"
    raise StartupError(
        f"There is no {absent}: give the right one with --data-dir. `understudy serve` and "
        "`understudy keys create` create it."
    )


def _is_absent(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        # Opening the database explains what keeps it from being read.
        return False
    return False


def _is_a_file(data_dir: Path) -> StartupError:
    return StartupError(
        f"The data directory {data_dir} is a file: name a folder with --data-dir, or move the "
        "file away."
    )
