"""What readers of checkpoints return."""

import numpy as np
import pytest

import penstock as tf


def test_a_scalar_is_a_number_and_not_an_array(tmp_path):
    path = tf.train.Checkpoint(step=tf.Variable(7), flag=tf.Variable(True)).save(f"{tmp_path}/ckpt")
    reader = tf.train.load_checkpoint(path)
    step = reader.get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE")
    assert type(step) is np.int32 and step == 7
    assert type(reader.get_tensor("flag/.ATTRIBUTES/VARIABLE_VALUE")) is np.bool_


class Own(tf.Module):
    """An object with values of its own."""

    def __init__(self, **values):
        self._setattr_tracking = False
        self.values = values

    def _serialize_to_tensors(self):
        return {name: tf.constant(value) for name, value in self.values.items()}

    def _restore_from_tensors(self, restored):
        self.values = {name: value.numpy() for name, value in restored.items()}


def test_an_object_of_which_a_value_is_not_saved_is_refused(tmp_path):
    path = tf.train.Checkpoint(own=Own(x=1.0, y=2.0)).write(str(tmp_path / "c"))
    fewer = Own(x=0.0)
    tf.train.Checkpoint(own=fewer).read(path)
    assert fewer.values == {"x": 1.0}
    with pytest.raises(tf.errors.NotFoundError, match="Key own/.ATTRIBUTES/z not found"):
        tf.train.Checkpoint(own=Own(x=0.0, z=0.0)).read(path)
