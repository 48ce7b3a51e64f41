"""Reads docstrings in Google's form: what a function does, and its section `Args:`."""

import inspect
import re
from dataclasses import dataclass

_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?|Attributes):[ \t]*$",
    re.MULTILINE,
)
_ARGUMENTS = ("Args", "Arguments", "Parameters")
_ARGUMENT = re.compile(r"^\*{0,2}(?P<name>\w+)[ \t]*(?:\([^)]*\))?:[ \t]*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Described:
    """What a docstring tells: of the function, and of its parameters by name."""

    text: str
    parameters: dict[str, str]


def read(docstring: str | None) -> Described:
    """Return what a docstring tells; lines that continue one another are joined."""
    head, *sections = _SECTION.split(inspect.cleandoc(docstring or ""))
    named = zip(sections[::2], sections[1::2], strict=True)
    arguments = "".join(body for name, body in named if name in _ARGUMENTS)
    return Described(head.strip(), _parameters(arguments))


def _parameters(section: str) -> dict[str, str]:
    indented = [line for line in section.splitlines() if line.startswith((" ", "\t"))]
    found: dict[str, list[str]] = {}
    name = ""
    for line in inspect.cleandoc("\n" + "\n".join(indented)).splitlines():
        if argument := _ARGUMENT.match(line):
            name = argument["name"]
            found[name] = [argument["text"]]
        elif name:
            found[name].append(line.strip())
    return {name: " ".join(lines).strip() for name, lines in found.items()}
