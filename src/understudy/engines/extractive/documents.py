"""Searching attached documents: which offered function does it, and which messages are for it.

Pure. A message is for another function as long as that one knows most of what it talks about.
"""

import re
from collections.abc import Sequence

from understudy.engines.extractive import abbreviations, question, smalltalk, words
from understudy.engines.extractive.choose import Function
from understudy.engines.extractive.conversation import Call, Conversation, Turn
from understudy.engines.extractive.filling import PlannedCall, Wanted
from understudy.engines.extractive.lexicon import GENERIC_CONCEPTS
from understudy.engines.extractive.words import Word
from understudy.wire import passages

_SEARCHES = frozenset({"search", "get", "check"})
_DOCUMENTS = frozenset({"document", "knowledg", "faq", "manual", "wiki"})
_MOST_KNOWN = 0.5
_LONGEST_PHRASE = 8
_LONGEST_FOLLOW_UP = 5
_FILE_ID = re.compile(r"\bfile[-_][A-Za-z0-9]{6,}")
_REFERS = re.compile(
    r"\b(?:according to|(?:documents?|files?|manual|handbook|guide|contract|policy|polic(?:y|ies)"
    r"|regulations?|law|agreement|report|text|chapter|clause|section|article|page|annex|appendix)"
    r"\s+(?:\d+|says?|states?|mentions?|about|on|of|covers?)"
    r"|(?:in|from) (?:the|these|this|your|my|our) (?:attached |uploaded )?(?:documents?|files?"
    r"|manual|handbook|guide|contract|policy|regulations?|report|pdfs?)"
    r"|(?:clause|article|section|chapter|page|annex|appendix) (?:\d+|[ivx]+\b|one|two|three)"
    r"|seg[uú]n|(?:dicen?|pone|establecen?|indican?|mencionan?|recogen?|regulan?)\s+(?:el|la|los"
    r"|las|tu|su|este|esta|mi)\b"
    r"|(?:el|la|los|las|este|esta|mi) (?:documentos?|ficheros?|archivos?|manual|gu[ií]a|contrato"
    r"|reglamento|normativa|ley|informe|texto)\s+(?:dicen?|sobre|establecen?|indican?|pone)"
    r"|(?:en|de) (?:los|el|estos|este|mis) (?:documentos?|ficheros?|archivos?|manual|pdfs?)"
    r"|(?:art[ií]culo|cl[aá]usula|cap[ií]tulo|secci[oó]n|apartado|p[aá]gina|anexo) (?:\d+|[ivx]+\b"
    r"|de\b))"
    r"|根据|依据|按照|(?:文件|文档|手册|合同|条款|资料|规定|指南|章程)(?:里|中|上|关于|怎么|说|对)"
    r"|第[一二三四五六七八九十百\d]+[条章节页款]",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:(?:and|but|so|then|please|por favor|y|pero|entonces|oye|hey)\W+){0,2}"
    r"(?:what|which|when|where|who|whom|whose|why|how|is|are|does|do|did|can|could|may|must|should"
    r"|will|would|explain|summari[sz]e|describe|define|compare|outline|tell me|give me a summary"
    r"|show me|i(?:'d| would) like to know|i want to know|i need to know|do you know|find out"
    r"|look up|qu[eé]|cu[aá]l(?:es)?|cu[aá]ndo|d[oó]nde|qui[eé]n(?:es)?|c[oó]mo|cu[aá]nt[oa]s?"
    r"|por qu[eé]|para qu[eé]|hay|existe|expl[ií]ca(?:me)?|res[uú]me(?:me)?|resumen|describe"
    r"|def[ií]ne(?:me)?|compara|dime|d[ií]game|cu[eé]ntame|h[aá]blame|quiero saber"
    r"|quisiera saber|necesito saber|me gustar[ií]a saber|sabes|busca|mu[eé]strame)\b"
    r"|什么|哪|怎么|怎样|如何|多少|多久|多长|几[天个年月次点]|是否|能否|谁|为什么|为何|吗|呢"
    r"|解释|说明|介绍|总结|概括|摘要|告诉我|请问|我想知道|查一下",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hola|please|por favor|你好|您好)\W+)*"
    r"(?:(?:can|could|will|would) you\b|(?:me )?(?:puedes?|podr[ií]as?)\b"
    r"|(?:你|您)?(?:能不能|能否|可以|可不可以|能)(?:帮|给|请|为)?我?)",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|i've|my|me|we|our|yo|mi|mis|me|soy|estoy|tengo|quiero|nosotros|nuestro)\b|我",
    re.IGNORECASE,
)
_MEDIA = frozenset(
    "document documents file files manual handbook guide text chapter according say says said "
    "state states mention mentions documento documentos fichero ficheros archivo archivos guia "
    "texto capitulo segun dice dicen pone establece indica explica explain explicame "
    "文件 文档 手册 资料 指南 根据 依据 按照 解释".split()
)
_COMMON = frozenset(
    {"long", "often", "exactly", "kind", "say", "says", "mean", "means", "explain", "talk", "speak"}
    | {"currently", "right", "dice", "dicen", "significa", "exactamente", "actualmente", "hablar"}
    | {"vuestro", "vuestra", "vuestros", "vuestras", "mismo", "misma", "today", "tomorrow"}
    | {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)
"""Words of questions to anybody, folded, and concepts: no function needs to know them."""


def searcher(functions: Sequence[Function]) -> Function | None:
    """Return the function that searches attached documents: it takes a list of queries."""
    found = (f for f in functions if _is_searching(f) and _required(f) == ["array"])
    return next(found, None)


def is_lookup(function: Function) -> bool:
    """Tell whether a function looks things up in documents by one text of its caller's choice."""
    return _is_searching(function) and _required(function) == ["text"]


def call(function: Function, conversation: Conversation, asked: str) -> PlannedCall:
    """Return the search for what the user asks, a short follow-up with the question before it."""
    text = abbreviations.restored(asked or question.asked_of(conversation.last_user)).strip()
    queries = [text]
    earlier = [one for one in conversation.users[:-1] if not smalltalk.is_courtesy(one)]
    if earlier and len(words.words(text)) <= _LONGEST_FOLLOW_UP:
        queries.append(f"{question.divided(earlier[-1])[0]} {text}")
    name = next(one.name for one in function.parameters if one.required)
    return PlannedCall(function.name, {name: queries})


def are_asked(conversation: Conversation, asked: str) -> bool:
    """Tell whether a message asks for something that documents may hold."""
    text = asked.strip()
    terms = words.terms(text)
    if not terms or _is_for_itself(conversation, text):
        return False
    if question.is_question(text) or _ASKS.search(text) or _REFERS.search(text):
        return True
    is_phrase = 1 < len(words.words(text)) <= _LONGEST_PHRASE and len(terms) > 1
    return is_phrase and not _FIRST_PERSON.search(text)


def come_first(asked: str, function: Function, found: Wanted) -> bool:
    """Tell whether a question is for the documents though its words speak for a function."""
    if _REFERS.search(asked) and not function.subject & _DOCUMENTS:
        return True
    asks = question.is_question(asked) or _ASKS.search(asked) is not None
    if not asks or is_request(asked):
        return False
    return _known_share(asked, function, found) <= _MOST_KNOWN


def subject_of(asked: str) -> str:
    """Return a question without the words for the documents themselves: these do not say it."""
    kept = [word for word in words.words(asked) if words.fold(word.text) not in _MEDIA]
    return " ".join(word.text for word in kept)


def is_request(text: str) -> bool:
    """Tell whether a question only asks politely to do something: `could you call me?`."""
    return _POLITE.search(text) is not None


def are_named(turns: Sequence[Turn]) -> bool:
    """Tell whether the result of a function names a file, which is then to be read."""
    return any(turn.speaker == "tool" and names_file(turn.text) for turn in turns)


def names_file(text: str) -> bool:
    """Tell whether a text holds the id of a file."""
    return not holds_passages(text) and _FILE_ID.search(text) is not None


def holds_passages(text: str) -> bool:
    """Tell whether a text is the result of a search for passages, which may have found none."""
    return text.startswith(passages.NONE_FOUND) or bool(passages.parse(text))


def queries(call: Call) -> list[str]:
    """Return what an earlier call searched for."""
    return [
        query
        for value in call.arguments.values()
        if isinstance(value, list)
        for query in value
        if isinstance(query, str)
    ]


def _is_searching(function: Function) -> bool:
    return bool(function.subject & _SEARCHES) and bool(function.subject & _DOCUMENTS)


def _required(function: Function) -> list[str]:
    return [one.kind for one in function.parameters if one.required]


def _is_for_itself(conversation: Conversation, text: str) -> bool:
    """Tell whether the model answers on its own: small talk, sums, or words to repeat."""
    if smalltalk.verbatim(text) is not None:
        return True
    return smalltalk.reply(conversation, []) is not None


def _known_share(asked: str, function: Function, found: Wanted) -> float:
    """Return how much of what a question talks about is a function's subject or its arguments."""
    values = " ".join(str(value) for one in found.calls for value in one.arguments.values())
    spoken = [word for word in words.words(asked) if word.keys and not _is_common(word)]
    if not spoken:
        return 1.0
    known = [word for word in spoken if word.keys & function.weights.keys() or word.text in values]
    return len(known) / len(spoken)


def _is_common(word: Word) -> bool:
    return words.fold(word.text) in _COMMON or bool(word.keys & (_COMMON | GENERIC_CONCEPTS))
