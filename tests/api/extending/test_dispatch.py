"""Which functions dispatch on other types."""

import penstock as tf


def test_functions_of_raw_operations_dispatch():
    # as in TensorFlow 2.21
    for function in (tf.io.decode_proto, tf.io.encode_proto, tf.approx_top_k, tf.conv):
        assert function._tf_fallback_dispatchers == []
