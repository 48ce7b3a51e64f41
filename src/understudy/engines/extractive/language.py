"""Which of the three languages a text is in: Spanish, English or Chinese."""

import re

from understudy.engines.extractive import lexicon, words
from understudy.engines.extractive.lexicon import Language

_LONGEST_READ = 2_000
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")

_SPANISH = frozenset(
    """el los las una unos del al en con por para desde y que cual quien cuando donde como cuanto
    cuanta cuantos es son esta estan este ese eso hay mi mis tu tus su sus yo usted muy mas pero
    porque quiero necesito puedes dime hola gracias buenos buenas dias tardes noches adios soy
    me llamo estoy tengo tiene hace favor quisiera di responde solo repite eres esto tambien ya
    puede podria sobre gustaria dame vale si mañana manana cuesta ok dice cuenta mejor""".split()
)
_ENGLISH = frozenset(
    """the of to in on at for by with from and or is are was were be do does did have has had will
    would can could i my you your he she we they what when where who how why which this that it
    please thanks thank hello hi hey good morning bye goodbye am an not need want tell say reply
    with there if about me just only no yes ok okay repeat name""".split()
)


def detect(text: str) -> Language | None:
    """Return the language of `text`, or None when nothing in it tells."""
    sample = text[:_LONGEST_READ]
    found = [words.fold(word) for word in _WORD.findall(_HAN.sub(" ", sample))]
    han = len(_HAN.findall(sample))
    if han and han >= len(found):
        return "zh"
    spanish, english = _evidence(found)
    spanish += 2 * len(re.findall("[¿¡ñ]", sample)) + len(re.findall("[áéíóú]", sample))
    if spanish == english:
        return "zh" if han else None
    return "es" if spanish > english else "en"


def detect_last(texts: list[str]) -> Language:
    """Return the language of the last text that has one, English when none has."""
    for text in reversed(texts):
        language = detect(text)
        if language is not None:
            return language
    return "en"


def _evidence(found: list[str]) -> tuple[float, float]:
    spanish_words, english_words = lexicon.words_of("es"), lexicon.words_of("en")
    spanish = english = 0.0
    for word in found:
        spanish += (word in _SPANISH) + 0.5 * (word in spanish_words)
        english += (word in _ENGLISH) + 0.5 * (word in english_words)
    return spanish, english
