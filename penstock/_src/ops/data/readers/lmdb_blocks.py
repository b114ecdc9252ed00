"""Blocks of the pairs of LMDB databases, in the order of their keys."""

import itertools
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from penstock._src.core.errors import DataLossError, FailedPreconditionError, NotFoundError
from penstock._src.ops.data.iteration.resume import Element, Failure, Resumable, State
from penstock._src.ops.data.pipeline import UNKNOWN, Pipeline, Run
from penstock._src.ops.data.readers.blocks import Block, BlockElements, BlockStacks, string_column
from penstock._src.util.process.installing import pip_install

_PAIRS = 256  # in a block


def lmdb() -> Any:
    """The package lmdb.

    Raises:
      ImportError: it is not installed.
    """
    try:
        import lmdb as found  # type: ignore[import-not-found,import-untyped]
    except ImportError as error:
        raise ImportError(f"Reading LMDB needs the package lmdb: {pip_install('lmdb')}.") from error
    return found


class _Database:
    """An open database: a process may open it once, so that all who read it share it."""

    _open: "weakref.WeakValueDictionary[str, _Database]" = weakref.WeakValueDictionary()
    _opening = threading.Lock()

    def __init__(self, path: str) -> None:
        if not os.path.exists(path):
            raise NotFoundError(f"{path}; No such file or directory")
        library = lmdb()
        try:
            self.environment = library.open(
                path,
                subdir=os.path.isdir(path),
                readonly=True,
                lock=False,
                readahead=False,
                create=False,
            )
        except library.InvalidError as error:
            raise DataLossError(f"{path}: {error}") from error
        except library.Error as error:
            raise FailedPreconditionError(f"{path}: {error}") from error

    @classmethod
    def at(cls, path: str) -> "_Database":
        """The database at a path, opened unless it is open."""
        path = os.path.realpath(path)
        with cls._opening:
            database = cls._open.get(path)
            if database is None:
                database = cls._open[path] = cls(path)
            return database

    def pairs(self, after: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """The pairs with keys greater than one, or all."""
        with self.environment.begin() as transaction, transaction.cursor() as cursor:
            if after is None:
                yield from cursor.iternext()
            elif cursor.set_range(after):
                if cursor.key() != after or cursor.next():
                    yield from cursor.iternext()


class Pairs(Pipeline):
    """The pairs of databases, one after the other."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def cardinality(self) -> int:
        return UNKNOWN

    def iterate(self, run: Run) -> Iterator[Element]:
        return BlockElements(_Blocks(self.paths))

    def stacks(self, run: Run, size: int, aligned: bool = False) -> Iterator[Element] | None:
        return None if aligned else BlockStacks(_Blocks(self.paths), size)


class _Blocks(Resumable):
    """Iterates over blocks of pairs, starting after the last key read."""

    plain, sources = ("number", "last"), ()

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        # The current database, and its last key that was read.
        self.number, self.last = 0, None
        self.database: _Database | None = None
        self.pairs: Iterator[tuple[bytes, bytes]] = iter(())

    def __next__(self) -> Block | Failure:
        while self.number < len(self.paths):
            try:
                block = self.block()
            except (DataLossError, NotFoundError, FailedPreconditionError) as error:
                self.close()
                return Failure(error)
            if block is not None:
                return block
            self.close()
        raise StopIteration

    def block(self) -> Block | None:
        """The next pairs of the current database; None at its end."""
        path = self.paths[self.number]
        if self.database is None:
            self.database = _Database.at(path)
            self.pairs = self.database.pairs(self.last)
        try:
            pairs = list(itertools.islice(self.pairs, _PAIRS))
        except lmdb().Error as error:
            raise DataLossError(f"{path}: {error}") from error
        if not pairs:
            return None
        self.last = pairs[-1][0]
        keys, values = zip(*pairs)
        return string_column(keys), string_column(values)

    def close(self) -> None:
        """Goes to the next database."""
        self.database, self.pairs, self.last = None, iter(()), None
        self.number += 1

    def restore(self, state: State) -> None:
        super().restore(state)
        self.database = None
