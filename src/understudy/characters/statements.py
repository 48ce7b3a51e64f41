"""Facts that a person states about themselves, by rules: in Spanish, English and Chinese.

Pure. Reads only clauses that begin in the first person, so what others say, questions, suppositions
and texts to be worked on state nothing.
"""

# ruff: noqa: RUF001 - full-width punctuation is how Chinese is written

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from understudy.characters.facts import Fact
from understudy.characters.statement_rules import Rule, Saying, rules
from understudy.engines.extractive import dates, language, question, quote
from understudy.engines.extractive.lexicon import STOPWORDS, Language
from understudy.engines.extractive.words import fold

_LONGEST = 4_000
_LONGEST_VALUE = 160
_LONGEST_NAME_WORDS = 7
_LONGEST_THING_WORDS = 3


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact that a person states, or says not to be so; a denied one may be without value."""

    saying: Saying
    fact: Fact


def read(text: str, now: datetime) -> list[Statement]:
    """Return what `text` states about its writer, in its order; `now` resolves relative dates."""
    if _IS_MATERIAL.search(text[:_LONGEST]):
        return []
    found: list[Statement] = []
    spoken = language.detect(text[:_LONGEST])
    for sentence in quote.split(text[:_LONGEST]):
        if not _SUPPOSES.match(sentence):
            for clause in _stated_clauses(sentence):
                found += _of_clause(clause, spoken, found[-1:], now)
    return found


def wanted_gone(text: str) -> list[str]:
    """Return what a person asks to be forgotten, each in their own words; `*` for everything."""
    found = []
    for sentence in quote.split(text[:_LONGEST]):
        if _FORGET_ALL.match(sentence):
            found.append("*")
        elif match := _FORGET.match(sentence):
            found.append(next(filter(None, match.groups())).strip(" .。!！"))
    return found


# --- clauses ----------------------------------------------------------------------------------


def _stated_clauses(sentence: str) -> Iterator[str]:
    """Yield the clauses of a sentence that are not its question."""
    stated, mark, _ = sentence.partition("¿")
    clauses = [part.strip() for part in _CLAUSE_END.split(stated) if part and part.strip()]
    if not mark and question.is_question(sentence):
        clauses = [] if _ASKS.match(sentence) else clauses[:-1]
    yield from (clause for clause in clauses if not _asks_in_chinese(clause))


def _asks_in_chinese(clause: str) -> bool:
    return _CHINESE_QUESTION.search(clause) is not None


def _of_clause(
    clause: str, spoken: Language | None, before: list[Statement], now: datetime
) -> list[Statement]:
    bare = _FILLER.sub("", clause).strip(_MARKS)
    for rule in rules():
        if match := rule.pattern.match(bare):
            return list(_stated(rule, match))
    if before and (continued := _continued(bare, before[0])):
        return continued
    if event := _event(bare, spoken or "en", now):
        return event
    if match := _NOTE.match(clause):
        note = _tidied(match["v"] or match["zh"])
        return [Statement("told", Fact("note", note, spoken or "en"))]
    return []


def _continued(clause: str, before: Statement) -> list[Statement]:
    """Return what a clause without a verb adds to the statement before it."""
    fact = before.fact
    if before.saying == "denied" and (match := _INSTEAD.match(clause)):
        value = _name(match["v"]) if fact.key == "name" else _tidied(match["v"])
        return [Statement("told", Fact(fact.key, value, fact.language))] if value else []
    parts = list(_parts(clause)) if fact.key in _LISTED else []
    if not all(map(_is_thing, parts)):
        return []
    return [Statement(before.saying, Fact(fact.key, part, fact.language)) for part in parts]


def _stated(rule: Rule, match: re.Match[str]) -> Iterator[Statement]:
    groups = match.groupdict()
    value = _tidied(groups.get("v") or "")
    if rule.key not in _LISTED:
        value = _FOLLOWED.sub("", value)
    if rule.saying == "told" and not value:
        return
    key = rule.key
    if noun := groups.get("noun"):
        key = f"{key}/{noun.strip().lower()}"
    if key == "name":
        value = _name(value)
        if not value and rule.saying == "told":
            return
    values = list(_parts(value)) if key in _LISTED else [value]
    for one in values:
        if one or rule.saying == "denied":
            yield Statement(rule.saying, Fact(key, one, rule.language))
    if instead := groups.get("instead"):
        value = _name(instead) if key == "name" else _tidied(instead)
        yield Statement("told", Fact(key, value, rule.language))


def _is_thing(text: str) -> bool:
    """Tell whether a text can only name something: `los gatos`, not `tell me more`."""
    named = _ARTICLE.sub("", text).split()
    if _CHINESE_SAYS_MORE.match(text):
        return False
    return 0 < len(named) <= _LONGEST_THING_WORDS and not any(
        fold(word) in STOPWORDS or not word.isalpha() for word in named
    )


def _event(clause: str, spoken: Language, now: datetime) -> list[Statement]:
    """Return what the person does on a day that the clause names."""
    moments = [one for one in dates.find(clause, spoken, now) if one.day is not None]
    if not moments:
        return []
    moment = moments[0]
    before = _DANGLING.sub("", clause[: moment.start].strip())
    told = " ".join(part for part in (before, clause[moment.end :].strip(" ,，")) if part)
    if moment.day is None or not _PLANS.match(told):
        return []
    clock = f" {moment.clock:%H:%M}" if moment.clock else ""
    what = _HAVING.sub("", told)
    return [Statement("told", Fact("event", f"{moment.day.isoformat()}{clock}, {what}", spoken))]


def _tidied(value: str) -> str:
    return _TRAILING.sub("", value.strip(" .。!！\"'“”«»"))[:_LONGEST_VALUE].strip()


def _name(value: str) -> str:
    """Return the name that a text begins with, empty where it is no name."""
    if _QUOTED.search(value := _tidied(value)):
        return ""
    is_written_small = value[:1].islower()
    words: list[str] = []
    for word in _AFTER_NAME.sub("", value).split()[:_LONGEST_NAME_WORDS]:
        if words and fold(word) not in _PARTICLES and _goes_on(word, is_written_small):
            break
        words.append(word)
    while words and fold(words[-1]) in _PARTICLES:
        words.pop()
    name = " ".join(words)
    return name.title() if name.islower() else name


def _goes_on(word: str, is_written_small: bool) -> bool:
    """Tell whether a word after a name is no part of it: `Ana nice to meet you`."""
    return fold(word) in STOPWORDS if is_written_small else word[0].islower()


def _parts(value: str) -> Iterator[str]:
    """Yield the things of a list: `tea, coffee and cats`."""
    for part in _AND.split(value):
        if part.strip():
            yield part.strip()


_QUOTED = re.compile('["“”«»]')
_AFTER_NAME = re.compile(
    r"\s*[(\[/|:].*$|\s+(?:nice|pleased|encantad[oa]|mucho gusto|un placer)\b.*$", re.IGNORECASE
)
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "da", "di", "van", "von", "der", "bin"})
_CHINESE_SAYS_MORE = re.compile(
    r"^(?:[也不我你您还就但请能可想要有是会帮给说讲写]|所以|因为|推荐|告诉|[\u4e00-\u9fff]{7})"
)
"""A Chinese clause that is no further thing of a list."""
_LISTED = frozenset({"like", "dislike", "allergy"})
_AND = re.compile(r"\s*(?:,|\s(?:y|e|and|or|o|ni|nor)\s|和|与|以及|、|还有)\s*")
_FIRST_PERSON = (
    r"(?:me|mi|mis|yo|no|ya|soy|estoy|vivo|tengo|trabajo|nac[ií]|cumplo|odio|detesto|prefiero|adoro"
    r"|amo|voy|viajo|quiero|quisiera|necesito|busco|puedo|ll[aá]mame|want|need|i|i['’]m|i['’]ve|my|call)"
)
_CLAUSE_END = re.compile(
    rf"[,;，；：]\s*|\s+[-–—]\s+|\s+(?:y|e|pero|aunque|and|but|although|so)\s+(?={_FIRST_PERSON}\b)"
    r"|(?<=[\u4e00-\u9fff])(?:但是?|而且|并且|不过|所以)(?=我)|(?<=[\u4e00-\u9fff])\s+(?=我)",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^(?:[¡!\"'“«]|(?:hola|hi|hello|hey|buen[oa]s?(?: d[ií]as| tardes| noches)?|bueno|por cierto"
    r"|pues|vale|s[íi],|sí|no,|yes|well|ok(?:ay)?|by the way|actually|in fact|en realidad|la verdad"
    r"|ahora|now|also|adem[aá]s|tambi[eé]n|y|e|and|but|pero|so|que|recuerda(?: bien)?|remember"
    r"|perd[oó]n|sorry|thanks|thank you|(?:muchas )?gracias|please|por favor)\b[\s,:]*"
    r"|(?:你好|您好|其实|对了|现在|嗨|另外|请?记住)[，,：:\s]*)+",
    re.IGNORECASE,
)
_SUPPOSES = re.compile(
    r"^\W*(?:(?:si|if|imagin[ae]|imagina|supon(?:gamos|iendo)?|finge|pretend|suppose|what if"
    r"|ojal[aá]|wish|i wish|let['’]?s say|act as|act[uú]a como|quiz[aá]s?|tal vez|maybe|perhaps)\b"
    r"|如果|假如|假设|要是|也许|可能|假装|扮演)",
    re.IGNORECASE,
)
_IS_MATERIAL = re.compile(
    r"\b(?:translate|traduce|traducir|traducci[oó]n|rewrite|reescribe|proofread|corrige|correct"
    r"(?= (?:the|this|my))|paraphrase|parafrasea|write (?:a|an|me)|escribe (?:un|una)|redacta"
    r"|summari[sz]e|resume (?:el|este|la|esta)|pronounce|how do (?:i|you) say|c[oó]mo se dice)\b"
    r"|翻译|改写|润色|写一[封篇个首段]|总结|概括",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:and |y )?(?:what|which|when|where|who|whose|why|how|is|are|am|was|were|do|does|did|can"
    r"|could|would|will|should|have|has|isn['’]t|don['’]t|qu[eé]|cu[aá]l(?:es)?|cu[aá]ndo|d[oó]nde"
    r"|qui[eé]n(?:es)?|c[oó]mo|cu[aá]nt[oa]s?|por qu[eé]|sabes|recuerdas|puedes)\b",
    re.IGNORECASE,
)
_CHINESE_QUESTION = re.compile(
    r"[吗呢么？]$|什么|哪|谁|怎么|为什么|多少|几[个岁点号月]|是不是|有没有"
)
_INSTEAD = re.compile(
    r"^(?:it['’]?s|it is|but|sino(?: que)?(?: es)?|es|ahora es|而是|应该是|是|我?应该叫|叫)\s*"
    r"(?P<v>[^\n]{1,80})$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:el|la|los|las|the)\s+", re.IGNORECASE)
_PLANS = re.compile(
    r"(?:tengo|voy a|viajo|vuelo|salgo|me (?:caso|mudo|operan|voy)|cumplo|empiezo|mi (?:cita|vuelo"
    r"|examen|reuni[oó]n|boda)|i have|i['’]ve got|i['’]m (?:going|travell?ing|flying|getting|moving"
    r"|starting|leaving)|i am (?:going|travell?ing|flying|getting|moving|starting|leaving)|i (?:fly"
    r"|travel|leave|start|move)|my (?:appointment|flight|exam|meeting|wedding|interview)"
    r"|我\s?(?:要|有|将|去|得|会))",
    re.IGNORECASE,
)
_HAVING = re.compile(
    r"^(?:tengo|i have|i['’]ve got|i['’]m|i am|我\s?(?:有一?个?|要|将|会|得)?)\s*", re.IGNORECASE
)
_NOTE = re.compile(
    r"^(?:por favor |please )?(?:recuerda|acu[eé]rdate(?: de)?|ten en cuenta|apunta|anota|remember"
    r"|keep in mind|note|take note) (?:que|that) (?P<v>[^\n]{1,200})"
    r"|^请?记住[，：:]?(?P<zh>[^。]{2,80})",
    re.IGNORECASE,
)
_MARKS = " .。!！\"'“”"
_DANGLING = re.compile(
    r"(?:(?:^|\s+)(?:el|on|the|at|para el|this|next|este|pr[oó]ximo|d[ií]a))+$", re.IGNORECASE
)
_TRAILING = re.compile(
    r"\s+(?:por cierto|gracias|thanks|thank you|please|por favor|now|ahora|too|tambi[eé]n|actually"
    r"|by the way|(?:porque|because|cuando|when|desde|since|aunque|pero|but)\b.*)$"
    r"|(?:了|啦|哦|呀|的)$",
    re.IGNORECASE,
)
_FOLLOWED = re.compile(r"\s+(?:y|and)\s.*$", re.IGNORECASE)
"""What follows a value that is one thing; lists have their own `and`."""
_FORGET_ALL = re.compile(
    r"^\W*(?:please |por favor,? )?(?:olvida(?:lo)? todo|b[oó]rralo todo|forget everything"
    r"|(?:请)?(?:忘记|忘掉)(?:一切|所有|全部))",
    re.IGNORECASE,
)
_FORGET = re.compile(
    r"^\W*(?:please |por favor,? )?(?:"
    r"(?:olvida|borra)(?:te)?(?: de)?(?: que| lo de| lo que dije (?:de|sobre))? (.{2,120})"
    r"|forget(?: about| that| what i said about)? (.{2,120}))$"
    r"|^(?:请)?(?:忘记|忘掉)(.{1,60})$",
    re.IGNORECASE,
)
