"""Native algorithms beside what ops compute in Python where there is no native code."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.array import unique
from penstock._src.ops.image import boxes, interpolation
from penstock._src.ops.math.segments import segment
from penstock._src.ops.random import stateful
from penstock._src.ops.strings import basic, convert
from penstock._src.ops.strings.elements import strings

RNG = np.random.default_rng(3)


def in_both(monkeypatch, module, compute):
    """What is computed natively and in Python."""
    native = compute()
    monkeypatch.setattr(module, "runs_native_code", lambda: False)
    return native, compute()


def assert_equal(pair):
    for x, y in zip(*map(tf.nest.flatten, pair), strict=True):
        np.testing.assert_array_equal(x, y)
        assert x.dtype == y.dtype


@pytest.mark.parametrize("threshold", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("most", [0, 3, 100])
def test_suppression(monkeypatch, threshold, most):
    corners = np.round(RNG.random((60, 4)) * 6).astype(np.float32) / 6  # some without an area
    corners[7] = np.nan
    scores = RNG.integers(0, 9, 60).astype(np.float32)

    def suppressed():
        return tf.image.non_max_suppression(corners, scores, most, threshold, 1.0)

    assert_equal(in_both(monkeypatch, boxes, suppressed))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int16])
def test_interpolation(monkeypatch, kind, channels):
    def resized(shape, size, **centers):
        images = (RNG.random((*shape, channels)) * 255).astype(kind)
        if kind is np.float32:
            images[0, -1, -1] = np.inf

        def resize():
            return tf.raw_ops.ResizeBilinear(images=images, size=size, **centers)

        assert_equal(in_both(monkeypatch, interpolation, resize))
        monkeypatch.undo()

    for shape in [(1, 23, 40), (2, 7, 5), (3, 1, 1), (2, 30, 1), (1, 130, 17)]:
        for size in [(16, 24), (3, 4), (1, 1), (40, 50)]:
            resized(shape, size)
            resized(shape, size, align_corners=True)
            resized(shape, size, half_pixel_centers=True)


@pytest.mark.parametrize("kind", [np.int64, np.float32, object])
def test_edit_distances(monkeypatch, kind):
    def sparse():
        places = np.argwhere(RNG.random((5, 2, 9)) < 0.4)
        values = RNG.integers(0, 3, len(places))
        if kind is object:
            return tf.SparseTensor(places, [f"letter {v}" for v in values], [5, 2, 9])
        return tf.SparseTensor(
            places,
            np.where(values == 2, np.nan, values).astype(kind) if kind is np.float32 else values,
            [5, 2, 9],
        )

    first, second = sparse(), sparse()
    for normalize in (False, True):
        assert_equal(
            in_both(monkeypatch, unique, lambda n=normalize: tf.edit_distance(first, second, n))
        )


def test_shuffles(monkeypatch):
    def shuffled():
        tf.random.set_seed(2)
        return tf.random.shuffle(np.arange(501), seed=4)

    assert_equal(in_both(monkeypatch, stateful, shuffled))


def test_hashes_and_characters_of_strings(monkeypatch):
    rows = strings([RNG.bytes(size) for size in range(90)], (90,))

    def numbers():
        keyed = tf.strings.to_hash_bucket_strong(rows, 10**15, [-5, 2**61])
        murmur = [tf.strings.to_hash_bucket(rows, n) for n in (1, 10**15, (1 << 63) - 1)]
        return keyed, murmur, tf.strings.length(rows, "UTF8_CHAR")

    assert_equal(in_both(monkeypatch, basic, numbers))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.int32, tf.int64])
def test_numbers_in_strings(monkeypatch, dtype):
    texts = ["7", " -12\t", "+003"]
    if dtype.is_floating:
        texts += [
            "-0",
            "1e400",
            "1e-45",
            "0.1",
            "3.4028235677973366e38",
            "1.00000017881393432617187499",
        ]
        texts += ["inf", "0x1p-3", ".5", "9007199254740993", "123456789012345678901234567890"]
    else:
        texts += [str(dtype.max), str(dtype.min)]
    assert_equal(in_both(monkeypatch, convert, lambda: tf.strings.to_number(texts, dtype)))


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_integers_of_every_length_among_blanks(dtype):
    digits = [str(10**k // 81 + k)[:k] for k in range(1, len(str(dtype.max)))]
    texts = [sign + n for n in ("0" * 8, *digits) for sign in ("", "+", "-")]
    texts += [f" {n}\n" for n in texts]
    assert tf.strings.to_number(texts, dtype).numpy().tolist() == [int(n) for n in texts]


@pytest.mark.parametrize("place", range(8))
def test_a_character_among_digits_is_refused(place):
    for byte in [*range(1, 48), *range(58, 256)]:
        digits = bytearray(b"12345678")
        digits[place] = byte
        if place in (0, 7) and (chr(byte) in " \t\n\v\f\r" or (chr(byte) in "+-" and not place)):
            continue
        with pytest.raises(tf.errors.InvalidArgumentError, match="could not correctly convert"):
            tf.strings.to_number([bytes(digits)], tf.int32)


@pytest.mark.parametrize("text", ["", "1 2", "1e", "--1", "2147483648"])
def test_strings_that_are_no_numbers_are_refused(text):
    with pytest.raises(tf.errors.InvalidArgumentError, match="could not correctly convert"):
        tf.strings.to_number(["1", text], tf.int32)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("operation", ["sum", "prod", "max", "min"])
def test_segments_of_rows(monkeypatch, dtype, operation):
    ids = np.sort(RNG.choice([0, 1, 4, 5], 700))  # segments longer than a stretch, and empty ones
    rows = RNG.integers(-3, 4, (700, 21)).astype(dtype)  # sums are exact in any order
    rows = np.sign(rows) if operation == "prod" else rows
    if dtype == "float32":
        rows[5, 3] = np.nan
    combine = getattr(tf.math, f"segment_{operation}")
    assert_equal(in_both(monkeypatch, segment, lambda: combine(rows, ids)))
