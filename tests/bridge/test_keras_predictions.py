"""Predictions share no memory with a tensor that a program still has, and joined ones are not copied again."""

import numpy as np
import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)
from keras.src.backend.tensorflow import trainer  # noqa: E402

import penstock as tf  # noqa: E402
from penstock._src.eager.tensor import EagerTensor  # noqa: E402

X = np.arange(12, dtype=np.float32).reshape(6, 2)


@pytest.fixture
def copied(monkeypatch):
    """The shapes of the tensors that were read as NumPy arrays."""
    shapes = []
    for name in ("numpy", "__array__"):
        read = getattr(EagerTensor, name)

        def noting(self, *args, read=read, **options):
            shapes.append(self.shape.as_list())
            return read(self, *args, **options)

        monkeypatch.setattr(EagerTensor, name, noting)
    return shapes


def _model(outputs=1):
    inputs = keras.Input((2,))
    results = [inputs * (n + 1) for n in range(outputs)]
    return keras.Model(inputs, results if outputs > 1 else results[0])


class Kept(keras.callbacks.Callback):
    """Holds the outputs of batches."""

    def __init__(self):
        super().__init__()
        self.outputs = []

    def on_predict_batch_end(self, batch, logs=None):
        self.outputs.append(logs["outputs"])


def test_joined_outputs_are_the_memory_of_the_join(copied):
    first, second = _model(2).predict(X, batch_size=4, verbose=0)
    np.testing.assert_array_equal(first, X)
    np.testing.assert_array_equal(second, 2 * X)
    assert not [shape for shape in copied if len(shape) == 2]
    assert first.flags.owndata and first.flags.writeable


@pytest.mark.parametrize("batch_size", [4, 6])
def test_writing_to_predictions_leaves_outputs_that_a_callback_holds(batch_size):
    kept = Kept()
    result = _model().predict(X, batch_size=batch_size, verbose=0, callbacks=[kept])
    np.testing.assert_array_equal(result, X)
    result[:] = -1
    np.testing.assert_array_equal(np.concatenate(kept.outputs), X)


def test_callbacks_with_a_method_of_their_own_get_arrays():
    kept = Kept()
    _model().predict(X, batch_size=4, verbose=0, callbacks=[kept, keras.callbacks.Callback()])
    assert [type(o) for o in kept.outputs] == [np.ndarray, np.ndarray]


def test_functions_of_keras_copy_for_other_callers():
    joined = trainer.potentially_ragged_concat([tf.constant(X), tf.constant(X)])
    result = trainer.convert_to_np_if_not_ragged(joined)
    result[:] = -1
    np.testing.assert_array_equal(joined, np.concatenate([X, X]))


def test_outputs_of_several_lengths_become_ragged_as_before():
    inputs = keras.Input((None,))
    model = keras.Model(inputs, inputs + 1.0)
    batches = tf.data.Dataset.from_generator(
        lambda: iter([np.ones((2, 3), np.float32), np.ones((2, 5), np.float32)]),
        output_signature=tf.TensorSpec((None, None), tf.float32),
    )
    result = model.predict(batches, verbose=0)
    assert isinstance(result, tf.RaggedTensor)
    assert [len(row) for row in result.to_list()] == [3, 3, 5, 5]
