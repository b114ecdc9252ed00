"""A lowering that fails is an error in tests, and a host step with its reason for users; refused arguments raise TensorFlow's error."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes, registry
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.ir.errors import LoweringDefect
from penstock._src.util import flags

X = np.float32([1, 4])


def wrong_dtype(self, p, x):
    return p.cast(p.sqrt(x), dtypes.float64)


def wrong_call(self, p, x):
    return p.sqrt(x, x)


def wrong_value(self, p, x):
    raise ValueError("not what any helper says of arguments")


@pytest.fixture(params=[wrong_dtype, wrong_call, wrong_value], ids=["dtype", "call", "value"])
def defect(request, monkeypatch):
    monkeypatch.setattr(registry.find("Sqrt"), "lowering", request.param)


def test_a_defect_of_a_lowering_is_an_error_in_tests(defect):
    with flags.override(verify=1), pytest.raises(LoweringDefect, match=r"internal: .*\(Sqrt\)"):
        tf.function(lambda x: tf.sqrt(x) + 1.0)(X)


def test_a_defect_of_a_lowering_is_a_named_host_step_with_a_warning(defect):
    with flags.override(verify=0):
        f = tf.function(lambda x: tf.sqrt(x) + 1.0)
        with pytest.warns(RuntimeWarning, match=r"slow kernel.*lowering 'Sqrt'"):
            np.testing.assert_array_equal(f(X), [2, 3])
            assert "internal: lowering 'Sqrt' (Sqrt) failed at" in str(f.explain(X))


@pytest.mark.parametrize("refusal", [RefusedValue, tf.errors.InvalidArgumentError])
def test_arguments_that_only_the_lowering_refuses_are_an_error_in_tests(refusal, monkeypatch):
    def refuse(self, p, x):
        raise refusal("x is not to my taste")

    monkeypatch.setattr(registry.find("Sqrt"), "lowering", refuse)
    with flags.override(verify=1), pytest.raises(LoweringDefect, match="though its kernel takes"):
        tf.function(lambda x: tf.sqrt(x) + 1.0)(X)
    with flags.override(verify=0):
        np.testing.assert_array_equal(tf.function(lambda x: tf.sqrt(x) + 1.0)(X), [2, 3])


def test_a_lowering_of_another_shape_than_the_rule_says_is_an_error_in_tests(monkeypatch):
    monkeypatch.setattr(registry.find("Sqrt"), "lowering", lambda self, p, x: p.concat([x, x], 0))
    f = tf.function(lambda x: tf.sqrt(x) + 1.0, input_signature=[tf.TensorSpec([None], tf.float32)])
    with (
        flags.override(verify=1),
        pytest.raises(LoweringDefect, match=r"gives shape \[4\], its rule"),
    ):
        f(X)


def test_refused_arguments_raise_what_the_kernel_raises():
    with flags.override(verify=1), pytest.raises(tf.errors.InvalidArgumentError, match="Axes"):
        tf.function(lambda x, axes: tf.reduce_sum(x, axes))(X, tf.constant([0, 0]))
