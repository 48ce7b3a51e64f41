"""A small Spanish, English and Chinese lexicon: words of business functions by shared concept.

Holds words alone; how text is split into them belongs to `words`.
"""

from functools import lru_cache
from importlib import resources
from typing import Literal

Language = Literal["es", "en", "zh"]

_STOPWORDS = """
a an the of to in on at for by with from into about as and or but if then than so that this
these those it its is are was were be been being am do does did doing done have has had having
will would shall should can could may might must i me my mine you your yours he him his she her
hers we us our they them their who whom which what when where how why there here not no yes
please thanks thank just also very much many some any all each need want like let lets tell know
would'd 're s t ll ve d m re hey hi hello ok okay well now could going go goes went come came
take took up out off over under only over again still too really el la los las un una unos unas
de del al a en con por para desde entre sin sobre y e o u pero si que qué cual cuál cuales
cuáles quien quién cuando cuándo donde como cómo cuanto cuánto cuanta cuánta cuantos cuántos
cuantas es son era eran fue fueron ser sido estar esta está están estaba este ese esa eso esto
estos estas esos esas aquel hay haber he ha han había hacer hace hago haz haces hazme me te se
le les lo nos os mi mis tu tus su sus nuestro yo tú él ella ellos ellas usted ustedes nosotros
ya no sí muy más menos mas también tampoco porque pues favor quiero quisiera querría necesito
puedo puedes puede pueden podría podrías podemos dime dígame gracias hola tengo tiene tienen tener
va voy ir van vamos saber sabes gustaría cuéntame cuentame hacía tenía había dijo dijiste
"""

_CHINESE_STOPWORDS = """
的 了 吗 呢 吧 啊 请 帮我 帮 我 你 您 他 她 它 我们 你们 他们 一下 想 想要 要 知道 可以 能
能不能 能否 是 有 在 和 与 跟 或 给 把 为 从 到 去 对 这 那 这个 那个 什么 怎么 怎么样 怎样 如何
哪 哪个 哪些 几 多少 多大 谁 为什么 现在 请问 告诉 告诉我 我的 你的 您的 也 都 就 还 不 没 没有
很 最 吗 说 会 用 让 被 以及 还有 需要 关于 麻烦 谢谢 你好 您好 想知道 我想 我要 请帮我 是多少
是什么 一个 个 里 别 别忘 别忘了
"""

GENERIC_CONCEPTS = frozenset(
    {"search", "create", "delete", "update", "list", "get", "check", "send", "time", "type"}
    | {"name", "day", "date", "end", "start", "open", "close", "new", "person", "user", "call"}
    | {
        "high",
        "medium",
        "low",
        "today",
        "tomorrow",
        "reason",
        "question",
        "description",
        "message",
        "number",
        "money",
    }
)
"""Concepts that describe half of all functions, so that one alone does not choose any."""

UNIT_CONCEPTS = frozenset(
    {"month", "week", "day", "year", "minute", "time", "person", "percent", "currency", "night"}
    | {"installment", "temperature", "quantity", "age"}
)
"""Concepts that stand behind a number and say what it counts."""


def _fold_es(word: str) -> str:
    return word.translate(str.maketrans("áéíóúü", "aeiouu")).replace("ñ", "n")


STOPWORDS = frozenset(_fold_es(word) for word in _STOPWORDS.split())


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[list[str], list[str], list[str]]]:
    found = {}
    table = resources.files(__package__).joinpath("lexicon.txt").read_text("utf-8")
    for line in table.splitlines()[1:]:
        concept, _, lists = line.partition(":")
        english, spanish, chinese = (part.split() for part in lists.split("|"))
        found[concept] = (english, spanish, chinese)
    return found


@lru_cache(maxsize=1)
def concepts_of_words() -> dict[str, frozenset[str]]:
    """Return the concepts of each folded English and Spanish word."""
    found: dict[str, frozenset[str]] = {}
    for concept, (english, spanish, _) in _table().items():
        for word in (*english, *map(_fold_es, spanish)):
            found[word] = found.get(word, frozenset()) | {concept}
    return found


@lru_cache(maxsize=1)
def concepts_of_chinese() -> dict[str, frozenset[str]]:
    """Return the concepts of each Chinese word; those without a subject have none."""
    found: dict[str, frozenset[str]] = dict.fromkeys(_CHINESE_STOPWORDS.split(), frozenset())
    for concept, (_, _, chinese) in _table().items():
        for word in chinese:
            found[word] = found.get(word, frozenset()) | {concept}
    return found


def surface_words(concept: str) -> list[str]:
    """Return the English and folded Spanish words of `concept`; none when there is no such one."""
    english, spanish, _ = _table().get(concept, ([], [], []))
    return [*english, *map(_fold_es, spanish)]


def display(concept: str, language: Language) -> str | None:
    """Return the word by which `concept` is shown in `language`."""
    entry = _table().get(concept)
    if entry is None:
        return None
    return entry[("en", "es", "zh").index(language)][0]


def words_of(language: Language) -> frozenset[str]:
    """Return the folded words that belong to `language` alone among English and Spanish."""
    return _own_words()[language == "es"]


@lru_cache(maxsize=1)
def _own_words() -> tuple[frozenset[str], frozenset[str]]:
    english = {word for entry in _table().values() for word in entry[0]}
    spanish = {_fold_es(word) for entry in _table().values() for word in entry[1]}
    return frozenset(english - spanish), frozenset(spanish - english)
