"""Drawn calls give the results and gradients that TensorFlow gave (`record.py`), eagerly and compiled."""

import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from tests.conformance.record import attributes

with np.load(pathlib.Path(__file__).with_name("recorded.npz")) as _file:
    CALLS = json.loads(str(_file["calls"]))
    STORE = {name: _file[name] for name in _file.files if name not in ("calls", "version")}
OPS = sorted({call["op"] for call in CALLS})
# Rounding of sums of some hundred products, in another order than TensorFlow's.
TOLERANCE = {"float16": (4e-3, 4e-3), "float32": (2e-5, 2e-5), "float64": (1e-10, 1e-10)}


def array(name):
    """The array that `record.Store` kept under a name."""
    shape = name["shape"]
    count = int(np.prod(shape))
    return STORE[name["type"]][name["at"] : name["at"] + count].reshape(shape)


def compare(made, name, what):
    wanted = array(name)
    assert made.dtype == wanted.dtype and made.shape == wanted.shape, what
    real = wanted.real.dtype.name
    if real not in TOLERANCE:
        np.testing.assert_array_equal(made, wanted, err_msg=what)
        return
    rtol, atol = TOLERANCE[real]
    np.testing.assert_allclose(made, wanted, rtol=rtol, atol=atol, err_msg=what)


def run(call, values):
    made = getattr(tf.raw_ops, call["op"])
    names = list(made.__signature__.parameters)
    return tf.nest.flatten(
        made(**dict(zip(names, values, strict=False)), **attributes(call["attrs"]))
    )


def recorder(call, values, watched):
    """Returns the function of nothing that gives outputs and gradients."""
    wanted = any(call["gradients"])

    def results():
        with tf.GradientTape() as tape:
            tape.watch(watched)
            outputs = run(call, values)
            floats = [o for o in outputs if o.dtype.is_floating]
        return outputs, tape.gradient(floats, watched) if wanted else []

    return results


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("op", OPS)
def test_op(op, traced):
    for call in CALLS:
        if call["op"] != op:
            continue
        values = [
            [tf.constant(array(n)) for n in part]
            if isinstance(part, list)
            else tf.constant(array(part))
            for part in call["inputs"]
        ]
        watched = [v for v in tf.nest.flatten(values) if v.dtype.is_floating]

        results = recorder(call, values, watched)
        outputs, found = (tf.function(results, autograph=False) if traced else results)()
        for made, name in zip(outputs, call["outputs"], strict=True):
            compare(made.numpy(), name, f"{call['attrs']}")
        for made, name in zip(found, call["gradients"], strict=False):
            if name:
                compare(tf.convert_to_tensor(made).numpy(), name, f"gradient {call['attrs']}")
