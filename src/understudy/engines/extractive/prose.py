"""The answer in words when no function is to be called: results, small talk, quotations, or none.

Pure: decides which of them, in that order, from the conversation alone.
"""

from itertools import zip_longest

from understudy.engines.extractive import (
    documents,
    forbidden,
    question,
    quote,
    results,
    smalltalk,
)
from understudy.engines.extractive.conversation import Conversation, Turn
from understudy.engines.extractive.phrases import cannot_answer, say
from understudy.engines.extractive.quote import Source
from understudy.wire import passages

_LONG_RESULT = 600


def is_small_talk(conversation: Conversation) -> bool:
    """Tell whether the user's last message is a greeting or the like, so that it calls nothing."""
    return smalltalk.is_courtesy(conversation.last_user)


def write(conversation: Conversation, offered: list[str]) -> str:
    """Return the answer as text; `offered` says what the request's functions are for."""
    if conversation.has_fresh_results:
        return _of_results(conversation)
    exact = smalltalk.verbatim(conversation.last_user)
    if exact is not None:
        return exact
    spoken = smalltalk.reply(conversation, offered)
    if spoken is not None:
        return spoken
    if offered and forbidden.only_forbids(conversation.last_user):
        return say("agreed", conversation.language)
    return _quoted(conversation) or _refusal(conversation)


def of_earlier_results(conversation: Conversation) -> str | None:
    """Return what results of earlier turns say to the user's last message, or None."""
    earlier = [
        turn
        for turn in conversation.before_user
        if turn.speaker == "tool" and not documents.holds_passages(turn.text)
    ]
    sources = [Source("\n".join(_facts(turn, conversation))) for turn in reversed(earlier)]
    return next(filter(None, (quote.answer(conversation.last_user, [s]) for s in sources)), None)


def _of_results(conversation: Conversation) -> str:
    fresh = [turn for turn in conversation.since_user if turn.speaker == "tool"]
    found = [turn for turn in fresh if documents.holds_passages(turn.text)]
    if not found:
        return _of_functions(fresh, conversation)
    others = [turn for turn in fresh if turn not in found and not documents.names_file(turn.text)]
    texts = [_of_functions(others, conversation)] if others else []
    if answer := _of_passages(found, conversation):
        texts.append(answer)
    return "\n".join(texts) or cannot_answer("unknown_in_passages", conversation.language)


def _of_passages(found: list[Turn], conversation: Conversation) -> str | None:
    """Return what the passages of searches say to the question, or to what was searched for."""
    sources = [source for turn in found for source in quote.passages_of(turn.text)]
    asked = question.asked_of(conversation.last_user)
    if question.asks_summary(asked) and sources:
        return quote.summary_of(asked, sources)
    calls = (call for turn in conversation.since_user for call in turn.calls)
    queries = [query for call in calls for query in documents.queries(call)]
    questions = [asked, documents.subject_of(asked), *queries]
    if answer := next(filter(None, (quote.answer(one, sources) for one in questions)), None):
        return answer
    return quote.nearest(questions[1], sources)


def _of_functions(fresh: list[Turn], conversation: Conversation) -> str:
    turns = conversation.since_user
    arguments = {call.id: call.arguments for turn in turns for call in turn.calls}
    rendered = [
        results.Result(
            turn.name,
            _shortened(turn.text, conversation.last_user),
            arguments.get(turn.call_id, {}),
        )
        for turn in fresh
    ]
    return results.render(rendered, conversation.language)


def _shortened(text: str, asked: str) -> str:
    """Return what of a result's long text answers the question; JSON is never cut."""
    if len(text) <= _LONG_RESULT or not isinstance(results.decoded(text), str):
        return text
    sources = [*quote.passages_of(text), Source(passages.without_passages(text))]
    return quote.answer(asked, sources) or text[:_LONG_RESULT]


def _quoted(conversation: Conversation) -> str | None:
    asked, document = question.divided(conversation.last_user)
    if document and question.asks_summary(asked):
        return quote.summary(document)
    tools = [turn.text for turn in reversed(conversation.turns) if turn.speaker == "tool"]
    texts = [conversation.system, *conversation.users, *tools]
    cited = [source for text in texts for source in quote.passages_of(text)]
    if cited and (found := quote.answer(asked, cited)):
        return found
    return quote.answer(asked, _other_sources(conversation, document))


def _other_sources(conversation: Conversation, document: str) -> list[Source]:
    sources = [Source(document)] if document else []
    sources.append(Source(quote.facts(passages.without_passages(conversation.system))))
    earlier = conversation.before_user
    for turn, following in zip_longest(earlier, earlier[1:]):
        if turn.speaker == "tool" and not documents.holds_passages(turn.text):
            sources.append(Source("\n".join(_facts(turn, conversation)), weight=0.9))
        elif turn.speaker == "user" and not (following and following.calls):
            stated = [
                s
                for s in quote.split(passages.without_passages(turn.text))
                if not question.is_question(s)
            ]
            sources.append(Source("\n".join(stated), weight=0.9))
    return sources


def _facts(turn: Turn, conversation: Conversation) -> list[str]:
    facts = results.facts(results.decoded(turn.text), conversation.language)
    return facts or quote.split(turn.text)


def _refusal(conversation: Conversation) -> str:
    texts = (conversation.system, *conversation.users)
    has_passages = any("</passage>" in text for text in texts)
    return cannot_answer(
        "unknown_in_passages" if has_passages else "unknown", conversation.language
    )
