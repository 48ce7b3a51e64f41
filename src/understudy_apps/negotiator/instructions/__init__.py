"""What the assistant is told: who it is, what its functions are for, which files it reads."""

from collections.abc import Mapping
from importlib import resources

from understudy_apps.languages import Language
from understudy_apps.negotiator.documents import catalogue


def text(language: Language, file_ids: Mapping[str, str]) -> str:
    """Return the instructions in a language; `file_ids` has the id of each document by name."""
    template = resources.files(__package__).joinpath(f"{language}.md").read_text("utf-8")
    files = "\n".join(
        f"- {file_ids[document.name]}: {document.summary(language)}"
        for document in catalogue.DOCUMENTS
    )
    return template.format(files=files, default_year=catalogue.DEFAULT_YEAR).strip()
