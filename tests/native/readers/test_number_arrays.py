"""Arrays of numbers in JSON texts."""

import json
import random
import struct

import numpy as np
import pytest

from penstock._src.native.readers.number_arrays import ENTRY, MARK, number_arrays

MARKER = b"0123456789abcdef"


def scan(text, most=10):
    """The rest of a text, the arrays, and how many lists, objects and commas the rest has."""
    size = len(text)
    rest, held = np.zeros(size + 2, np.uint8), np.zeros(size // 2 + 1, np.int64)
    entries, told = np.zeros((most + 1, ENTRY), np.int64), np.zeros(4, np.int64)
    found = number_arrays().scan(text, size, MARKER, 13, rest, held, entries, most, told)
    arrays = []
    for begin, count, are_doubles, rank, *extents in entries[:found].tolist():
        numbers = held[begin : begin + count]
        numbers = numbers.view(np.float64) if are_doubles else numbers
        arrays.append(numbers.reshape(extents[:rank]))
    return rest[: told[0]].tobytes(), arrays, told[1:].tolist()


def mark(letters):
    return b'"' + MARKER + letters.rjust(MARK - 16, b"a") + b'"'


def test_arrays_are_marked_and_the_rest_is_kept():
    long = [[i, i + 0.5] for i in range(8)]
    text = json.dumps({"a [1, 2": long, "b": [1, 2], "c": [["x", list(range(13))]], "d": {}})
    rest, arrays, counts = scan(text.encode())
    assert rest == b'{"a [1, 2": %b, "b": [1, 2], "c": [["x", %b]], "d": {}}' % (mark(b"a"), mark(b"b"))  # fmt: skip
    np.testing.assert_array_equal(arrays[0], long)
    assert arrays[1].dtype == np.int64 and arrays[1].tolist() == list(range(13))
    assert counts == [3, 2, 3 + 2 + 1]


def test_no_more_than_are_asked_for():
    text = json.dumps([list(range(20))] * 3 + ["x"]).encode()
    rest, arrays, _ = scan(text, 2)
    assert len(arrays) == 2 and json.loads(rest)[2] == list(range(20))
    assert scan(text, 0)[:2] == (text, [])


@pytest.mark.parametrize(
    "one",
    [
        *("01", "-", ".5", "1.", "1e", "+1", "1e400", "1e-400", "NaNs", "-NaN", "Infinit", "true", "null", '"1"', ""),
        *("9223372036854775808", "12345678901234567890", "[1]", "[]", "{}", "1 2"),
    ],
)  # fmt: skip
def test_what_else_stands_in_an_array_is_left(one):
    text = b"[[" + b"1, " * 20 + one.encode() + b"]]"
    assert scan(text)[:2] == (text, [])


@pytest.mark.parametrize("text", ["[[%s], [%s, 1]]", "[%s, [%s]]", "[[%s], %s]", "[%s", "[[%s]", "[%s,]"])  # fmt: skip
def test_ragged_arrays_and_those_without_an_end_are_left(text):
    numbers = ", ".join(["1"] * 20)
    text = text.replace("%s", numbers).encode()
    rest, arrays, _ = scan(text)
    for number, array in enumerate(arrays):  # those within
        rest = rest.replace(mark(b"ab"[number : number + 1]), json.dumps(array.tolist()).encode())
    assert rest == text and all(array.ndim == 1 for array in arrays)


def test_strings_hide_brackets_and_may_not_end():
    numbers = ", ".join(["1"] * 20)
    for text in (rf'{{"a\"[{numbers}]\\": "[{numbers}]"}}', f'"[{numbers}]', f'"[{numbers}]\\'):
        assert scan(text.encode())[:2] == (text.encode(), [])


def test_texts_that_almost_are_arrays_are_not_read_again_and_again():
    depth = 16
    text = b"[" * depth + b"1," * 1_000_000 + b'"x"' + b"]" * depth
    assert scan(text)[1] == []
    deep = b"[" * 1_000_000
    assert scan(deep)[:2] == (deep, [])


def decimal(random):
    """A number in one of the notations that programs write, or at the edge between two doubles."""
    kind = random.randrange(6)
    if kind == 0:
        return str(random.randrange(-(2**63) + 1, 2**63))
    if kind == 1:
        bits = random.getrandbits(52) | random.randrange(1, 2047) << 52
        return repr(struct.unpack("d", struct.pack("Q", bits))[0])
    if kind == 2:
        return repr(float(np.float32(random.gauss(0, 1) * 10.0 ** random.randrange(-9, 9))))
    if kind == 3:
        digits = str(random.randrange(1, 10 ** random.randrange(1, 20)))
        return f"{random.choice(['', '-'])}0.{'0' * random.randrange(12)}{digits}"
    if kind == 4:
        return f"{2 * (random.getrandbits(52) | 1 << 52) + 1}e{random.randrange(-30, 30)}"
    return random.choice(["0", "-0", "-0.0", "0e5", "9007199254740993.0", "1E+2", "NaN", "-Infinity", "Infinity", "1e23"])  # fmt: skip


def test_numbers_are_those_of_python():
    generator = random.Random(0)
    for _ in range(300):
        numbers = [decimal(generator) for _ in range(100)]
        text = ("[" + " ,\n".join(numbers) + "]").encode()
        _, (array,), _ = scan(text)
        expected = np.array(json.loads(text))
        assert array.dtype == expected.dtype and array.tobytes() == expected.tobytes()
        text = ("[" + ",".join(number for number in numbers if number.lstrip("-").isdigit()) * 5 + "]").encode()  # fmt: skip
        for array in scan(text)[1]:
            assert array.dtype == np.int64 and array.tolist() == json.loads(text)
