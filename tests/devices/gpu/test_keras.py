"""Keras's recurrent layers, which ask for cuDNN's operations where a GPU is listed."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import GPU_DEVICE


def losses(device, kind):
    with override(device=device):
        tf.keras.utils.set_random_seed(1)
        layer = getattr(tf.keras.layers, kind)(4)
        model = tf.keras.Sequential([tf.keras.Input((5, 3)), layer, tf.keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.random.default_rng(0).random((2, 5, 3), np.float32)
        return [float(model.train_on_batch(x, np.ones((2, 1)))) for _ in range(3)]


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrent_layers_train_as_on_the_cpu(kind):
    found = losses(GPU_DEVICE, kind)
    np.testing.assert_allclose(found, losses("CPU", kind), rtol=1e-5)
    assert found[-1] < found[0]


def by_cudnn(x, **_):
    """An LSTM of one step by cuDNN's operation."""
    state = tf.zeros([1, 2, 4])
    return tf.raw_ops.CudnnRNNV3(
        input=x, input_h=state, input_c=state, params=tf.zeros([144]), sequence_lengths=[1, 1]
    ).output


def test_a_trace_for_a_gpu_refuses_what_needs_cudnn():
    x = tf.zeros([1, 2, 3])
    with override(device=GPU_DEVICE):
        with pytest.raises(tf.errors.NotFoundError, match="CudnnRNNV3.*use_cudnn=False"):
            tf.function(by_cudnn)(x)
        attributes = {"api_implements": "lstm", "api_preferred_device": "GPU"}
        one_of_several = tf.function(by_cudnn, experimental_attributes=attributes)
        assert one_of_several.get_concrete_function(x).output_shapes.as_list() == [1, 2, 4]
    assert tf.function(by_cudnn).get_concrete_function(x).output_shapes.as_list() == [1, 2, 4]
