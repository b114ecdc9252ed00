"""What readers of checkpoints return."""

import numpy as np

import penstock as tf


def test_a_scalar_is_a_number_and_not_an_array(tmp_path):
    path = tf.train.Checkpoint(step=tf.Variable(7), flag=tf.Variable(True)).save(f"{tmp_path}/ckpt")
    reader = tf.train.load_checkpoint(path)
    step = reader.get_tensor("step/.ATTRIBUTES/VARIABLE_VALUE")
    assert type(step) is np.int32 and step == 7
    assert type(reader.get_tensor("flag/.ATTRIBUTES/VARIABLE_VALUE")) is np.bool_
