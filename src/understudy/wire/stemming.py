"""Word endings of English and Spanish taken off, for the embedded model and for search alike."""

import threading
from typing import Protocol


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


class _OfThread(threading.local):
    """A stemmer keeps the word that it works on, so that each thread needs its own."""

    stemmers: tuple[_Stemmer, _Stemmer] | None = None


_of_thread = _OfThread()


def without_endings(folded: str) -> str:
    """Return a lower-case word without first its English, then its Spanish ending (Snowball).

    Both are tried on every word, so that nobody has to know its language.
    """
    if _of_thread.stemmers is None:
        _of_thread.stemmers = _new_stemmers()
    english, spanish = _of_thread.stemmers
    return spanish.stemWord(english.stemWord(folded))


def _new_stemmers() -> tuple[_Stemmer, _Stemmer]:
    import snowballstemmer

    return snowballstemmer.stemmer("english"), snowballstemmer.stemmer("spanish")
