"""Free text for parameters: what follows a cue, what a request is about, what remains of it."""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re

from understudy.engines.extractive import words
from understudy.engines.extractive.evidence import Evidence, Mention
from understudy.engines.extractive.lexicon import GENERIC_CONCEPTS

Span = tuple[int, int]

_SAID = re.compile(
    r"(?:\b(?:saying|that says|which says|to say|telling (?:him|her|them)|with the (?:text"
    r"|message|body)"
    r"|diciendo|diciéndole|que diga|con el (?:texto|mensaje)|and tell (?:him|her|them)"
    r"|y dile)\b(?:\s+that\b|\s+que\b)?"
    r"|内容是|内容为|告诉他|告诉她|说)\s*:?\s*(?P<rest>[^\n]{1,2000})",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:\b(?:about|regarding|concerning|with (?:the )?subject|subject|titled|entitled|called|sobre"
    r"|acerca de|con (?:el )?asunto|asunto|titulad[oa]|llamad[oa]|(?:con el|de) título"
    r"|because(?: of)?|since"
    r"|due to|porque|debido a|ya que|por)\b|关于|主题是|标题是|因为"
    r"|由于)\s*:?\s*(?P<rest>[^\n]{1,500})",
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    r"(?:\b(?:because(?: of)?|since|due to|as|porque|debido a|ya que|por|the reason is"
    r"|el motivo es)\b"
    r"|因为|由于|原因是)\s*:?\s*(?P<rest>[^\n]{1,500})",
    re.IGNORECASE,
)
_COLON = re.compile(r"[:：]\s+(?P<rest>\S[^\n]{1,2000})|[：](?P<zh>[^\n]{1,2000})")
_END_OF_ABOUT = re.compile(
    r"[.;,:!?。；，：！？\n]|\s(?:and (?:say|tell|the|body|message|with)|y (?:di|dile|el|con"
    r"|cuerpo)"
    r"|saying|diciendo|que diga|body|cuerpo|with (?:high|low|medium)|con prioridad)\b",
    re.IGNORECASE,
)
_CONNECTORS = frozenset(
    "is es be of de del the la el called named llamado llamada a at to un una set son are :".split()
)
_BREAK = re.compile(
    r"[.,;:!?¿¡()\n\"“”。，；：！？、（）]|(?:\s|^)(?:and|y|e|or|o|with|con)(?:\s|$)"
)
_TOPIC = re.compile(r".{1,60}?(?:\b(?:for|about|on|sobre|acerca de)\b|关于)", re.IGNORECASE)
_SUM = re.compile(r"[-(]*\d[\d.]*[ )]*(?:[-+*/^×÷]+[ (]*\d[\d.]*[ )]*){1,20}")
_ASKING = frozenset({"search", "get", "check", "list", "create", "send", "web"})
_ARTICLES = frozenset("the a an el la los las un una".split())
_MOST_WORDS = 12


def said(evidence: Evidence) -> Mention | None:
    """Return what is to be said: after `saying`, a quotation, or what follows a colon."""
    if evidence.quoted:
        return evidence.quoted[-1]
    for pattern in (_SAID, _COLON):
        match = pattern.search(evidence.text)
        if match:
            return _trimmed(evidence.text, match.start(match.lastgroup or 0), match.end())
    return None


def about(evidence: Evidence) -> Mention | None:
    """Return what follows `about`, `asunto`, `关于`, up to the end of its clause."""
    return _clause_after(_ABOUT, evidence)


def because(evidence: Evidence) -> Mention | None:
    """Return the reason that the text gives."""
    return _clause_after(_BECAUSE, evidence)


def after_cue(evidence: Evidence, cues: frozenset[str], used: list[Span]) -> Mention | None:
    """Return the words that follow a word named by `cues`: `color azul`, `the name is Ana`."""
    found = evidence.words
    for position, word in enumerate(found):
        if not word.keys & cues or not word.keys:
            continue
        following = _value_words(evidence.text, found[position + 1 : position + 6], word.end)
        if following and not overlaps((following[0].start, following[-1].end), used):
            return _mention(evidence.text, following)
    return None


def residual(evidence: Evidence, subject: frozenset[str], used: list[Span]) -> Mention | None:
    """Return the longest run of words that neither `subject` nor another value accounts for."""
    best: list[words.Word] = []
    run: list[words.Word] = []
    for word in evidence.words:
        if run and _BREAK.search(evidence.text[run[-1].end : word.start + 1].rstrip()):
            best, run = max(best, run, key=_weight), []
        if not word.keys and run and word.text.lower() not in _CLAUSE_WORDS:
            run.append(word)
        elif _is_content(word, subject, used):
            run.append(word)
        else:
            best, run = max(best, run, key=_weight), []
    best = max(best, run, key=_weight)
    while best and not best[-1].keys:
        best.pop()
    return _mention(evidence.text, best[:_MOST_WORDS]) if best else None


def request_free(evidence: Evidence, subject: frozenset[str]) -> Mention | None:
    """Return the text from its first word that is not part of asking: the query of a search."""
    if evidence.quoted:
        return evidence.quoted[0]
    found = evidence.words
    position = max(_first_unasked(found, subject), _after_topic(evidence, subject))
    if position >= len(found):
        return None
    if position and words.fold(found[position - 1].text) in _ARTICLES:
        position -= 1
    return _trimmed(evidence.text, found[position].start, found[-1].end)


def sum_in(evidence: Evidence) -> Mention | None:
    """Return the arithmetic expression of the text."""
    match = _SUM.search(evidence.text)
    return Mention(match[0].strip(), match.start(), match.end()) if match else None


def _first_unasked(found: list[words.Word], subject: frozenset[str]) -> int:
    asking = (
        _ASKING | (subject & GENERIC_CONCEPTS) | (subject & {"document", "calculate", "summary"})
    )
    position = 0
    while position < len(found) and (not found[position].keys or found[position].keys & asking):
        position += 1
    return position


def _after_topic(evidence: Evidence, subject: frozenset[str]) -> int:
    """Return the word after `search the documents for`, 0 when the text does not begin so."""
    match = _TOPIC.match(evidence.text)
    if match is None:
        return 0
    before = [word for word in evidence.words if word.end <= match.end()]
    asks = all(not word.keys or word.keys & (subject | _ASKING) for word in before)
    return len(before) if asks else 0


def overlaps(span: Span, others: list[Span]) -> bool:
    """Tell whether `span` shares a character with one of `others`."""
    return any(start < span[1] and span[0] < end for start, end in others)


def _clause_after(pattern: re.Pattern[str], evidence: Evidence) -> Mention | None:
    match = pattern.search(evidence.text)
    if match is None:
        return None
    start = match.start("rest")
    end = _END_OF_ABOUT.search(evidence.text, start)
    return _trimmed(evidence.text, start, end.start() if end else match.end())


def _value_words(text: str, following: list[words.Word], end: int) -> list[words.Word]:
    taken: list[words.Word] = []
    for word in following:
        between = text[end : word.start]
        if _BREAK.search(between) if taken else between.strip(" :='\"：是为\t"):
            break
        if not taken and (word.text.lower() in _CONNECTORS or word.text in "是为"):
            end = word.end
            continue
        if not word.keys:
            break
        taken.append(word)
        end = word.end
    return taken


def _is_content(word: words.Word, subject: frozenset[str], used: list[Span]) -> bool:
    if not word.keys or word.keys & subject or overlaps((word.start, word.end), used):
        return False
    return not (word.keys & GENERIC_CONCEPTS)


def _weight(run: list[words.Word]) -> int:
    return sum(len(word.text) if words.has_cjk(word.text) else 4 for word in run if word.keys)


_CLAUSE_WORDS = frozenset(
    """and y e or o to for from with in at on para con en por desde que please is are was were be
    will can could i you we me my hay es esta qué what which 和 与 跟 在 从 到 去 给 我 你 请 是
    有 吗 呢 了""".split()
)


def _trimmed(text: str, start: int, end: int) -> Mention | None:
    value = text[start:end].strip(" \t\n\"'“”«»「」?¿!¡。？！")
    if not value:
        return None
    start = text.index(value, start)
    return Mention(value, start, start + len(value))


def _mention(text: str, run: list[words.Word]) -> Mention:
    return Mention(text[run[0].start : run[-1].end], run[0].start, run[-1].end)
