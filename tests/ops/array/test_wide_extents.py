"""Extents that int32 does not hold: kept where nothing has to be allocated, else refused."""

import pytest

import penstock as tf

WIDE = 2**32 + 3


@pytest.mark.parametrize("run", [lambda f: f(), lambda f: tf.function(f, autograph=False)()])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: tf.fill([0, WIDE], 1), [0, WIDE]),
        (lambda: tf.zeros(tf.TensorShape([0, WIDE])), [0, WIDE]),
        (lambda: tf.broadcast_to(1.0, [0, WIDE]), [0, WIDE]),
        (lambda: tf.tile(tf.ones([0, 2]), [1, WIDE]), [0, 2 * WIDE]),
        (lambda: tf.pad(tf.ones([0, 2]), [[0, 0], [0, WIDE]]), [0, WIDE + 2]),
        (lambda: tf.reshape(tf.ones([0]), [WIDE, 0]), [WIDE, 0]),
        (lambda: tf.broadcast_dynamic_shape([WIDE], [1]), [1]),
    ],
)
def test_wide_extents_are_kept(run, make, shape):
    assert run(make).shape == shape


@pytest.mark.parametrize("run", [lambda f: f(), lambda f: tf.function(f, autograph=False)()])
@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.fill([2**50], 1),
        lambda: tf.zeros([2**50]),
        lambda: tf.broadcast_to(1.0, [2**50]),
        lambda: tf.tile([1, 2], [2**50]),
        lambda: tf.pad([1, 2], [[0, 2**50]]),
        lambda: tf.matmul(tf.ones([2**25, 1]), tf.ones([1, 2**25])),
    ],
)
def test_what_memory_cannot_hold_is_refused(run, make):
    with pytest.raises(tf.errors.ResourceExhaustedError):
        run(make)


def test_shapes_that_int32_does_not_hold_are_refused():
    wide = tf.zeros([0, WIDE])
    for shape in (tf.shape, tf.function(tf.shape, [tf.TensorSpec([None, None])])):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"an extent is {WIDE}"):
            shape(wide)
    assert tf.shape(wide, tf.int64).numpy().tolist() == [0, WIDE]


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_blocks_of_wide_tensors_may_begin_anywhere(dtype):
    count = 2**31 + 11

    @tf.function(autograph=False)
    def block(at):
        return tf.slice(tf.ones([count], tf.int8), [at], [2])

    assert block(tf.constant(2**31 - 1, dtype)).numpy().tolist() == [1, 1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        block(tf.constant(-1, dtype))


def test_the_beginning_of_a_block_names_the_type_of_its_bounds():
    @tf.function(autograph=False)
    def block(x, at):
        return tf.slice(x, [at], [2])

    graph = block.get_concrete_function(tf.ones([9]), tf.constant(3, tf.int64)).graph
    (sliced,) = [op for op in graph.get_operations() if op.type == "Slice"]
    assert [x.dtype.name for x in sliced.inputs] == ["float32", "int64", "int64"]


@pytest.mark.parametrize("run", [lambda f: f(), lambda f: tf.function(f, autograph=False)()])
def test_places_beyond_int32_are_refused_unless_results_are_int64(run):
    rows, values = tf.zeros([0, WIDE]), tf.zeros([0, 2])
    for op in (tf.raw_ops.LowerBound, tf.raw_ops.UpperBound):
        with pytest.raises(tf.errors.InvalidArgumentError, match="2147483647 for results of int32"):
            run(lambda op=op: op(sorted_inputs=rows, values=values))
        made = run(lambda op=op: op(sorted_inputs=rows, values=values, out_type=tf.int64))
        assert made.shape == [0, 2] and made.dtype == tf.int64
