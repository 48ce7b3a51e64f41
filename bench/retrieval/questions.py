"""The questions of the benchmark, with the page that answers each, and how they must be put."""

from dataclasses import dataclass
from pathlib import Path

from bench.retrieval.documents import Document
from understudy.retrieval.terms import index_terms, query_words

MOST_SHARED = 0.5
"""The largest share of a question's content words that its passage may hold too."""
_PATH = Path(__file__).parent / "questions.txt"
_HELD_OUT = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `filename` is empty when no document answers it."""

    text: str
    filename: str
    page: int
    passage: str
    is_held_out: bool

    @property
    def has_answer(self) -> bool:
        """Whether a document answers it."""
        return bool(self.filename)

    @property
    def shared(self) -> float:
        """The share of its content words that the passage holds in any form with their stem."""
        asked = {word.term for word in query_words(self.text)}
        return len(asked & set(index_terms(self.passage).split())) / len(asked)


def questions(made: list[Document]) -> list[Question]:
    """Return all questions; every third with an answer, and every third without, is held out."""
    by_name = {document.filename: document for document in made}
    counts = {True: 0, False: 0}
    found = []
    for line in _PATH.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        text, filename, name, part = (cell.strip() for cell in line.split("|"))
        counts[bool(filename)] += 1
        is_held_out = counts[bool(filename)] % _HELD_OUT == 0
        section = by_name[filename].section(name) if filename else None
        page = section.page if section else 0
        passage = section.passage(part) if section else ""
        found.append(Question(text, filename, page, passage, is_held_out))
    return found
