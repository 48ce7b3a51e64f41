"""A scripted Bot API on loopback: gives out updates as Telegram does, and takes messages.

Updates stay until a poll confirms them with an offset; a poll waits for one, as a long poll does.
"""

import asyncio
import json
import threading
from collections import deque
from typing import Any, Self
from urllib.parse import parse_qs

from tests.upstreams.http_server import Call, HttpServer, Reply

WAIT_S = 20.0
TOKEN = "123456:a-secret-token"


class BotApi:
    """The server, with what bots sent to it."""

    def __init__(self) -> None:
        self._server = HttpServer(self._answer, 0)
        self._changed = threading.Condition()
        self._updates: list[dict[str, Any]] = []
        self.refusals: deque[tuple[int, dict[str, Any]]] = deque()
        self.sent: list[dict[str, Any]] = []
        self.offsets: list[int | None] = []
        self.token = TOKEN

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def base_url(self) -> str:
        return self._server.address

    def write(self, update_id: int, text: str | None, chat: int = 7, kind: str = "private") -> None:
        """Have somebody write to the bot."""
        message = {
            "message_id": update_id,
            "date": 1_700_000_000,
            "chat": {"id": chat, "type": kind, "first_name": "Ana"},
            "from": {
                "id": chat, "is_bot": False, "first_name": "Ana", "last_name": "Ruiz",
                "language_code": "en",
            },
            **({"text": text} if text is not None else {"caption": "a picture"}),
        }  # fmt: skip
        with self._changed:
            self._updates.append({"update_id": update_id, "message": message})

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Return what was sent, once it is so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.sent) >= count, WAIT_S), self.sent
            return list(self.sent)

    def wait_until_refused(self) -> None:
        """Return once every refusal was given."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self.refusals, WAIT_S)

    def wait_for_offset(self, offset: int) -> None:
        """Return once updates before `offset` were confirmed."""
        with self._changed:
            assert self._changed.wait_for(lambda: offset in self.offsets, WAIT_S), self.offsets

    async def _answer(self, call: Call, reply: Reply) -> None:
        _, token, method = call.path.rsplit("?")[0].split("/", 2)
        fields = _fields(call)
        if token != f"bot{self.token}":
            await reply.json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        elif method == "getUpdates":
            await self._give_updates(fields, reply)
        elif self.refusals and method == "sendMessage":
            with self._changed:
                status, body = self.refusals.popleft()
                self._changed.notify_all()
            await reply.json({"ok": False, "error_code": status, **body}, status)
        else:
            await reply.json({"ok": True, "result": self._take(method, fields)})

    async def _give_updates(self, fields: dict[str, Any], reply: Reply) -> None:
        offset = int(fields["offset"]) if "offset" in fields else None
        with self._changed:
            self.offsets.append(offset)
            self._changed.notify_all()
        for _ in range(200):
            found = [one for one in self._updates if one["update_id"] >= (offset or 0)]
            if found:
                break
            await asyncio.sleep(0.02)
        await reply.json({"ok": True, "result": found})

    def _take(self, method: str, fields: dict[str, Any]) -> Any:
        if method == "getMe":
            return {"id": 1, "is_bot": True, "first_name": "Bot", "username": "a_bot"}
        if method == "sendChatAction":
            return True
        with self._changed:
            self.sent.append({"method": method, **fields})
            self._changed.notify_all()
        chat = {"id": int(fields["chat_id"]), "type": "private"}
        return {"message_id": len(self.sent), "date": 1_700_000_000, "chat": chat}


def _fields(call: Call) -> dict[str, Any]:
    """Return the form of a call; of a multipart one, its chat and its file as they came."""
    if call.headers.get("content-type", "").startswith("multipart/"):
        return {"chat_id": "7", "file": call.body}
    if call.headers.get("content-type", "") == "application/json":
        return dict(json.loads(call.body))
    return {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
