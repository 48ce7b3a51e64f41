"""What every request leaves behind: an id on its answer, a line in the log, never a traceback."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy.api.http.envelope import send_error
from understudy.api.http.exchange import ClientGone
from understudy.errors import UnderstudyError
from understudy.ids import new_id
from understudy.logs import REQUEST_ID

logger = logging.getLogger("understudy.access")

_CLIENT_GONE = 499
"""What the log says, as nginx does, of a request whose client left before its answer."""


class Answer:
    """Watches an answer on its way out; the layers within find it in the scope as `answer`."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        """`headers` are added to those of the answer."""
        self._send = send
        self._headers = headers
        self.status = 0

    @property
    def has_started(self) -> bool:
        """Whether a status was sent, so that no other can be."""
        return self.status != 0

    async def send(self, message: Message) -> None:
        """Pass a message on to the server."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)


class Trace:
    """The outermost layer: gives each request its id, and survives every error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = new_id("req")
        answer = Answer(send, ((b"x-request-id", request_id.encode()),))
        scope["answer"] = answer
        token = REQUEST_ID.set(request_id)
        try:
            await self._app(scope, receive, answer.send)
        except ClientGone:
            answer.status = _CLIENT_GONE
        except Exception:  # the root of a request: nothing may escape to the socket
            logger.exception("unexpected error in %s %s", scope["method"], scope["path"])
            if not answer.has_started:
                await send_error(answer.send, _unexpected(request_id))
        finally:
            _log(scope, answer.status or _CLIENT_GONE, time.perf_counter() - began)
            REQUEST_ID.reset(token)


def _log(scope: Scope, status: int, duration_s: float) -> None:
    if logger.isEnabledFor(logging.INFO):
        fields = {"status": status, "ms": round(duration_s * 1000, 1), **scope.get("log", {})}
        logger.info("%s %s", scope["method"], scope["path"], extra=fields)


def _unexpected(request_id: str) -> UnderstudyError:
    return UnderstudyError(
        "The server had an error while processing your request. The log has the details under "
        f"{request_id}."
    )
