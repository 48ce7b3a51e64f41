"""The questions of the benchmark, with the page that answers each, and how they must be put."""

from dataclasses import dataclass
from pathlib import Path

from bench.retrieval.documents import Document
from understudy.retrieval.terms import index_terms, query_words

MOST_SHARED = 0.5
"""The largest share of a question's content words that its passage may hold too."""
_FOLDER = Path(__file__).parent
_FILES = {"questions.txt": False, "questions_held_out.txt": True}
"""Which of them nothing was adjusted on."""


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
    """Return all questions."""
    by_name = {document.filename: document for document in made}
    return [
        _question(line, by_name, is_held_out)
        for name, is_held_out in _FILES.items()
        for line in (_FOLDER / name).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]


def _question(line: str, documents: dict[str, Document], is_held_out: bool) -> Question:
    text, filename, name, part = (cell.strip() for cell in line.split("|"))
    if not filename:
        return Question(text, "", 0, "", is_held_out)
    section = documents[filename].section(name)
    return Question(text, filename, section.page, section.passage(part), is_held_out)
