"""Drawn calls give the results and gradients that TensorFlow gave (`record.py`), eagerly and compiled."""

import json

import numpy as np
import pytest

import penstock as tf
from tests.conformance.calling import call, call_on_variables, tensors
from tests.conformance.record import TARGET, array_at, load
from tests.harness.static_shapes import watching

CALLS, STORE = load(TARGET)
OPS = sorted({entry["op"] for entry in CALLS})
# Rounding of sums of some hundred products, in another order than TensorFlow's.
TOLERANCE = {
    "float16": (4e-3, 4e-3),
    "bfloat16": (2e-2, 2e-2),
    "float32": (2e-5, 2e-5),
    "float64": (1e-10, 1e-10),
}


def narrowest_of(names):
    """Returns the tolerance of the narrowest type of floats among inputs."""
    flat = [part for name in names for part in (name["list"] if isinstance(name, dict) else [name])]
    kinds = [
        {"complex64": "float32", "complex128": "float64"}.get(name[0], name[0]) for name in flat
    ]
    return max((TOLERANCE[kind] for kind in kinds if kind in TOLERANCE), default=(0, 0))


def compare(made, name, narrowest, what):
    wanted = array_at(STORE, name)
    assert made.dtype == wanted.dtype and made.shape == wanted.shape, what
    real = wanted.real.dtype.name
    if real not in TOLERANCE:
        np.testing.assert_array_equal(made, wanted, err_msg=what)
        return
    rtol, atol = max(TOLERANCE[real], narrowest)
    if wanted.dtype.kind == "V":
        made, wanted = made.astype(np.float32), wanted.astype(np.float32)
    np.testing.assert_allclose(made, wanted, rtol=rtol, atol=atol, err_msg=what)


def results(entry, wrap):
    """Returns the outputs of a call and its gradients, as arrays, from the function that `wrap` makes of it."""
    inputs = [array_at(STORE, name) for name in entry["inputs"]]
    if "variables" in entry:
        variables = [array_at(STORE, name) for name in entry["variables"]]
        return call_on_variables(tf, entry["op"], variables, inputs, entry["attrs"], wrap), []
    values = tensors(tf, inputs)
    wanted = any(entry["gradients"])

    def run(values):
        with tf.GradientTape() as tape:
            watched = [
                v for v in tf.nest.flatten(values) if v.dtype.is_floating or v.dtype.is_complex
            ]
            tape.watch(watched)
            outputs = call(tf, entry["op"], values, entry["attrs"])
            smooth = [o for o in outputs if o.dtype.is_floating or o.dtype.is_complex]
        return outputs, tape.gradient(smooth, watched) if wanted else []

    outputs, found = wrap(run)(values)
    dense = [None if g is None else tf.convert_to_tensor(g).numpy() for g in found]
    return [out.numpy() for out in outputs], dense


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("op", OPS)
def test_op(op, traced):
    for entry in CALLS:
        if entry["op"] != op:
            continue
        wrap = (lambda f: tf.function(f, autograph=False)) if traced else (lambda f: f)
        with watching() as watcher:
            outputs, found = results(entry, wrap)
        assert not watcher.wrong
        what = json.dumps(entry["attrs"])
        narrowest = narrowest_of(entry["inputs"])
        for made, name in zip(outputs, entry["outputs"], strict=True):
            if name:
                compare(made, name, narrowest, what)
        # Without any gradient in the record, none is asked for here.
        gradients = entry["gradients"] if any(entry["gradients"]) else []
        for made, name in zip(found, gradients, strict=True):
            if name:
                compare(made, name, narrowest, f"gradient {what}")
