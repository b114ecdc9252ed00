"""Names of devices are completed by those asked for; what is expected comes from TensorFlow 2.21."""

import pytest

import penstock as tf
from penstock._src.bridge.python.distribute import device_util


@pytest.mark.parametrize(
    ("given", "default", "expected"),
    [
        ("/job:worker/task:1", "/job:worker", "/job:worker/replica:0/task:1/device:CPU:0"),
        ("/job:worker", "/gpu:0", "/job:worker/replica:0/task:0/device:GPU:0"),
        ("/cpu:0", "/job:ps", "/job:ps/replica:0/task:0/device:CPU:0"),
    ],
)
def test_parts_that_a_default_lacks_are_the_first_of_each_kind(given, default, expected):
    assert device_util.canonicalize(given, default=default) == expected


def test_names_are_completed_by_the_device_that_is_asked_for():
    with tf.device("/job:worker/cpu:1"):
        assert device_util.current() == "/job:worker/replica:0/task:0/device:CPU:1"
        assert device_util.resolve("/cpu:0") == "/job:worker/replica:0/task:0/device:CPU:0"
        assert device_util.resolve("/task:1") == "/job:worker/replica:0/task:1/device:CPU:1"
