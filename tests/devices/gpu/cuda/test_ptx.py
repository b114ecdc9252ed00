"""PTX of kernels: what LLVM makes of them for each architecture, and what ptxas says where it is installed."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.devices.gpu.cuda.ptx import assembled, find_ptxas, ptx_of
from penstock._src.devices.gpu.device import CudaDevice
from penstock._src.devices.gpu.emulator.device import DEVICE, ir_image
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.kernels.generator import CudaGenerator
from penstock._src.devices.gpu.target import ARCHITECTURES, architecture_of, target_of
from penstock._src.util.flags import override

FUNCTIONS = {
    "elementwise": lambda x: tf.exp(x) * 2.0 + tf.tanh(x),
    "rows": lambda x: tf.nn.softmax(x),
    "sums": lambda x: tf.reduce_sum(x, 0),
    "everything": lambda x: tf.reduce_sum(tf.tile(x, [16, 1])),
    "halves": lambda x: tf.cast(x, tf.bfloat16) * 2,
    "product of int64": lambda x: tf.matmul(
        tf.cast(x[:33, :16], tf.int64), tf.cast(x[:16, :40], tf.int64)
    ),
    "product of float64": lambda x: tf.matmul(
        tf.cast(x[:70, :9], tf.float64), tf.cast(x[:9, :64], tf.float64)
    ),
}


def codes(function, architecture, monkeypatch):
    """The kernels of a function of a (128, 1024) array."""
    plans = []
    monkeypatch.setattr(
        DEVICE,
        "load",
        lambda plan: plans.append(plan) or CudaDevice("", EmulatedLibrary, ir_image).load(plan),
    )
    generator = CudaGenerator(target_of(architecture))
    monkeypatch.setattr(type(DEVICE), "generator", property(lambda _: generator))
    with override(device="GPU_emulated"):
        tf.function(function)(tf.constant(np.ones((128, 1024), np.float32)))
    (plan,) = plans
    return plan.codes


def test_neighbors_are_loaded_and_stored_together(monkeypatch):
    (code,) = codes(lambda x: x * 2.0, "sm_80", monkeypatch)
    text = ptx_of(code)
    assert "ld.global.v4" in text and "st.global.v4" in text
    assert ".local" not in text  # no memory of a thread's own


def test_rows_are_reduced_by_shuffles(monkeypatch):
    text = "".join(map(ptx_of, codes(tf.nn.softmax, "sm_80", monkeypatch)))
    assert "shfl.sync.bfly" in text and "bar.sync" in text and "ld.shared" in text


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_architecture_has_its_text(name, architecture, monkeypatch):
    for code in codes(FUNCTIONS[name], architecture, monkeypatch):
        text = ptx_of(code)
        assert f".target {architecture}" in text and ".entry task" in text
        ptxas = find_ptxas()
        if ptxas is not None:
            _, found = assembled(text, architecture, ptxas)
            assert found and all(not kernel.spilled for kernel in found)


def test_a_gpu_gets_the_newest_code_that_it_runs():
    names = {c: architecture_of(*c).name for c in [(7, 5), (8, 6), (8, 9), (9, 0), (12, 0)]}
    assert list(names.values()) == ["sm_75", "sm_80", "sm_80", "sm_90a", "sm_100"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"7\.5 or more.*7\.0"):
        architecture_of(7, 0)
