"""Many strings as one array of characters, for ops that work on all of them at once."""

import itertools

import numpy as np

from penstock._src.core.shapes import TensorShape
from penstock._src.ops.strings.encodings import well_formed_parts
from penstock._src.util.dataclass import dataclass

MALFORMED = -1


@dataclass
class Characters:
    """The characters of strings in UTF-8.

    Attributes:
      data: all strings, one after the other.
      starts: int64 [strings + 1], where each begins in `data`.
      points: int32 [characters], code points, MALFORMED for bytes that are none.
      begins: int64 [characters + 1], where each begins in `data`.
      splits: int64 [strings + 1], the number of each string's first character.
    """

    data: bytes
    starts: np.ndarray
    points: np.ndarray
    begins: np.ndarray
    splits: np.ndarray

    def is_first(self) -> np.ndarray:
        """True for each character that begins a string; one more entry, which is True, for the end."""
        first = np.zeros(len(self.points) + 1, bool)
        first[self.splits] = True
        return first


def starts_of(rows: np.ndarray) -> np.ndarray:
    """The starts of strings when concatenated, and the end of the last one."""
    starts = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)), out=starts[1:])
    return starts


def characters(rows: np.ndarray) -> Characters:
    """Decodes a vector of strings."""
    data, starts = b"".join(rows), starts_of(rows)
    if data.isascii():
        points = np.frombuffer(data, np.uint8).astype(np.int32)
        return Characters(data, starts, points, np.arange(len(data) + 1), starts)
    begin_character = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _with_malformed(data, starts, rows)
    if not begin_character[starts[:-1][np.diff(starts) > 0]].all():
        return _with_malformed(data, starts, rows)
    points = np.frombuffer(text.encode("utf-32-le"), "<i4").astype(np.int32, copy=False)
    begins = np.append(np.flatnonzero(begin_character), len(data))
    return Characters(data, starts, points, begins, np.searchsorted(begins, starts))


def _with_malformed(data: bytes, starts: np.ndarray, rows: np.ndarray) -> Characters:
    parts = [list(well_formed_parts(row)) for row in rows]
    splits = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    flat = list(itertools.chain.from_iterable(parts))
    points = np.array([MALFORMED if p is None else p for p, _ in flat], np.int32)
    inner = np.array([begin for _, begin in flat], np.int64)
    begins = np.append(inner + np.repeat(starts[:-1], np.diff(splits)), len(data))
    return Characters(data, starts, points, begins, splits)


def cut(data: bytes, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The parts of `data` between positions, as an array of strings."""
    out = np.empty(len(begins), object)
    out[:] = [data[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
    return out


def splits_shape(values: TensorShape, name: str = "") -> list[int | None]:
    """The shape of the row splits of a ragged tensor with a row for each element of a vector."""
    count = values.with_rank(1)[0]
    return [None if count is None else count + 1]
