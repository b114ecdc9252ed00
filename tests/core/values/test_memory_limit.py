"""Arrays are held to a limit of memory, and what would exceed it is refused before anything is allocated."""

import contextlib
import math

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.values import memory_limit
from penstock._src.util.flags import Bytes

pytestmark = pytest.mark.usefixtures("new_objects_only")

MEGABYTE = 1 << 20


@contextlib.contextmanager
def limited(size: int):
    """Sets the limit to so many bytes more than arrays use now."""
    tf.config.experimental.set_memory_limit(None)
    tf.config.experimental.set_memory_limit(memory_limit.used() + size)
    try:
        yield
    finally:
        tf.config.experimental.set_memory_limit(None)


def test_large_arrays_are_counted_while_they_live():
    tf.config.experimental.set_memory_limit(None)
    before = memory_limit.used()
    array = np.ones(4 * MEGABYTE, np.uint8)
    assert 0 <= memory_limit.used() - before - 4 * MEGABYTE < 8192
    array.resize(16 * MEGABYTE, refcheck=False)
    assert 0 <= memory_limit.used() - before - 16 * MEGABYTE < 8192
    array.resize(10, refcheck=False)
    assert memory_limit.used() == before


def test_the_count_does_not_drift():
    tf.config.experimental.set_memory_limit(None)
    before = memory_limit.used()
    for size in range(MEGABYTE - 5000, MEGABYTE + 5000, 500):
        np.empty(size, np.uint8)
        np.zeros((0, size))
        np.zeros((2, size))
    assert memory_limit.used() == before


@pytest.mark.parametrize("size", [MEGABYTE - 70_000, MEGABYTE - 4096, MEGABYTE - 1, MEGABYTE])
def test_an_array_that_grows_beyond_what_is_counted_is_counted_once(size):
    tf.config.experimental.set_memory_limit(None)
    before = memory_limit.used()
    for _ in range(3):
        array = np.empty(size, np.uint8)
        array.resize(2 * MEGABYTE, refcheck=False)
        assert 0 <= memory_limit.used() - before - 2 * MEGABYTE < 8192
        array.resize(size, refcheck=False)
        del array
        assert memory_limit.used() == before


