"""tf.signal.linear_to_mel_weight_matrix of sizes that only the run tells."""

import numpy as np
import pytest

import penstock as tf

SIZES = {"num_spectrogram_bins": 9, "sample_rate": 8000, "lower_edge_hertz": 125.0}


@pytest.mark.parametrize("name", SIZES)
def test_weights_are_those_of_known_sizes(name):
    wanted = tf.signal.linear_to_mel_weight_matrix(4, **SIZES)

    @tf.function(input_signature=[tf.TensorSpec([], tf.constant(SIZES[name]).dtype)])
    def weights(size):
        return tf.signal.linear_to_mel_weight_matrix(4, **{**SIZES, name: size})

    np.testing.assert_allclose(weights(SIZES[name]), wanted, atol=1e-5)
    known = tf.function(lambda: tf.signal.linear_to_mel_weight_matrix(4, 9, tf.constant(8000)))
    np.testing.assert_array_equal(known(), wanted)
