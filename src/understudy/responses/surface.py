"""What the requests for responses of all projects share, and how a response begins for them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import anyio
import msgspec

from understudy.ids import new_id, now_s
from understudy.responses.asking import Asked
from understudy.responses.making import Making
from understudy.responses.starting import begin
from understudy.responses.turns import Shared
from understudy.runs.requests import Workers
from understudy.runs.stream import Streams
from understudy.settings import RunSettings
from understudy.store.runs import StoredRun
from understudy.store.storage import Storage
from understudy.wire.responses import CreateResponse, ResponseStatus, echoed

_ID_LENGTH = 48


class Holder(Workers, Protocol):
    """Who works on responses of the background, and keeps the leases of those that are not."""

    owner: str

    def holding(self, run: StoredRun) -> AbstractContextManager[anyio.CancelScope]:
        """Keep the lease of a row within the block, whose scope is cancelled if it must end."""
        ...


@dataclass(frozen=True, slots=True)
class Surface:
    """What requests work with; `wake_ingest` is called if files are to be read."""

    storage: Storage
    streams: Streams
    holder: Holder
    settings: RunSettings
    shared: Shared
    wake_ingest: Callable[[], None]

    async def begin(
        self, project_id: str, wanted: CreateResponse, status: ResponseStatus
    ) -> tuple[Making, Asked]:
        """Judge a request by what the project has, and make the first request to the model.

        Nothing is written. Raises InvalidRequest or NotFound for what is wrong with it.
        """
        tools = wanted.tools or ()
        await self.shared.searches_of(project_id).check(tools)
        self.shared.mcp.check(tools)
        id_ = new_id("resp", _ID_LENGTH)
        beginning = await begin(self.storage, project_id, id_, wanted)
        model = wanted.model or ""
        response = echoed(wanted, id_=id_, created_at=now_s(), model=model, status=status)
        echo = msgspec.to_builtins(response)
        making = Making(wanted, echo, beginning, summary=beginning.summary)
        asked = await self.shared.asking.request(making)
        making.response["model"] = asked.answered.model
        return making, asked
