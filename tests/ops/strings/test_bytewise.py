"""Strings that native functions make, compared with Python's bytes and base64."""

import base64
import itertools
import random

import numpy as np
import pytest

import penstock as tf


@pytest.fixture(scope="module")
def words():
    draw = random.Random(0)
    letters = b" \t\x0bab\xff\x00\xc3Zz@[`{=-_A9"
    drawn = [bytes(draw.choices(letters, k=draw.randrange(14))) for _ in range(3000)]
    return [*drawn, b"", b" ", b"\0", b"\n\n"]


def of(strings):
    return np.array([*strings, None], object)[:-1]


def test_letters_beyond_ascii_keep_their_case(words):
    assert tf.strings.upper(of(words)).numpy().tolist() == [w.upper() for w in words]
    assert tf.strings.lower(of(words)).numpy().tolist() == [w.lower() for w in words]


def test_strip_removes_ascii_white_space_alone(words):
    stripped = [w.strip(b" \t\n\r\x0b\x0c") for w in words]
    assert tf.strings.strip(of(words)).numpy().tolist() == stripped


@pytest.mark.parametrize("pad", [False, True])
def test_base64_goes_there_and_back(words, pad):
    expected = [base64.urlsafe_b64encode(w) for w in words]
    coded = tf.io.encode_base64(of(words), pad=pad)
    assert coded.numpy().tolist() == [w if pad else w.rstrip(b"=") for w in expected]
    assert tf.io.decode_base64(coded).numpy().tolist() == words


@pytest.mark.parametrize("word, said", [
    (b"A", "cannot be 1 modulo 4"), (b"A===", "Invalid character"), (b"AB=C", "Invalid character"),
    (b"AB+/", "Invalid character"), (b"=", "1 modulo 4"), (b"==", "Invalid"), (b"====", "Invalid"),
    (b"AB=", "Invalid character"), (b"ABCD\xff=", "Invalid character"), (b"AB C", "Invalid character"),
])  # fmt: skip
def test_malformed_base64_is_refused(word, said):
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        tf.io.decode_base64(of([b"QQ", word, b"QQ=="]))


def test_last_bits_of_base64_are_ignored():
    assert tf.io.decode_base64(of([b"QR", b"QUJ=", b"QX=="])).numpy().tolist() == [
        b"A",
        b"AB",
        b"A",
    ]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])  # fmt: skip
def test_whole_numbers_are_written_to_their_ends(dtype):
    ends = np.iinfo(dtype)
    numbers = np.array([ends.min, ends.max, 0, 9, 10, 99, 100, ends.max // 10], dtype)
    assert tf.strings.as_string(numbers).numpy().tolist() == [b"%d" % n for n in numbers.tolist()]
    every_other = tf.strings.as_string(numbers.reshape(2, 4)[:, ::2])
    assert every_other.numpy()[1].tolist() == [b"10", b"100"]
    # As C fills them up, natively up to 64.
    for fill, width in itertools.product(["", "0"], [0, 1, 2, 3, 20, 21, 63, 64, 65, 200]):
        wide = tf.strings.as_string(numbers, width=width, fill=fill).numpy().tolist()
        assert wide == [f"%{fill}{width}d".encode() % n for n in numbers.tolist()]


def test_truths_are_words_of_any_shape():
    assert tf.strings.as_string(True).numpy() == b"true"
    assert tf.strings.as_string([[False, True]]).numpy().tolist() == [[b"false", b"true"]]
    assert tf.strings.as_string(np.zeros([0, 2], bool)).shape == [0, 2]


@pytest.mark.parametrize("axes", [[0], [1], [0, 1], [1, 0], []])
def test_joins_along_axes(axes):
    x = np.array([[b"a", b"", b"c"], [b"\0", b"ee", b"f"]], object)
    joined = tf.strings.reduce_join(x, axes, separator="--").numpy()
    order = {(0,): x.T, (1,): x, (0, 1): x.T.reshape(1, 6), (1, 0): x.reshape(1, 6)}
    if axes:
        assert np.ravel(joined).tolist() == [b"--".join(row) for row in order[tuple(axes)]]
    else:
        assert joined.tolist() == x.tolist()
    empty = np.empty([2, 0], object)
    assert tf.strings.reduce_join(empty, 1).numpy().tolist() == [b"", b""]
    assert tf.strings.reduce_join(empty, 0).numpy().tolist() == []


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "complex64", "bool"])
@pytest.mark.parametrize("is_little", [True, False])
def test_raw_bytes_of_equal_strings_are_read(dtype, is_little):
    size = np.dtype(dtype).itemsize
    rows = [[bytes(range(k, k + 2 * size)) for k in (0, 1)], [bytes(2 * size), b"\1" * 2 * size]]
    x = np.empty((2, 2), object)
    x[:] = rows
    got = tf.io.decode_raw(x, dtype, little_endian=is_little).numpy()
    whole = np.frombuffer(b"".join(rows[0] + rows[1]), dtype)
    expected = whole if is_little or size == 1 else whole.byteswap()
    assert got.shape == (2, 2, 2)
    assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("words, said", [([b"ab", b"abc"], "same size"), ([b"abc", b"abc"], "multiple")])  # fmt: skip
