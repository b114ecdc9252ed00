"""Strategies of TensorFlow 1."""

import pytest

import penstock as tf

distribute = tf.compat.v1.distribute


@pytest.mark.parametrize(
    "made",
    [
        lambda: distribute.OneDeviceStrategy("/cpu:0"),
        lambda: distribute.MirroredStrategy(["/cpu:0"]),
        lambda: distribute.experimental.CentralStorageStrategy(["/cpu:0"]),
    ],
)
def test_values_are_reduced_along_no_axis_by_default(made):
    strategy = made()
    assert isinstance(strategy, distribute.Strategy)
    value = strategy.run(lambda: tf.constant([1.0, 2.0]))
    assert strategy.reduce("SUM", value).numpy().tolist() == [1.0, 2.0]
    assert strategy.reduce("SUM", value, axis=0).numpy() == 3.0
