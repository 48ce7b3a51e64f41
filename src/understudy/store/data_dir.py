"""The data directory: where a database without a URL, a server's lock and later files are."""

from pathlib import Path

from understudy.errors import StartupError


def create_data_dir(data_dir: Path) -> None:
    """Create the data directory, readable by its owner alone; an existing one stays as it is."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"The data directory {data_dir} cannot be created ({error.strerror}): choose another "
            "with --data-dir, or create it for the user that runs Understudy."
        ) from error
