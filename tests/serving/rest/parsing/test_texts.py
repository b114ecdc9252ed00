"""JSON texts with arrays of numbers, long ones and short ones."""

import asyncio
import json
import threading

import numpy as np
import pytest

from penstock._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from penstock._src.serving.rest.parsing import texts
from penstock._src.serving.rest.parsing.texts import Texts
from penstock._src.serving.trust.admission import Admission
from penstock._src.serving.trust.limits import Limits


@pytest.fixture
def read():
    """`read(text)`: its value with arrays, and whether it was read in the event loop's thread."""
    limits = Limits(max_values=120_000, max_held_bytes=20_000_000)
    reader = Texts(limits, Admission(limits))

    def read(text, arrays=True):
        own = threading.get_ident()
        given = text if isinstance(text, bytes) else text.encode()
        return asyncio.run(reader.read(given, lambda v: (v, threading.get_ident() == own), arrays))

    yield read
    reader.close()


@pytest.mark.parametrize("count, on_loop", [(40, True), (1000, True), (30_000, False)])
def test_arrays_are_those_of_the_text(read, count, on_loop):
    given = np.random.default_rng(0).standard_normal((count, 2)).tolist()
    request = {
        "inputs": [{"x": given, "n": 3}, "text", list(range(100))],
        "more": {"y": [1.5] * 50},
    }
    found, was_on_loop = read(json.dumps(request))
    assert was_on_loop == on_loop
    plain = json.loads(json.dumps(found, default=np.ndarray.tolist))
    assert plain == request
    assert isinstance(found["inputs"][0]["x"], np.ndarray) == (count > 40)
    assert read(json.dumps(request), arrays=False) == (request, on_loop)


def test_numbers_that_are_not_finite(read):
    found, _ = read("[" + "NaN, -Infinity, 1, " * 30_000 + "1]")
    assert np.isnan(found[::3][:-1]).all() and (found[1::3] == -np.inf).all()
    with pytest.raises(ResourceExhaustedError, match="NaN or Infinity outside of long arrays"):
        read('["NaN",' + "1," * 110_000 + "NaN]")


def test_what_looks_like_a_mark_is_a_text(read):
    marks = [
        texts._MARKER.decode() + end for end in ("aaaaaaab", "pppppppp", "00000000", "£aaaaaaa")
    ]
    marks += [mark[:-1] for mark in marks]
    numbers = list(range(2000))
    found, _ = read(json.dumps({"a": marks, "b": numbers}))
    assert found["a"] == marks and found["b"].tolist() == numbers


@pytest.mark.parametrize("length", [10, 5000, 100_000])
@pytest.mark.parametrize("wrong", ["[1, 2", '{"a": [%s], }', '{"a": [%s] "b": 1}', "[%s]]"])
def test_what_is_no_json(read, wrong, length):
    with pytest.raises(InvalidArgumentError, match="JSON Parse error"):
        read(wrong.replace("%s", ", ".join(["1"] * (length // 3))))


def test_long_texts_of_many_values_are_refused(read):
    assert len(read('["a",' * 1 + '"a",' * 100_000 + '"a"]')[0]) == 100_002
    with pytest.raises(ResourceExhaustedError, match="has 130,00. values besides long arrays of numbers. It may have at most 120,000"):  # fmt: skip
        read('["a",' + '"a",' * 130_000 + '"a"]')
    with pytest.raises(ResourceExhaustedError, match="may hold 20,000,000"):
        read("[" + "{}," * 55_000 + "{}" + ", 1" * 10 + "]" + " " * 10_000_000)
    long = read(b"[" + b"1.25, " * 300_000 + b"1.25]")[0]  # an array is not many values
    assert long.shape == (300_001,)


def test_a_text_deeper_than_python_recurses(read):
    depth = 900
    found, _ = read("[" * depth + '"x"' + "]" * depth + " " * 5000)
    for _ in range(depth):
        (found,) = found
    assert found == "x"
    numbers = str(list(range(20_000)))
    found, _ = read("[" * depth + '"x", ' + numbers + "]" * depth)
    for _ in range(depth - 1):
        (found,) = found
    assert found[1].tolist() == list(range(20_000))
