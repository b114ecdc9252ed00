"""Eager ops keep NumPy's warnings of infinite and missing numbers to themselves, as TensorFlow has none."""

import warnings

import numpy as np
import pytest

import penstock as tf
from tests.conformance.calling import call, tensors
from tests.conformance.record import TARGET, array_at, load

CALLS, STORE = load(TARGET)
PLAIN = [entry for entry in CALLS if "variables" not in entry]


def with_odd_numbers(inputs):
    """The inputs, and the same with an infinity or a NaN as the first number of each float array."""
    yield inputs
    for place, array in enumerate(inputs):
        if not isinstance(array, list) and array.size and array.dtype.kind in "fV":
            for number in (np.inf, np.nan):
                changed = array.copy()
                changed.reshape(-1)[0] = number
                yield [*inputs[:place], changed, *inputs[place + 1 :]]


@pytest.mark.parametrize("op", sorted({entry["op"] for entry in PLAIN}))
def test_op(op):
    for entry in PLAIN:
        for inputs in with_odd_numbers([array_at(STORE, name) for name in entry["inputs"]]):
            if entry["op"] != op:
                break
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always", RuntimeWarning)
                try:
                    call(tf, op, tensors(tf, inputs), entry["attrs"])
                except tf.errors.InvalidArgumentError:
                    pass  # an infinity where a finite number is asked for
            assert [str(one.message) for one in found] == []
