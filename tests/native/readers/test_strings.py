"""Native code over arrays of strings, beside Python."""

import random

import numpy as np
import pytest

from penstock._src.native.readers.pieces import splitter
from penstock._src.native.readers.string_index import StringIndex, numbered
from penstock._src.ops.strings.elements import strings
from penstock._src.ops.strings.fingerprint import fingerprint64, fingerprints64

DRAWN = random.Random(7)


def vector(values):
    return strings(values, (len(values),))


def test_fingerprints_of_all_lengths():
    rows = vector([DRAWN.randbytes(size) for size in (*range(200), 1000, 4095, 4096)])
    assert fingerprints64(rows).tolist() == [fingerprint64(row) for row in rows]


@pytest.mark.parametrize("separator", [b"", b",", b"--", b"ab"])
def test_pieces_are_those_of_python(separator):
    letters = [b" ", b"\t", b",", b"-", b"a", b"b", b"\xc3\xa9", b"\0"]
    rows = [b"".join(DRAWN.choices(letters, k=size % 12)) for size in range(400)]
    counts = np.empty(len(rows), np.int64)
    given = vector(rows), len(rows), separator, len(separator)
    pieces = np.empty(splitter().count(*given, counts), object)
    places = np.empty((len(pieces), 2), np.int64)
    assert splitter().split(*given, pieces, places) == len(pieces)
    # Unlike bytes.split, an empty string has an empty piece only if there is a separator.
    expected = [row.split(separator or None) for row in rows]
    assert counts.tolist() == [len(row) for row in expected]
    assert pieces.tolist() == [piece for row in expected for piece in row]
    assert places.tolist() == [[i, j] for i, row in enumerate(expected) for j in range(len(row))]


def test_numbers_of_strings():
    keys = list({DRAWN.randbytes(DRAWN.randrange(90)) for _ in range(2000)})
    index = StringIndex(vector(keys))
    assert index.find(vector(keys)).tolist() == list(range(len(keys)))
    numbers = {key: at for at, key in enumerate(keys)}
    asked = [DRAWN.randbytes(DRAWN.randrange(3)) for _ in range(2000)]
    asked += [key[:-1] + b"x" for key in keys if key] + [b"y" + key for key in keys]
    assert index.find(vector(asked)).tolist() == [numbers.get(key, -1) for key in asked]
    assert StringIndex(vector([])).find(vector([b"a"])).tolist() == [-1]


def test_strings_are_numbered_in_order_of_appearance():
    words = [bytes([i % 3]) * (i % 70) for i in range(0, 5000, 7)]
    numbers: dict = {}
    expected = [numbers.setdefault(word, len(numbers)) for word in words]
    first, found = numbered(vector(words))
    assert found.tolist() == expected
    assert [words[i] for i in first] == list(numbers)
