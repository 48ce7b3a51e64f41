"""What can be asked of an input without a response: how many tokens it has, and a short form."""

from understudy.chat.structured import add_usage
from understudy.engines.registry import Asker
from understudy.errors import InvalidRequest
from understudy.ids import new_id, now_s
from understudy.responses.compaction import encoded
from understudy.responses.making import Making
from understudy.responses.starting import begin
from understudy.responses.surface import Surface
from understudy.responses.translate import usage_of
from understudy.runs.prompt import ChatMessage
from understudy.runs.summary import DEFAULT_TURNS, Summariser
from understudy.wire.chat import Usage
from understudy.wire.responses import Compacted, CreateResponse, InputTokens

_MOST_TOKENS = 24_000
_SAYS_NOTHING = "The model '{model}' answered with nothing. Ask again, or choose another model."


class Inputs:
    """The inputs that one project has questions about; nothing of them is kept."""

    def __init__(self, surface: Surface, project_id: str) -> None:
        self._surface = surface
        self._project_id = project_id

    async def count(self, wanted: CreateResponse) -> InputTokens:
        """Return how many tokens a model would be shown, as this server counts them."""
        return InputTokens(await self._surface.shared.asking.count(await self._making(wanted)))

    async def compact(self, wanted: CreateResponse) -> Compacted:
        """Return what was said in short, as the model of the request tells it."""
        making = await self._making(wanted)
        usage = Usage()

        async def complete(messages: list[ChatMessage]) -> str:
            nonlocal usage
            if wanted.instructions:
                messages = [{"role": "system", "content": wanted.instructions}, *messages]
            body = {"model": wanted.model, "messages": messages}
            chat = self._surface.shared.chat
            completion, _ = await chat.complete(await chat.prepare(body, Asker(self._project_id)))
            usage = add_usage(usage, completion.usage)
            return completion.choices[0].message.content or ""

        summariser = Summariser(complete, DEFAULT_TURNS)
        summary = await summariser.summary(making.history, None, _MOST_TOKENS)
        if summary is None:
            raise InvalidRequest(_SAYS_NOTHING.format(model=wanted.model))
        item = {
            "type": "compaction",
            "id": new_id("cmp"),
            "encrypted_content": encoded(summary.text),
        }
        return Compacted(new_id("resp", 48), now_s(), [item], usage_of(usage))

    async def _making(self, wanted: CreateResponse) -> Making:
        storage = self._surface.storage
        return Making(wanted, {}, await begin(storage, self._project_id, new_id("resp"), wanted))
