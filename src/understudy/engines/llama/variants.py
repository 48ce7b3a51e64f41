"""Which model of a repository is meant: its GGUF files as variants, by quantisation. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from understudy.engines.llama.library import StoredFile, is_safe_path

_PREFERRED: Final = ("Q4_K_M", "Q4_0", "Q5_K_M", "Q8_0")
_SMALL_BYTES: Final = 10**9
"""A model of fewer than about a thousand million weights has a Q8_0 below this size. Such a small
one loses most by stronger compression, and gains least."""
_SPLIT: Final = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})$")
_QUANTISATION: Final = re.compile(
    r"(?:^|[-._])((?:UD-)?(?:I?Q\d\w*|TQ\d_\d|MXFP4\w*|NVFP4|BF16|FP?16|FP?32))$",
    re.IGNORECASE | re.ASCII,
)
_NO_MODEL: Final = re.compile(r"(?:^|[-._/])(?:mmproj|imatrix)", re.IGNORECASE)
"""Projectors of images, and the statistics that quantisation used."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One model of a repository: a file, or all parts of a split one in their order."""

    label: str
    files: tuple[StoredFile, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all parts together."""
        return sum(file.size_bytes for file in self.files)


def variants(files: Sequence[StoredFile]) -> list[Variant]:
    """Return the models among a repository's files; split ones with a part missing are left out."""
    groups: dict[str, list[StoredFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: file.path):
        if file.path.lower().endswith(".gguf") and is_safe_path(file.path):
            groups[_SPLIT.sub("", file.path[: -len(".gguf")])].append(file)
    models = {
        stem: tuple(parts)
        for stem, parts in groups.items()
        if not _NO_MODEL.search(stem) and _is_whole(parts)
    }
    return [Variant(label, models[stem]) for stem, label in _labels(list(models)).items()]


def choose(offered: Sequence[Variant], wanted: str | None) -> Variant | None:
    """Return the variant of the label `wanted`, or without one the default; None for no such.

    By default: the only one; Q8_0 where that is small; else Q4_K_M or what comes nearest to it.
    """
    if wanted is not None:
        label = wanted.removesuffix(".gguf").casefold()
        return next((one for one in offered if one.label.casefold() == label), None)
    if len(offered) == 1:
        return offered[0]
    by_label = {one.label: one for one in offered}
    full = by_label.get("Q8_0")
    if full is not None and full.size_bytes <= _SMALL_BYTES:
        return full
    return next((by_label[label] for label in _PREFERRED if label in by_label), None)


def _is_whole(parts: Sequence[StoredFile]) -> bool:
    split = [_SPLIT.search(part.path[: -len(".gguf")]) for part in parts]
    if split == [None]:
        return True
    numbers = [int(found["number"]) for found in split if found]
    counts = {int(found["count"]) for found in split if found}
    return counts == {len(parts)} and numbers == list(range(1, len(parts) + 1))


def _labels(stems: Sequence[str]) -> dict[str, str]:
    """Name each model by the shortest name that no other one has: quantisation, file, path."""
    labels: dict[str, str] = {}
    left = list(stems)
    naming: tuple[Callable[[str], str], ...] = (_quantisation, _file_name, _flat_path)
    for name in naming:
        count = Counter(name(stem).casefold() for stem in left)
        labels |= {stem: name(stem) for stem in left if count[name(stem).casefold()] == 1}
        left = [stem for stem in left if stem not in labels]
    return {stem: labels[stem] for stem in stems if stem in labels}


def _quantisation(stem: str) -> str:
    found = _QUANTISATION.search(_file_name(stem))
    return found[1].upper() if found else _file_name(stem)


def _file_name(stem: str) -> str:
    return PurePosixPath(stem).name


def _flat_path(stem: str) -> str:
    return stem.replace("/", "-")
