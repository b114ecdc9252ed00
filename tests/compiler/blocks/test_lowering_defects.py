"""A lowering that fails is an error in tests, and a host step with its reason for users; refused arguments raise TensorFlow's error."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes, registry
from penstock._src.ir.errors import LoweringDefect
from penstock._src.util import flags

X = np.float32([1, 4])


def wrong_dtype(self, p, x):
    return p.cast(p.sqrt(x), dtypes.float64)


def wrong_call(self, p, x):
    return p.sqrt(x, x)


@pytest.fixture(params=[wrong_dtype, wrong_call], ids=["dtype", "call"])
def defect(request, monkeypatch):
    monkeypatch.setattr(registry.find("Sqrt"), "lowering", request.param)


def test_a_defect_of_a_lowering_is_an_error_in_tests(defect):
    with flags.override(verify=1), pytest.raises(LoweringDefect, match=r"internal: .*\(Sqrt\)"):
        tf.function(lambda x: tf.sqrt(x) + 1.0)(X)


def test_a_defect_of_a_lowering_is_a_named_host_step(defect):
    with flags.override(verify=0):
        f = tf.function(lambda x: tf.sqrt(x) + 1.0)
        np.testing.assert_array_equal(f(X), [2, 3])
        assert "internal: lowering 'Sqrt' (Sqrt) failed at" in str(f.explain(X))


def test_refused_arguments_raise_what_the_kernel_raises():
    with flags.override(verify=1), pytest.raises(tf.errors.InvalidArgumentError, match="Axes"):
        tf.function(lambda x, axes: tf.reduce_sum(x, axes))(X, tf.constant([0, 0]))
