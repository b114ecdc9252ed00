"""Errors of binding arguments show the types that the input signature gives the parameters, as TensorFlow's do."""

import re

import pytest

import penstock as tf

SPEC = tf.TensorSpec([2], tf.float32)
SHOWN = f"for signature: (x: {SPEC!r}"


def test_missing_and_further_arguments():
    f = tf.function(lambda x, *, z=3: x, input_signature=[SPEC])
    shown = re.escape(f"{SHOWN}, *, z: Literal[3] = <captured_default_value>).")
    for args in ((), (tf.ones([2]), 5), (tf.ones([3]),)):
        with pytest.raises(TypeError, match=shown):
            f(*args)


def test_defaults_without_input_signature():
    f = tf.function(lambda x, y=2, *, k: x)
    with pytest.raises(TypeError, match=re.escape("(x, y=<captured_default_value>, *, k).")):
        f(1)


def test_loaded_functions(tmp_path):
    module = tf.Module()
    module.f = tf.function(lambda x: x, input_signature=[SPEC])
    tf.saved_model.save(module, str(tmp_path))
    f = tf.saved_model.load(str(tmp_path)).f
    for args in ((), (tf.ones([2]), 3)):
        with pytest.raises(TypeError, match=re.escape(f"{SHOWN})")):
            f(*args)
    other = tf.TensorSpec([3], tf.float32)
    with pytest.raises(TypeError, match=re.escape(f"Can not cast {other!r} to {SPEC!r}")):
        f(tf.ones([3]))
