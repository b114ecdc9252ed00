"""Plain values as bytes."""

import numpy as np

from penstock._src.distribute.workers.elastic import plain


def test_plain_values_come_back():
    value = {"a": [1, 2.5, None, float("inf")], (1, "b"): np.float32(3), "c": {1, 2}, "d": b"\x00", "e": ()}  # fmt: skip
    told = plain.decode(plain.encode(value))
    assert told == value and type(told[1, "b"]) is np.float32


def test_arrays_keep_type_and_shape():
    for array in (np.arange(6, dtype=np.int16).reshape(2, 3), np.array(2.0), np.array(["ab", "c"])):
        told = plain.decode(plain.encode([array]))[0]
        assert told.dtype == array.dtype and np.array_equal(told, array)


def test_other_values_are_not_written():
    assert plain.encode([len]) is None
    assert plain.encode(np.array([object()])) is None
