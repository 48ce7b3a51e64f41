"""The vectors of one store as a matrix in a file, mapped into memory, and what its rows mean.

A matrix is a snapshot: extending it writes behind its last row and returns another one. Knows no
database. Everything here blocks.
"""

import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FileVersion = tuple[int, int]
"""A file as one attempt read it: its seq in `vector_store_files`, and the attempt's number."""

_FLOAT = np.dtype("<f4")
_DEAD_SHARE = 3
_FEW_DEAD = 1_000
_COPIED_ROWS = 16_384


class _Manifest(msgspec.Struct, array_like=True):
    """What a matrix's file does not say of itself."""

    generation: int
    dimensions: int
    matrix: str
    files: list[FileVersion]
    living: list[bool]
    seqs: bytes
    owners: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectors to add: `seqs` and `owners` name the chunk and the file of each."""

    seqs: Sequence[int]
    owners: Sequence[FileVersion]
    vectors: bytes


@dataclass(frozen=True, slots=True)
class Matrix:
    """The vectors of a store at one generation of it; rows of files that are not living are dead.

    `vectors` is (rows, dimensions) float32, `seqs` (rows,) int64, `owners` (rows,) int32: an index
    into `files`, as is `living`.
    """

    place: "Place"
    name: str
    generation: int
    vectors: "NDArray[np.float32]"
    seqs: "NDArray[np.int64]"
    owners: "NDArray[np.int32]"
    files: tuple[FileVersion, ...]
    living: "NDArray[np.bool_]"

    def nearest(
        self, queries: "NDArray[np.float32]", limit: int, file_seqs: Collection[int] | None
    ) -> list[tuple[int, float]]:
        """Return (chunk seq, cosine) of the rows nearest to any query, nearest first.

        Only rows of `file_seqs` count where they are given.
        """
        wanted = self.living
        if file_seqs is not None:
            wanted = wanted & np.array([seq in file_seqs for seq, _ in self.files], dtype=bool)
        if not wanted.any():
            return []
        # Not `@`: this is limited by memory, and the threads that it would start spin for nothing.
        cosines = np.vecdot(self.vectors, queries[0])
        for query in queries[1:]:
            np.maximum(cosines, np.vecdot(self.vectors, query), out=cosines)
        if not wanted.all():
            cosines[~wanted[self.owners]] = -np.inf
        picked = np.arange(len(cosines))
        if limit < len(cosines):
            picked = np.argpartition(cosines, -limit)[-limit:]
        ordered = picked[np.lexsort((self.seqs[picked], -cosines[picked]))]
        pairs = zip(self.seqs[ordered].tolist(), cosines[ordered].tolist(), strict=True)
        return [(seq, cosine) for seq, cosine in pairs if cosine != -np.inf]

    def lacks(self, versions: Iterable[FileVersion]) -> list[FileVersion]:
        """Return those of the files whose vectors are not here."""
        held = set(self.files)
        return [version for version in versions if version not in held]

    def extended(self, added: "Extension", versions: Collection[FileVersion]) -> "Matrix":
        """Return this matrix with the rows of `added`, of which the files `versions` are living."""
        files = (*self.files, *self.lacks(versions))
        numbers = {version: number for number, version in enumerate(files)}
        owners = [numbers[owner] for owner in added.owners]
        seqs = np.concatenate([self.seqs, np.array(added.seqs, dtype=np.int64)])
        return replace(
            self,
            vectors=self.place.mapped(self.name, len(seqs)),
            seqs=seqs,
            owners=np.concatenate([self.owners, np.array(owners, dtype=np.int32)]),
            files=files,
            living=np.array([version in versions for version in files], dtype=bool),
        )

    def at(self, generation: int) -> "Matrix":
        """Return this matrix as the state of another generation."""
        return replace(self, generation=generation)

    @property
    def is_worn(self) -> bool:
        """Whether so many rows are dead that it should be written anew."""
        dead = int(np.count_nonzero(~self.living[self.owners]))
        return dead > max(_FEW_DEAD, len(self.seqs) // _DEAD_SHARE)


class Extension:
    """Rows written behind the last one of a matrix; they count once the matrix is extended."""

    def __init__(self, matrix: Matrix) -> None:
        self._path = matrix.place.path(matrix.name)
        self._end_bytes = matrix.vectors.nbytes
        self.seqs: list[int] = []
        self.owners: list[FileVersion] = []

    def write(self, rows: Rows) -> None:
        """Write some more."""
        with self._path.open("r+b") as file:
            file.seek(self._end_bytes)
            file.write(rows.vectors)
        self._end_bytes += len(rows.vectors)
        self.seqs += rows.seqs
        self.owners += rows.owners


@dataclass(frozen=True, slots=True)
class Place:
    """Where the matrix of one store is kept: a manifest and the file that it names."""

    folder: Path
    stem: str
    dimensions: int

    def load(self, generation: int) -> Matrix | None:
        """Return the matrix that was saved, or None unless it is of this very generation."""
        try:
            kept = msgspec.msgpack.decode(self._manifest.read_bytes(), type=_Manifest)
        except (OSError, msgspec.DecodeError):
            return None
        seqs = np.frombuffer(kept.seqs, dtype=np.int64)
        if (kept.generation, kept.dimensions) != (generation, self.dimensions):
            return None
        try:
            vectors = self.mapped(kept.matrix, len(seqs))
        except (OSError, ValueError):
            return None
        return Matrix(
            place=self,
            name=kept.matrix,
            generation=generation,
            vectors=vectors,
            seqs=seqs,
            owners=np.frombuffer(kept.owners, dtype=np.int32),
            files=tuple(kept.files),
            living=np.array(kept.living, dtype=bool),
        )

    def create(self) -> Matrix:
        """Return an empty matrix with a file of its own."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{self.stem}-{secrets.token_hex(6)}.f32"
        os.close(os.open(self.path(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return Matrix(
            place=self,
            name=name,
            generation=0,
            vectors=self.mapped(name, 0),
            seqs=np.empty(0, dtype=np.int64),
            owners=np.empty(0, dtype=np.int32),
            files=(),
            living=np.empty(0, dtype=bool),
        )

    def rewritten(self, matrix: Matrix) -> Matrix:
        """Return a matrix of the living rows alone, in a new file."""
        fresh = self.create()
        extension = Extension(fresh)
        for rows in _living_rows(matrix):
            extension.write(rows)
        living = [v for v, lives in zip(matrix.files, matrix.living, strict=True) if lives]
        return fresh.extended(extension, living).at(matrix.generation)

    def save(self, matrix: Matrix) -> None:
        """Keep the matrix for the next process, in place of any earlier one."""
        with self.path(matrix.name).open("r+b") as file:
            os.fsync(file.fileno())
        manifest = _Manifest(
            generation=matrix.generation,
            dimensions=self.dimensions,
            matrix=matrix.name,
            files=list(matrix.files),
            living=matrix.living.tolist(),
            seqs=matrix.seqs.tobytes(),
            owners=matrix.owners.tobytes(),
        )
        fresh = self._manifest.with_suffix(".new")
        fresh.write_bytes(msgspec.msgpack.encode(manifest))
        os.replace(fresh, self._manifest)
        self.clear(kept=matrix.name)

    def clear(self, kept: str = "") -> None:
        """Remove the files of other matrices of the store, and without `kept` the manifest too."""
        if not kept:
            self._manifest.unlink(missing_ok=True)
        for path in self.folder.glob(f"{self.stem}-*.f32"):
            if path.name != kept:
                with suppress(OSError):  # Windows keeps what is still mapped
                    path.unlink()

    def path(self, name: str) -> Path:
        """Return the path of a matrix's file."""
        return self.folder / name

    def mapped(self, name: str, rows: int) -> "NDArray[np.float32]":
        """Map so many rows; raises ValueError where the file holds fewer."""
        if not rows:
            return np.empty((0, self.dimensions), dtype=_FLOAT)
        mapped: Any = np.memmap(self.path(name), _FLOAT, "r", shape=(rows, self.dimensions))
        return np.asarray(mapped)

    @property
    def _manifest(self) -> Path:
        return self.folder / f"{self.stem}.manifest"


def rows_of(found: Iterable[Any], attempts: Mapping[int, int]) -> Rows:
    """Return rows of (file_seq, seq, embedding) as the database gives them."""
    listed = list(found)
    return Rows(
        seqs=[row.seq for row in listed],
        owners=[(row.file_seq, attempts[row.file_seq]) for row in listed],
        vectors=b"".join(row.embedding for row in listed),
    )


def _living_rows(matrix: Matrix) -> Iterator[Rows]:
    (living,) = np.nonzero(matrix.living[matrix.owners])
    for start in range(0, len(living), _COPIED_ROWS):
        part = living[start : start + _COPIED_ROWS]
        yield Rows(
            seqs=matrix.seqs[part].tolist(),
            owners=[matrix.files[owner] for owner in matrix.owners[part]],
            vectors=matrix.vectors[part].tobytes(),
        )
