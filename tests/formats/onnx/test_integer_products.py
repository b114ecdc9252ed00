"""Products of integers of 8 bits minus zero points that are constants, or that only a run knows."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.reading.model import read_proto
from tests.formats.onnx.models import graph, model, node, value

RNG = np.random.default_rng(5)
DTYPES = {"int8": dtypes.int8, "uint8": dtypes.uint8}


def numbers(dtype, *shape):
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max + 1, shape).astype(dtype)


def product(given, held):
    """MatMulInteger of `a b a_zero b_zero`, of which some are inputs and some are constants."""
    arrays = given | held
    inputs = [value(k, x.shape, DTYPES[x.dtype.name]) for k, x in given.items()]
    used = " ".join(name if name in arrays else "-" for name in ("a", "b", "a_zero", "b_zero"))
    made = graph(
        [node("MatMulInteger", used, "y")], inputs, [value("y", [None], dtypes.int32)], **held
    )
    function = read_proto(model(made)).signatures["serving_default"]
    return function(**{k: tf.constant(x) for k, x in given.items()})["y"].numpy()


def expected(a, b, a_zero=0, b_zero=0):
    def rows(zero):
        return np.asarray(zero, np.int64).reshape([*np.shape(zero), 1] if np.size(zero) > 1 else [])

    def columns(zero):
        return np.asarray(zero, np.int64).reshape(np.shape(zero) if np.size(zero) > 1 else [])

    return (a.astype(np.int64) - rows(a_zero)) @ (b.astype(np.int64) - columns(b_zero))


@pytest.mark.parametrize("right", ["int8", "uint8"])
@pytest.mark.parametrize("left", ["int8", "uint8"])
@pytest.mark.parametrize("zeros", ["none", "scalars", "vectors"])
@pytest.mark.parametrize("at_run_time", [(), ("a", "a_zero"), ("a", "b", "a_zero", "b_zero")])
def test_all_kinds_of_operands(left, right, zeros, at_run_time):
    arrays = {"a": numbers(left, 5, 70), "b": numbers(right, 70, 33)}
    if zeros == "scalars":
        arrays |= {"a_zero": numbers(left), "b_zero": numbers(right)}
    if zeros == "vectors":
        arrays |= {"a_zero": numbers(left, 5), "b_zero": numbers(right, 33)}
    given = {k: x for k, x in arrays.items() if k in (at_run_time or ("a",))}
    found = product(given, {k: x for k, x in arrays.items() if k not in given})
    np.testing.assert_array_equal(found, expected(**arrays))


@pytest.mark.parametrize("shapes", [((2, 3, 4, 9), (9, 6)), ((3, 4, 9), (3, 9, 6)), ((9,), (9, 6))])
def test_stacks_and_vectors(shapes):
    a, b = numbers("uint8", *shapes[0]), numbers("int8", *shapes[1])
    zero = np.uint8(131)
    found = product({"a": a, "a_zero": np.array(zero)}, {"b": b})
    np.testing.assert_array_equal(found, expected(a, b, zero))
