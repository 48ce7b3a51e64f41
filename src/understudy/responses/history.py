"""Which of what was said a model is shown: all of it, the last turns, or those after a summary.

The settings of a model say which, as they do for runs. A summary is kept with the conversation, or
with the response of a chain, for what goes on from there.
"""

from collections.abc import Sequence

from understudy.chat.completion import ChatCompletions
from understudy.engines.registry import Asker, Route
from understudy.responses.making import Making
from understudy.runs.prompt import ChatMessage
from understudy.runs.summary import DEFAULT_TURNS, Summariser, uncovered
from understudy.runs.truncation import split_turns
from understudy.store.items import Item


async def shown_history(
    chat: ChatCompletions, route: Route, making: Making
) -> tuple[Sequence[Item], str]:
    """Return the items to show, and a summary of those that are left out.

    A summary that is due is made first, and noted in `making`.
    """
    items = making.history
    settings = route.settings
    if settings.summarise_history:
        model = route.plain or making.wanted.model
        summariser = _summariser(chat, model, settings.history_turns or DEFAULT_TURNS, making)
        making.summary = await summariser.renew(items, making.summary)
    elif settings.history_turns:
        return split_turns(items, settings.history_turns)[1], ""
    if making.summary is None or not (settings.summarise_history or route.plain):
        return items, ""
    return uncovered(items, making.summary), making.summary.text


def _summariser(chat: ChatCompletions, model: str | None, turns: int, making: Making) -> Summariser:
    async def complete(messages: list[ChatMessage]) -> str:
        asker = Asker(making.position.project_id)
        prepared = await chat.prepare({"model": model, "messages": messages}, asker)
        completion, _ = await chat.complete(prepared)
        return completion.choices[0].message.content or ""

    return Summariser(complete, turns)
