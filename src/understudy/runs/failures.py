"""Why a run or a response failed, in the few codes that both have. Pure."""

from understudy.errors import InvalidRequest, ProviderRateLimited, TooMany, UnderstudyError
from understudy.wire.runs import LastError


def last_error(error: UnderstudyError) -> LastError:
    """Return an error in the codes that there are; its own goes into the text."""
    message = error.message
    if error.code and error.code not in message:
        message = f"{message} ({error.code})"
    if isinstance(error, ProviderRateLimited | TooMany):
        return LastError("rate_limit_exceeded", message)
    if isinstance(error, InvalidRequest):
        return LastError("invalid_prompt", message)
    return LastError("server_error", message)
