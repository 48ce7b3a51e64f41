"""Which of what was said a model is shown: all of it, the last turns, or those after a summary.

The settings of a model say which, as they do for runs. A summary is kept with the conversation, or
with the response of a chain, for what goes on from there.
"""

from collections.abc import Sequence

from understudy.chat.completion import ChatCompletions
from understudy.engines.registry import Route
from understudy.responses.making import Making
from understudy.runs.asking import summariser
from understudy.runs.summary import DEFAULT_TURNS, uncovered
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
        turns = settings.history_turns or DEFAULT_TURNS
        making.summary = await summariser(chat, model, turns).renew(items, making.summary)
    elif settings.history_turns:
        return split_turns(items, settings.history_turns)[1], ""
    if making.summary is None or not (settings.summarise_history or route.plain):
        return items, ""
    return uncovered(items, making.summary), making.summary.text
