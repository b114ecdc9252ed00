"""Native code over arrays of strings, beside Python."""

import random
import sys

import numpy as np
import pytest

from penstock._src.native.readers.pieces import splitter
from penstock._src.native.readers.string_index import StringIndex, numbered
from penstock._src.ops.strings.elements import strings
from penstock._src.ops.strings.fingerprint import fingerprint64, fingerprint_buckets, fingerprints64

DRAWN = random.Random(7)


def vector(values):
    return strings(values, (len(values),))


def test_fingerprints_of_all_lengths():
    rows = vector([DRAWN.randbytes(size) for size in (*range(200), 1000, 4095, 4096)])
    assert fingerprints64(rows).tolist() == [fingerprint64(row) for row in rows]


@pytest.mark.parametrize(
    "count", [1, 2, 3, 7, 1000, 1 << 32, (1 << 32) + 1, (1 << 62) + 1, (1 << 63) - 1]
)
def test_buckets_are_remainders_of_unsigned_hashes(count):
    rows = [DRAWN.randbytes(size) for size in range(400)]
    assert max(map(fingerprint64, rows)) >> 63  # negative as a signed word
    found = fingerprint_buckets(vector(rows), count)
    assert found.dtype == np.int64 and found.tolist() == [
        fingerprint64(row) % count for row in rows
    ]


@pytest.mark.parametrize("separator", [b"", b",", b"--", b"ab"])
def test_pieces_are_those_of_python(separator):
    letters = [b" ", b"\t", b",", b"-", b"a", b"b", b"\xc3\xa9", b"\0"]
    rows = [b"".join(DRAWN.choices(letters, k=size % 83)) for size in range(400)]
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


def _pieces_at_commas(rows):
    given = vector(rows), len(rows), b",", 1
    pieces = np.empty(splitter().count(*given, np.empty(len(rows), np.int64)), object)
    splitter().split(*given, pieces, np.empty((len(pieces), 2), np.int64))
    assert pieces.tolist() == [piece for row in rows for piece in row.split(b",")]
    return pieces


def test_equal_short_pieces_share_an_object():
    pieces = _pieces_at_commas([b"ab,ab", b"abc,ab", b"aaaaaaaa,aaaaaaaa"])
    assert pieces[0] is pieces[1] is pieces[3] and pieces[4] is pieces[5]
    kept = pieces[0]
    del pieces
    assert sys.getrefcount(kept) == 2


@pytest.mark.parametrize("count", [40, 4000])  # fewer than there are slots, and many more
def test_pieces_that_differ_in_a_byte_or_in_zeros_are_not_shared(count):
    texts = [b"a\0", b"\0a", b"a\0\0", b"aaaaaaaa", b"aaaaaaaaa", b"", b"a", b"\0\0"]
    texts += [DRAWN.randbytes(2 + i % 9).replace(b",", b".") for i in range(count // 2)]
    texts += [b"%d" % number for number in range(count // 2)]
    _pieces_at_commas([b",".join(DRAWN.choices(texts, k=40)) for _ in range(500)])


@pytest.mark.parametrize("count", [0, 1, 60])
def test_bytes_are_taken_one_by_one(count):
    rows = [DRAWN.randbytes(i % 40) for i in range(count)] + [b"", bytes(range(256))] * (count > 1)
    total = sum(map(len, rows))
    alphabet = vector([bytes([code]) for code in range(256)])
    pieces, places = np.empty(total, object), np.empty((total, 2), np.int64)
    assert splitter().take_bytes(vector(rows), len(rows), alphabet, pieces, places) == total
    assert pieces.tolist() == [bytes([code]) for row in rows for code in row]
    assert places.tolist() == [[i, j] for i, row in enumerate(rows) for j in range(len(row))]


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
