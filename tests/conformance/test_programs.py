"""Random programs give the same compiled, eagerly and in TensorFlow, for several batches, and so do their gradients.

FUZZ_EXAMPLES draws that many others.
"""

import os

import numpy as np
import pytest

import penstock as tf
from tests.conformance.programs import build, sample, with_gradients
from tests.conformance.record import PROGRAMS, array_at, load

SEEDS = range(int(os.environ.get("FUZZ_EXAMPLES", "12")))
FIRST = int(os.environ.get("FUZZ_SEED", "0"))
BATCHES = (3, 1, 20, 0)
# What eager TensorFlow gives no rows of their shape, or fails on.
NEEDS_ROWS = {"mapped", "scanned"}
CLOSE = {"float32": 2e-3, "float64": 1e-8, "int32": 0}


RECORDED, STORE = load(PROGRAMS)


@pytest.mark.parametrize("entry", RECORDED, ids=lambda entry: str(entry["seed"]))
def test_program_as_tensorflow_runs_it(entry):
    program = build(tf, entry["seed"])
    assert program.names == entry["names"]
    arguments = [tf.constant(array) for array in program.arguments(entry["batch"])]
    found = with_gradients(tf, program)(*arguments)
    for i, (made, name) in enumerate(zip(found, entry["results"], strict=True)):
        what = f"{program.names}: value {i}"
        compare(sample(made.numpy()), array_at(STORE, name), CLOSE[program.kind], what)


@pytest.mark.parametrize("seed", SEEDS)
def test_program(seed):
    check(build(tf, FIRST + seed))


def check(program):
    run = with_gradients(tf, program)
    shape = [None, *program.widths]
    specs = [tf.TensorSpec(shape, program.kind)] * 2
    compiled = tf.function(run, input_signature=specs, autograph=False)
    for batch in BATCHES:
        if not batch and NEEDS_ROWS & set(program.names):
            continue
        arguments = [tf.constant(array) for array in program.arguments(batch, batch)]
        try:
            wanted = run(*arguments)
        except (tf.errors.OpError, ValueError):
            continue  # what takes the first row of no rows, for instance
        found = compiled(*arguments)
        for i, (made, eager) in enumerate(zip(found, wanted, strict=True)):
            what = f"{program.names}: value {i} for a batch of {batch}"
            compare(np.asarray(made), np.asarray(eager), CLOSE[program.kind], what)


def compare(made, eager, close, what):
    assert made.shape == eager.shape and made.dtype == eager.dtype, what
    size = np.max(np.abs(eager), initial=1, where=np.isfinite(eager))
    np.testing.assert_allclose(made / size, eager / size, rtol=close, atol=close, err_msg=what)
