"""What an engine of an optional extra answers while the extra is not installed."""

from importlib.util import find_spec

from understudy.errors import UnsupportedParameter


def require(package: str, extra: str, model: str) -> None:
    """Raise UnsupportedParameter, with the remedy, unless a package is installed."""
    if find_spec(package) is None:
        raise UnsupportedParameter(
            f"The model '{model}' needs the package '{package}', which is not installed on the "
            f"server: pip install 'understudy[{extra}]'.",
            param="model",
        )