def test_raw_bytes_of_other_sizes_are_refused(words, said):
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        tf.io.decode_raw(of(words), tf.int16)


def floats(rng, places):
    """Numbers of many sizes, numbers between two of so many places, and those next to them."""
    spread = rng.standard_normal(200) * 10.0 ** rng.uniform(-places - 3, 14 - places, 200)
    between = (rng.integers(-10_000, 10_000, 200) + 0.5) / 10.0**places
    exact = rng.integers(-10_000, 10_000, 200) / 2.0 ** (places + 1)
    beside = np.nextafter(between, rng.choice([-np.inf, np.inf], 200))
    return np.concatenate([[0.0, -0.0, 1e-300, -1e-300], spread, between, exact, beside])


@pytest.mark.parametrize("places", range(15))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_written_and_rounded_as_c_does(places, dtype):
    numbers = floats(np.random.default_rng(places), places).astype(dtype)
    written = tf.strings.as_string(numbers, precision=places).numpy().tolist()
    assert written == [b"%.*f" % (places, n) for n in numbers.tolist()]


@pytest.mark.parametrize("places", [22, 23, 309, 1074])
def test_floats_are_written_with_more_places_than_they_have(places):
    numbers = [1.5, -0.1, 1e-300]
    written = tf.strings.as_string(np.float64(numbers), precision=places).numpy().tolist()
    assert written == [b"%.*f" % (places, n) for n in numbers]


def test_large_floats_are_written_with_all_digits():
    numbers = [1e15, -1e22, 1.5]
    assert tf.strings.as_string(numbers).numpy().tolist() == [
        b"%f" % n for n in np.float32(numbers).tolist()
    ]


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16])
@pytest.mark.parametrize("form", [{}, {"precision": 2}, {"scientific": True}, {"width": 12}])
def test_narrow_floats_are_written_as_the_same_float32(dtype, form):
    numbers = tf.cast(np.linspace(-9, 9, 70), dtype)
    wide = tf.strings.as_string(tf.cast(numbers, tf.float32), **form)
    assert tf.strings.as_string(numbers, **form).numpy().tolist() == wide.numpy().tolist()


@pytest.mark.parametrize("form", [{}, {"precision": 2}, {"shortest": True}, {"width": 12}])
def test_complex_numbers_are_written_as_pairs(form):
    numbers = np.random.default_rng(0).normal(size=(2, 70, 2)).astype(np.float32)
    parts = tf.strings.as_string(numbers, **form)
    pairs = tf.strings.join(["(", parts[..., 0], ",", parts[..., 1], ")"]).numpy().tolist()
    assert (
        tf.strings.as_string(numbers.view(np.complex64)[..., 0], **form).numpy().tolist() == pairs
    )


@pytest.mark.parametrize(
    "form", [{}, {"precision": 2}, {"scientific": True}, {"width": 9, "fill": "0"}], ids=str
)
def test_numbers_beside_infinite_ones_are_written_together(form):
    numbers = np.array([[1.5, np.nan, -2.25], [np.inf, 1e5, -np.inf]])
    together = tf.strings.as_string(numbers, **form).numpy()
    alone = [[tf.strings.as_string(x, **form).numpy() for x in row] for row in numbers]
    assert together.tolist() == alone


@pytest.mark.parametrize("fill", ["", "0", "-", "+", " ", "#"])
@pytest.mark.parametrize("letter", ["e", "g", "f"])
@pytest.mark.parametrize("width, precision", [(-1, -1), (12, 3), (3, 0), (30, 17)])
def test_floats_are_written_as_c_writes_them(fill, letter, width, precision):
    numbers = [1.5, -2.25, 0.0, -0.0, 1e17, 999999.5, 1e-7, 123456789.0, -1e300]
    form = {"e": {"scientific": True}, "g": {"shortest": True}, "f": {}}[letter]
    written = tf.strings.as_string(
        np.float64(numbers), width=width, fill=fill, precision=precision, **form
    )
    size = str(width) if width > -1 else ""
    places = f".{precision}" if precision > -1 else ""
    c_form = f"%{fill}{size}{places}{letter}"
    assert written.numpy().tolist() == [(c_form % n).encode() for n in numbers]
    both = tf.strings.as_string(tf.complex(np.float64([1, np.inf]), np.float64([np.nan, -2])))
    assert both.numpy().tolist() == [b"(1.000000,nan)", b"(inf,-2.000000)"]
