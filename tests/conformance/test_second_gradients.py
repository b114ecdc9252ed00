"""Gradients of the gradients of drawn calls are those that TensorFlow gave (`record.py`), eagerly and compiled."""

import json

import numpy as np
import pytest

import penstock as tf
from tests.conformance.calling import second_gradients, tensors
from tests.conformance.record import SECOND, TARGET, array_at, load

CALLS, STORE = load(TARGET)
FOUND, RESULTS = load(SECOND)
OPS = sorted({CALLS[int(place)]["op"] for place in FOUND})
# Relative to the larger of 1 and the number: two gradients, rounded in another order.
TOLERANCE = {"float32": 2e-4, "complex64": 2e-4, "float64": 1e-9, "complex128": 1e-9}
# Beside a quotient that has overflowed the gradient is made of infinities, which cancel in another order.
INFINITE = {"RealDiv"}


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("op", OPS)
def test_op(op, traced):
    for place, names in FOUND.items():
        entry = CALLS[int(place)]
        if entry["op"] != op:
            continue
        values = tensors(tf, [array_at(STORE, name) for name in entry["inputs"]])

        def run(op=op, values=values, entry=entry):
            return second_gradients(tf, op, values, entry["attrs"])

        found = (tf.function(run, autograph=False) if traced else run)()
        for made, name in zip(found, names, strict=True):
            compare(made, None if name is None else array_at(RESULTS, name), op, entry["attrs"])


def compare(made, wanted, op, attrs):
    """Holds a gradient to TensorFlow's; none is as good as zeros."""
    if made is None or wanted is None:
        present = wanted if made is None else made
        assert present is None or not np.any(present), json.dumps(attrs)
        return
    made = made.numpy()
    assert made.dtype == wanted.dtype and made.shape == wanted.shape, json.dumps(attrs)
    counted = np.isfinite(wanted) if op in INFINITE else np.ones(wanted.shape, bool)
    size = np.where(np.isfinite(wanted), np.maximum(1, np.abs(wanted)), 1)[counted]
    rtol = TOLERANCE[wanted.dtype.name]
    np.testing.assert_allclose(made[counted] / size, wanted[counted] / size, rtol, rtol)
