"""AttributeErrors about names that TensorFlow 2 lacks say where TensorFlow 1's names are now."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    "module, name, hint",
    [
        (tf, "placeholder", ": TensorFlow 1's is tf.compat.v1.placeholder."),
        (tf, "log", ": TensorFlow 2 calls it tf.math.log."),
        (tf, "gfile", ": TensorFlow 1's is tf.compat.v1.gfile."),
        (tf, "contrib", ": TensorFlow 2.0 removed tf.contrib"),
        (tf.train, "AdamOptimizer", ": TensorFlow 1's is tf.compat.v1.train.AdamOptimizer."),
        (tf.math, "nothing", ""),
        (tf.compat.v1.nn, "nothing", ""),
    ],
)
def test_message_says_where_the_name_is(module, name, hint):
    with pytest.raises(AttributeError) as raised:
        getattr(module, name)
    plain = f"module {module.__name__!r} has no attribute {name!r}"
    text = str(raised.value)
    assert text.startswith(plain + hint) and (hint or text == plain)


def test_absent_names_are_absent():
    assert not hasattr(tf, "Session") and getattr(tf.nn, "static_rnn", None) is None
