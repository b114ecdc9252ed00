"""tf.signal.frame: its arguments are scalars, its gradients dense."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "arguments",
    [
        {"frame_length": [2]},
        {"frame_step": [1]},
        {"axis": [0]},
        {"pad_end": True, "pad_value": [1.0]},
    ],
)
def test_vectors_are_refused(arguments):
    arguments = {"frame_length": 2, "frame_step": 1, **arguments}
    with pytest.raises(ValueError, match=r"Shape \(1,\) must have rank 0"):
        tf.signal.frame([1.0, 2.0, 3.0], **arguments)


def test_cosine_transforms_of_frames_whose_length_the_graph_does_not_know():
    x = np.random.default_rng(3).normal(size=64).astype(np.float32)
    transform = tf.function(tf.signal.mdct, input_signature=[tf.TensorSpec([64]), tf.TensorSpec([], tf.int32)])  # fmt: skip
    for length in (16, 8, 32):
        np.testing.assert_allclose(transform(x, length), tf.signal.mdct(x, length), atol=1e-5)


def test_frames_without_overlap_are_the_signal():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 2])])
    def joined(frames):
        signal = tf.signal.overlap_and_add(frames, 2)
        names.append(signal.op.name)
        return signal

    names: list = []
    x = tf.reshape(tf.range(12.0), [2, 3, 2])
    assert joined(x).numpy().tolist() == x.numpy().reshape(2, 6).tolist()
    assert names == ["overlap_and_add/fast_path"]


def test_steps_of_overlapping_frames_are_integers():
    with pytest.raises(ValueError, match="frame_step must be an integer"):
        tf.signal.overlap_and_add(np.ones((3, 4), np.float32), 2.0)


@pytest.mark.parametrize("shape", [[5], [5, 2], None])
def test_gradients_of_frames_are_dense(shape):
    def gradient(signal):
        with tf.GradientTape() as tape:
            tape.watch(signal)
            framed = tf.signal.frame(signal, 3, 2, axis=0)
        return tape.gradient(framed, signal)

    signal = tf.ones([5, 2] if shape is None else shape)
    found = tf.function(gradient, input_signature=[tf.TensorSpec(shape)])(signal)
    for each in (found, gradient(signal)):
        assert isinstance(each, tf.Tensor)
        assert tf.reshape(each, [5, -1])[:, 0].numpy().tolist() == [1, 1, 2, 1, 1]
