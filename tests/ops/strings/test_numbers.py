"""Numbers written as strings."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.strings import convert
from penstock._src.ops.strings.numbers import needs_care, to_float, to_integer


@pytest.mark.parametrize(
    "text", [b"", b"1_0", b"1.0", b"0x10", b"2147483648", b"- 1", "３".encode()]
)
def test_what_is_no_int32(text):
    assert to_integer(text, np.int32) is None


def test_white_space_and_signs_of_integers():
    assert to_integer(b"\t +7\n", np.int64) == 7 and to_integer(b"-0", np.int32) == 0


def test_floats_are_rounded_once():
    for text, neighbor in ((b"16777217.000000001", 16777218), (b"16777216.999999999", 16777216)):
        assert to_float(text, np.float32) == neighbor
    # Half of the smallest float, and a little more.
    assert to_float(b"7.006492321624085e-46", np.float32) == 0
    assert to_float(b"7.006492321624086e-46", np.float32) == np.float32(1e-45)
    assert to_float(b"3.4028236e38", np.float32) == np.inf


@pytest.mark.parametrize("text", [b"0x", b"1e", b"1d5", b"infin", b"1\0", b"1.5f", b"+-1"])
def test_what_is_no_float(text):
    assert to_float(text, np.float64) is None


def test_doubles_that_may_be_rounded_twice():
    doubles = np.array([1.0, 1 + 2**-24, 0.1, 1e-40, 0.0, np.inf])
    assert needs_care(doubles).tolist() == [False, True, False, True, False, False]


def test_numbers_of_17_digits_are_read_natively(monkeypatch):
    random = np.random.default_rng(0)
    numbers = random.normal(size=500) * 10.0 ** random.integers(-20, 20, 500)
    texts = [*map(repr, numbers.tolist()), "9007199254740993", "9999999999999999999", "-0.0"]
    wanted = np.array(list(map(float, texts)))
    monkeypatch.setattr(convert, "to_float", None)
    found = tf.strings.to_number(texts, tf.float64).numpy()
    np.testing.assert_array_equal(found.view(np.int64), wanted.view(np.int64))
    found = tf.strings.to_number(texts[:500]).numpy()
    np.testing.assert_array_equal(found, wanted[:500].astype(np.float32))


def test_scalars_beside_halves_are_written_as_in_vectors():
    numbers = np.array([123456.789, 0.5, 2.5, -0.5, np.float64(np.float32(123456.789)), 0.1])
    for digits in (-1, 0, 10):
        vector = tf.strings.as_string(numbers, precision=digits).numpy().tolist()
        assert vector == [tf.strings.as_string(n, precision=digits).numpy() for n in numbers]
        assert vector == [f"{n:.{6 if digits < 0 else digits}f}".encode() for n in numbers]
