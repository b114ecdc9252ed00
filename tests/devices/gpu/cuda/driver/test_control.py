"""Loops and branches whose course the GPU computes: conditional nodes of the step's graph, or a host that asks."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.plan.launch_table import Jump, Label
from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu import recording
from penstock._src.devices.gpu.cuda.driver.control import Control, control_of
from penstock._src.devices.gpu.cuda.ptx import assembled, find_ptxas, ptx_of
from penstock._src.devices.gpu.emulator import EmulatedKernel, KernelFault
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.kernels import conditions
from penstock._src.devices.gpu.regions import regions_of
from penstock._src.devices.gpu.target import ARCHITECTURES, target_of
from penstock._src.native.runner import JUMP, JUMP_UNLESS
from penstock._src.util.flags import override
from tests.devices.gpu.emulated import GPU_DEVICE

pytestmark = pytest.mark.skipif(
    GPU_DEVICE != "GPU_emulated", reason="counts the emulated driver's calls"
)
NODES = [Control.IF_NODES, Control.SWITCH_NODES]


@pytest.fixture(params=NODES)
def calls(request, monkeypatch):
    """The counts of the driver's calls, with either kind of nodes for branches; no kernel may wait for the host."""
    monkeypatch.setitem(DEVICE.gpu.__dict__, "control", request.param)
    counts = DEVICE.gpu.driver.library.calls
    counts.clear()
    with override(device="GPU_emulated"):
        yield counts


def collatz(n):
    steps = tf.constant(0)
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def test_a_step_with_loops_and_branches_is_one_graph(calls):
    step = tf.function(collatz)
    assert int(step(tf.constant(27))) == 111  # walked by the host
    calls.clear()
    assert [int(step(tf.constant(n))) for n in (6, 1, 7)] == [8, 0, 16]
    assert calls["cuGraphLaunch"] == 3 and calls["cuGraphAddNode"] >= 2
    assert calls["cuMemcpyDtoHAsync_v2"] == 3  # the results alone


def test_branches_inside_of_branches_and_loops(calls):
    @tf.function
    def walk(x, limit):
        total = tf.constant(0.0)
        while total < limit:
            i = 0
            while tf.cast(i, tf.float32) < x[0]:
                if tf.reduce_sum(x) > 5.0:
                    total += tf.switch_case(
                        i, [lambda: x[0] * 2.0, lambda: x[1], lambda: tf.constant(0.5)]
                    )
                else:
                    total += 1.0
                i += 1
        return total

    with override(device="CPU"):
        on_cpu = tf.function(walk.python_function)
        wanted = [float(on_cpu(*given)) for given in INPUTS]
    found = [float(walk(*given)) for given in INPUTS]
    assert found == wanted
    assert calls["cuGraphLaunch"] >= 2  # unless a result lies elsewhere than before


INPUTS = [
    (np.float32([4, 3]), np.float32(30)),
    (np.float32([1, 3]), np.float32(9)),
    (np.float32([6, -0.5]), np.float32(40)),
    (np.float32([2, 9]), np.float32(-1)),
]


def test_a_branch_that_no_run_took_before_its_graph_is_there(calls):
    step = tf.function(lambda x: tf.cond(x[0] > 0, lambda: tf.sin(x) * 3.0, lambda: tf.cumsum(x)))
    for first in (1.0, 2.0, -1.0):
        x = np.float32([first, 0.5, 2.0])
        wanted = np.sin(x) * 3 if first > 0 else np.cumsum(x)
        np.testing.assert_allclose(step(x), wanted, rtol=1e-5)


def test_an_index_outside_takes_the_last_branch(calls):
    branches = [lambda k=k: tf.constant(k) for k in range(3)]
    choose = tf.function(lambda i: tf.switch_case(i, branches))
    found = [int(choose(tf.constant(i))) for i in (0, 1, 2, 7, -1)]
    assert found == [0, 1, 2, 2, 2]


def test_a_failed_check_ends_a_loop_of_the_graph(calls):
    v = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def step(start, n):
        i = start
        while i < n:
            v.assign_add(tf.ones(3) * tf.gather(v, i))
            i += 1
        return i

    step(tf.constant(0), tf.constant(2))
    step(tf.constant(0), tf.constant(2))
    assert calls["cuGraphLaunch"] == 1
    before = v.numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"= 3 is not in \[0, 3\)"):
        step(tf.constant(2), tf.constant(1 << 30))
    assert calls["cuGraphLaunch"] == 2
    # As on the CPU, and in TensorFlow: the round before the failure has changed it.
    np.testing.assert_array_equal(v.numpy(), before + before[2])


def test_loops_too_long_to_be_written_out_are_nodes(calls, monkeypatch):
    monkeypatch.setattr(recording, "MOST_LAUNCHES", 10)

    @tf.function
    def loop(x):
        for _ in tf.range(50):
            x = tf.tanh(x @ x)
        return x

    x = tf.constant(np.random.default_rng(0).normal(size=(3, 3)), tf.float32)
    first = loop(x).numpy()
    np.testing.assert_array_equal(loop(x).numpy(), first)
    assert calls["cuGraphLaunch"] == 1 and calls["cuGraphAddNode"] == 1


def test_older_drivers_leave_conditions_to_the_host(monkeypatch):
    monkeypatch.setitem(DEVICE.gpu.__dict__, "control", control_of((12, 3)))
    step = tf.function(collatz)
    counts = DEVICE.gpu.driver.library.calls
    counts.clear()
    with override(device="GPU_emulated"):
        assert [int(step(tf.constant(n))) for n in (27, 27)] == [111, 111]
        assert "control      the host reads conditions" in str(step.explain(tf.constant(27)))
    assert not counts["cuGraphLaunch"] and counts["cuMemcpyDtoHAsync_v2"] > 200


def test_the_report_says_who_decides(calls):
    assert "control      conditional graph nodes" in str(
        tf.function(collatz).explain(tf.constant(1))
    )


@pytest.mark.parametrize(
    ("version", "control"),
    [
        ((12, 0), Control.HOST),
        ((12, 4), Control.IF_NODES),
        ((12, 8), Control.SWITCH_NODES),
        ((13, 0), Control.SWITCH_NODES),
    ],
)
def test_the_drivers_version_tells_who_decides(version, control):
    assert control_of(version) is control


@pytest.mark.skipif(find_ptxas() is None, reason="ptxas is not installed")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_system_call_needs_no_library(architecture):
    for code in (conditions.loop_condition, conditions.branch_number, conditions.branch_condition):
        text = ptx_of(code(target_of(architecture)))
        assert f".extern .func {conditions.SET}" in text
        assembled(text, architecture, find_ptxas())
    with pytest.raises(InternalError, match="Unresolved extern function"):
        assembled(text.replace(conditions.SET, "unknown"), architecture, find_ptxas())


def test_kernels_set_conditions_of_graphs_alone():
    library = EmulatedLibrary()
    kernel = EmulatedKernel(conditions.branch_number(target_of()).text, "task")
    index = library.emulator.allocate(4)
    index.bytes[:] = 0
    with pytest.raises(KernelFault, match="which no graph has"):
        library.emulator.launch(kernel, [index.address, 2, 5], 1, 1)


def test_jumps_that_mean_neither_are_refused():
    label, other = Label(), Label()
    with pytest.raises(InternalError, match="no loop and no choice"):
        regions_of([label, Jump(JUMP_UNLESS, other, [0]), Jump(JUMP, other), other])
