"""A GPU that is asked for and not there: a sentence says what was looked for, once."""

import logging

import pytest

import penstock as tf
from penstock._src.api.config import devices
from penstock._src.devices.gpu.cuda import diagnosis


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_EXPLAINED", [])
    monkeypatch.setattr(diagnosis, "THIS", diagnosis.Machine(root=tmp_path, environ={}))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_device_scope_says_once_that_the_cpu_is_used(caplog):
    for _ in range(3):
        with tf.device("/GPU:0"):
            assert "CPU:0" in (tf.constant(1.0) + 1.0).device
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "/GPU:0" in record.getMessage() and "/dev/nvidia" in record.getMessage()


def test_listing_says_what_is_missing(caplog):
    assert tf.config.list_physical_devices("GPU") == []
    assert tf.config.list_physical_devices("GPU") == []
    (record,) = caplog.records
    assert "/dev/nvidia" in record.getMessage()


def test_listing_is_silent_if_gpus_are_hidden(caplog, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert tf.config.list_physical_devices("GPU") == []
    assert not caplog.records


def test_a_gpu_without_its_library_is_named(caplog, tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidia0").touch()
    tf.config.list_physical_devices("GPU")
    assert "libcuda.so.1 cannot be loaded" in caplog.text and "apt install" in caplog.text


def test_without_soft_placement_it_is_an_error():
    tf.config.set_soft_device_placement(False)
    try:
        with pytest.raises(tf.errors.InvalidArgumentError, match="/GPU:0.*no NVIDIA device"):
            with tf.device("/GPU:0"):
                pass
    finally:
        tf.config.set_soft_device_placement(True)


def test_choosing_one_that_is_not_there_says_why():
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    with pytest.raises(ValueError, match="Unrecognized device.*no NVIDIA device"):
        tf.config.set_visible_devices(gpu, "GPU")
    with pytest.raises(ValueError, match="no NVIDIA device"):
        tf.config.experimental.set_memory_growth(gpu, True)