CALLS = {
    "fill": lambda: tf.fill([10**6, 10**6], 1.0),
    "range": lambda: tf.range(10**12),
    "broadcast": lambda: tf.broadcast_to(1.0, [10**6, 10**6]),
    "sum": lambda: tf.ones([10**6, 1]) + tf.ones([1, 10**6]),
    "tile": lambda: tf.tile(tf.ones([10**6]), [10**6]),
    "matmul": lambda: tf.ones([10**6, 1]) @ tf.ones([1, 10**6]),
    "one_hot": lambda: tf.one_hot(tf.range(10**6), 10**6),
    "repeat": lambda: tf.repeat(tf.ones([10**6]), 10**6),
    "pad": lambda: tf.pad(tf.ones([2, 2]), [[0, 10**6], [0, 10**6]]),
    "linspace": lambda: tf.linspace(0.0, 1.0, 10**11),
    "eye": lambda: tf.eye(10**6),
    "diag": lambda: tf.linalg.diag(tf.ones([10**6])),
    "to_dense": lambda: tf.sparse.to_dense(tf.SparseTensor([[0, 0]], [1.0], [10**6, 10**6])),
    "resize": lambda: tf.image.resize(tf.ones([1, 4, 4, 3]), [10**6, 10**6]),
    "convolution": lambda: tf.nn.conv2d(
        tf.ones([1, 4, 4, 3]), tf.ones([3, 3, 3, 4]), 1, [[0, 0], [10**6] * 2, [10**6] * 2, [0, 0]]
    ),
    "transposed": lambda: tf.nn.conv2d_transpose(
        tf.ones([1, 4, 4, 3]), tf.ones([3, 3, 3, 3]), [1, 4 * 10**6, 4 * 10**6, 3], 10**6
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_exceeds_the_limit_is_refused(name):
    call = CALLS[name]
    with limited(500 * MEGABYTE):
        for form in (call, tf.function(call), tf.function(call, jit_compile=True)):
            with pytest.raises(
                tf.errors.ResourceExhaustedError, match=r"OOM when allocating .* bytes"
            ):
                form()
            assert tf.ones([3]).shape == [3]


def test_a_kept_error_holds_no_arrays_of_what_failed():
    with limited(90 * MEGABYTE):
        before = memory_limit.used()
        with pytest.raises(tf.errors.ResourceExhaustedError) as kept:
            tf.raw_ops.StatelessRandomBinomial(
                shape=[8 * MEGABYTE], seed=[1, 2], counts=30.0, probs=0.3, dtype=tf.float32
            )
        assert kept.value.message
        assert memory_limit.used() == before


def test_the_message_names_op_shape_bytes_limit_and_the_largest_arrays():
    with limited(100 * MEGABYTE):
        kept = tf.Variable(tf.ones([30 * MEGABYTE // 4]), name="kept")
        with pytest.raises(tf.errors.ResourceExhaustedError) as refusal:
            tf.fill([50, MEGABYTE], 1.0)
        assert "[Op:Fill]" in refusal.value.message
        assert "shape[50,1048576] and type float32 of 209715200 bytes" in refusal.value.message
        assert (
            f"limit is {tf.config.experimental.get_memory_limit()} bytes" in refusal.value.message
        )
        assert f"variable {kept.handle._value.name!r} float32[7864320]" in refusal.value.message


def test_a_program_names_its_largest_buffers_and_their_lines():
    product = tf.function(lambda x: tf.reduce_sum(tf.cumsum(tf.matmul(x, x, transpose_b=True))))
    rows = 5000 + math.isqrt(
        memory_limit.used() // 4
    )  # more than there would be without other arrays
    with limited(50 * MEGABYTE):
        with pytest.raises(tf.errors.ResourceExhaustedError) as refusal:
            product(tf.ones([rows, 1]))
    assert (
        f"shape[{rows},{rows}] and type float32 ({4 * rows**2} bytes) of {{{{node MatMul}}}}"
        in refusal.value.message
    )
    assert "test_memory_limit.py" in refusal.value.message
    assert product(tf.ones([500, 1])) > 0


def test_variables_are_whole_after_a_refusal():
    variable = tf.Variable(tf.ones([10]))

    @tf.function
    def step():
        variable.assign_add(tf.ones([10]))
        return tf.ones([200 * MEGABYTE])

    with limited(100 * MEGABYTE), pytest.raises(tf.errors.ResourceExhaustedError):
        step()
    assert variable.numpy().tolist() == [1.0] * 10


def test_the_machine_or_the_control_group_gives_the_limit(tmp_path):
    group = tmp_path / "root" / "outer" / "inner"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group.parent / "memory.max").write_text("5000000\n")
    (tmp_path / "cgroup").write_text("0::/outer/inner\n")
    limits = memory_limit._control_group_limits(tmp_path / "cgroup", tmp_path / "root")
    assert list(limits) == [5000000]


@pytest.mark.parametrize(
    ("limit", "size"), [("5000000", 5000000), (str(1 << 62), None), (None, None)]
)
def test_a_container_is_a_control_group_with_less_than_the_machine(
    limit, size, tmp_path, monkeypatch
):
    (tmp_path / "memory").mkdir()
    (tmp_path / "cgroup").write_text("4:memory:/pods/a\n")
    if limit is not None:  # a container sees its own group where the root of all groups would be
        (tmp_path / "memory" / "memory.limit_in_bytes").write_text(limit)
    monkeypatch.setattr(memory_limit, "_MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(memory_limit, "_GROUPS", tmp_path)
    assert memory_limit.container_memory() == size


@pytest.mark.parametrize(("text", "size"), [("1000", 1000), ("1.5GB", 1.5e9), ("20mb", 2e7)])
def test_the_flag_is_a_number_with_a_unit(text, size):
    assert Bytes(text) == size
