"""What an application answers when it refuses. Knows nothing of HTTP but the status numbers.

CannotStart               stops the start; its message names cause and remedy
Refusal
+-- BadRequest       400  a field is missing or wrong
+-- NotSignedIn      401
+-- Forbidden        403
+-- NotFound         404
+-- Conflict         409
+-- TooLarge         413
+-- TooManyAttempts  429  with Retry-After
+-- ProviderFailed   502  the server of the model did not answer as it should
+-- Unavailable      503
"""


class CannotStart(Exception):
    """The application cannot start; the message is for the person who started it."""


class Refusal(Exception):
    """A request that is refused: `code` is for programs and pages, the message for people.

    `field` names the field of the request that is to blame.
    """

    status = 400

    def __init__(self, message: str, code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class BadRequest(Refusal):
    """A field is missing or wrong."""

    status = 400


class NotSignedIn(Refusal):
    """There is no session, or name and password do not match."""

    status = 401


class Forbidden(Refusal):
    """The request is not one that the person's own page sent."""

    status = 403


class NotFound(Refusal):
    """There is no such thing, or it is another user's."""

    status = 404


class Conflict(Refusal):
    """The request contradicts what is stored."""

    status = 409


class TooLarge(Refusal):
    """The body is larger than any that is expected."""

    status = 413


class TooManyAttempts(Refusal):
    """Somebody tried too often; `retry_after_s` says when to try again."""

    status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            f"Too many attempts. Try again in {retry_after_s} seconds.", "too_many_attempts"
        )
        self.retry_after_s = retry_after_s


class ProviderFailed(Refusal):
    """The server of the model cannot be reached, or failed."""

    status = 502


class Unavailable(Refusal):
    """Something that the application needs does not answer; trying again may help."""

    status = 503
