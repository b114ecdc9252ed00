"""Devices that are named but not there: an error without soft placement, the CPU with it."""

import pytest

import penstock as tf


@pytest.fixture
def hard_placement():
    tf.config.set_soft_device_placement(False)
    yield
    tf.config.set_soft_device_placement(True)


@pytest.mark.parametrize("name", ["/GPU:0", "/CPU:9", "/device:XPU:0"])
def test_missing_devices_are_refused(name, hard_placement):
    with (
        pytest.raises(
            tf.errors.InvalidArgumentError, match=f"satisfy device specification '{name}"
        ),
        tf.device(name),
    ):
        tf.constant(1.0)


@pytest.mark.parametrize("name", ["/CPU:0", "/job:localhost/task:0/cpu:0", "/job:localhost"])
def test_devices_that_exist_are_not(name, hard_placement):
    with tf.device(name):
        assert tf.constant(1.0).device == "/job:localhost/replica:0/task:0/device:CPU:0"


def test_missing_devices_give_way_to_the_cpu():
    with tf.device("/CPU:9"):
        assert tf.constant(1.0).device == "/job:localhost/replica:0/task:0/device:CPU:0"


def test_memory_of_a_cpu_is_not_counted():
    experimental = tf.config.experimental
    for count in (experimental.get_memory_info, experimental.get_memory_usage):
        assert count("CPU:0") in (0, {"current": 0, "peak": 0})
    experimental.reset_memory_stats("CPU:0")
    for device in ("GPU:0", "CPU:1"):
        with pytest.raises(ValueError, match="No matching devices found"):
            experimental.get_memory_info(device)
    cpu = tf.config.list_physical_devices("CPU")[0]
    with pytest.raises(KeyError):
        experimental.get_memory_growth(cpu)
