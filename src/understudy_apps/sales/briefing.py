"""What the agent is told before a conversation, from the data files that a business edits.

Reads and writes files; knows neither models nor conversations.
"""

import logging
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import TypeAdapter

from understudy_apps.languages import LANGUAGES, Language
from understudy_apps.sales import summaries
from understudy_apps.sales.intents import IntentRules, parse_intents
from understudy_apps.sales.products import Catalogue, parse_catalogue

PAGES = ("agent", "technique", "closings")
OBJECTIONS = ("objection_price", "objection_time", "objection_trust", "objection_need")
TEXTS = (
    "greeting", "handed_over", "daily_cap", "unavailable", "no_answer", "help", "text_only",
)  # fmt: skip
MAX_FILE_BYTES = 200_000
Texts = dict[str, dict[Language, str]]
_logger = logging.getLogger(__name__)


class KnowledgeFault(ValueError):
    """A data file that cannot be used; says which and why."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What all data files say."""

    catalogue: Catalogue
    intents: IntentRules
    answers: Texts
    texts: Texts
    pages: dict[Language, tuple[str, ...]]


class KnowledgeFolder:
    """The folder of data files; missing ones are copied from those that come with the program."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state: tuple[int, ...] = ()
        self._read: Knowledge | None = None

    def names(self) -> list[str]:
        """Return the names of the files, `es/agent.md` and the like."""
        pages = [f"{tag}/{page}.md" for tag in LANGUAGES for page in PAGES]
        return [*_TABLES, *pages]

    def current(self) -> Knowledge:
        """Return what the files say now.

        After a change that cannot be used, what they said before counts, and the log says why.
        Raises KnowledgeFault where there is no before.
        """
        self._complete()
        state = tuple(self._path(name).stat().st_mtime_ns for name in self.names())
        if self._read is None or state != self._state:
            self._take(state)
        assert self._read is not None, "taken, or an error was raised"
        return self._read

    def text(self, name: str) -> str:
        """Return a file. Raises KeyError for a name that is not among `names`."""
        self._complete()
        return self._path(name).read_text(encoding="utf-8")

    def replace(self, name: str, text: str) -> None:
        """Write a file once it is known to be usable. Raises KnowledgeFault, and KeyError."""
        path = self._path(name)
        if len(text.encode()) > MAX_FILE_BYTES:
            raise KnowledgeFault(f"{name} is larger than {MAX_FILE_BYTES:,} bytes.")
        _parsed(name, text)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.parent, delete=False
        ) as file:
            file.write(text)
        os.replace(file.name, path)

    def _take(self, state: tuple[int, ...]) -> None:
        self._state = state
        try:
            self._read = _knowledge(self.text)
        except KnowledgeFault as fault:
            if self._read is None:
                raise
            _logger.warning("a change of the knowledge is not used: %s", fault)

    def _path(self, name: str) -> Path:
        if name not in self.names():
            raise KeyError(name)
        return self._folder / name

    def _complete(self) -> None:
        """Copy what is missing."""
        missing = [name for name in self.names() if not (self._folder / name).exists()]
        for name in missing:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with as_file(files(__package__) / "knowledge" / name) as original:
                shutil.copyfile(original, path)


def system_prompt(knowledge: Knowledge, language: Language, contact: str, today: date) -> str:
    """Return the instructions of a conversation; `contact` is what is known of the visitor."""
    words = _WORDS[language]
    return "\n\n".join(
        [
            *knowledge.pages[language],
            f"# {words['answers']}\n\n" + "\n".join(_answer_lines(knowledge, language)),
            f"# {words['products']}\n\n" + "\n".join(_facts(knowledge.catalogue, language)),
            f"{words['today']}: {today.isoformat()}.",
            f"{words['visitor']}: {contact or '-'}",
        ]
    )


def facts_prompt(knowledge: Knowledge, language: Language) -> str:
    """Return what a model is told that can only quote: who it is and what is true."""
    introduction = knowledge.pages[language][0].partition("\n")[0]
    return "\n".join([introduction, *_facts(knowledge.catalogue, language)])


# --- the files ----------------------------------------------------------------------------------


def _texts_named(names: tuple[str, ...], text: str) -> Texts:
    texts = TypeAdapter(Texts).validate_python(tomllib.loads(text))
    for name in dict.fromkeys((*names, *texts)):
        missing = [tag for tag in LANGUAGES if not texts.get(name, {}).get(tag)]
        if missing:
            raise ValueError(f"[{name}] lacks {', '.join(missing)}")
    return texts


def _texts(text: str) -> Texts:
    return _texts_named(TEXTS, text)


def _answers(text: str) -> Texts:
    return _texts_named(OBJECTIONS, text)


_TABLES: dict[str, Callable[[str], object]] = {
    "products.toml": parse_catalogue,
    "answers.toml": _answers,
    "intents.toml": parse_intents,
    "texts.toml": _texts,
}


def _parsed(name: str, text: str) -> None:
    """Raise KnowledgeFault for a text that the file of this name cannot have."""
    if "\0" in text:
        raise KnowledgeFault(f"{name} is not text.")
    try:
        _TABLES.get(name, str)(text)
    except ValueError as error:
        raise KnowledgeFault(f"{name} cannot be used: {error}") from error


def _knowledge(text_of: Callable[[str], str]) -> Knowledge:
    for name in _TABLES:
        _parsed(name, text_of(name))
    return Knowledge(
        catalogue=parse_catalogue(text_of("products.toml")),
        intents=parse_intents(text_of("intents.toml")),
        answers=_answers(text_of("answers.toml")),
        texts=_texts(text_of("texts.toml")),
        pages={
            tag: tuple(text_of(f"{tag}/{page}.md").strip() for page in PAGES) for tag in LANGUAGES
        },
    )


# --- the prompt ---------------------------------------------------------------------------------

_WORDS: dict[Language, dict[str, str]] = {
    "es": {
        "answers": "Objeciones y sus respuestas", "objection_price": "precio",
        "objection_time": "tiempo", "objection_trust": "confianza", "objection_need": "necesidad",
        "products": "Productos", "and": "y", "sells": "Vendemos {names}.",
        "today": "Hoy es", "visitor": "Lo que se sabe de quien escribe",
    },
    "en": {
        "answers": "Objections and their answers", "objection_price": "price",
        "objection_time": "time", "objection_trust": "trust", "objection_need": "need",
        "products": "Products", "and": "and", "sells": "We sell {names}.",
        "today": "Today is", "visitor": "What is known of the visitor",
    },
    "zh": {
        "answers": "异议与回答", "objection_price": "价格", "objection_time": "时间",
        "objection_trust": "信任", "objection_need": "需求",
        "products": "产品", "and": "和", "sells": "我们卖的是{names}。",
        "today": "今天是", "visitor": "已知的访客信息",
    },
}  # fmt: skip


def _answer_lines(knowledge: Knowledge, language: Language) -> Iterator[str]:
    for name, answer in knowledge.answers.items():
        yield f"- {_WORDS[language].get(name, name)}: {answer[language]}"


def _facts(catalogue: Catalogue, language: Language) -> Iterator[str]:
    words, company = _WORDS[language], catalogue.company
    *first, last = [product.name[language] for product in catalogue.product]
    names = f"{', '.join(first)} {words['and']} {last}" if first else last
    yield company.about[language]
    yield words["sells"].format(names=names)
    for product in catalogue.product:
        yield summaries.of_product(product, catalogue, language)
