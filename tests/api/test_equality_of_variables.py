"""What == of variables means depends on the mode, and not on which module was imported first."""

import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock import compat

v1 = compat.v1

_PROGRAM = """
import importlib, sys
importlib.import_module(sys.argv[1])
import penstock.compat.v1 as tf
eager = tf.Variable([1.0, 2.0])
assert list((eager == 2.0).numpy()) == [False, True], eager == 2.0
assert list((eager != 2.0).numpy()) == [True, False], eager != 2.0
tf.disable_v2_behavior()
for kind in (False, True):
    v = tf.get_variable(f"v{kind}", [2], use_resource=kind)
    assert (v == v) is True and (v != v) is False, v
    assert (v == tf.constant(1.0)) is False and v in {v: 1}, v
for v, w in zip(tf.trainable_variables(), tf.global_variables()[-2:]):
    assert v is w and v == w, v
"""


@pytest.mark.parametrize(
    "first",
    ["api.operators", "api.variables", "v1.variables.store", "eager.variable", "saving.sharding"],
)
def test_imports_do_not_decide(first):
    command = [sys.executable, "-c", _PROGRAM, f"penstock._src.{first}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_graphs_compare_identity_and_functions_values():
    v = tf.Variable([1.0, 2.0])
    assert list(np.asarray(tf.function(lambda: v == [1.0, 3.0])())) == [True, False]
    with v1.Graph().as_default():
        w = v1.get_variable("w", [2])
        assert (w == w) is True
        assert (w == w.value()) is False
    assert (v == None) is False  # noqa: E711
    assert (v != None) is True  # noqa: E711
