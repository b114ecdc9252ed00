"""What is proven independent gives, for each row, the same as that row alone; what mixes rows is not proven."""

import functools

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.row_independence import prove
from penstock._src.ir.meaning.rows import ROWS, MixedRows
from penstock._src.ir.primitives import PRIMITIVES
from penstock._src.ir.primitives.base import Primitive

INDEPENDENT = {
    "elements": lambda x: tf.where(x > 0.5, tf.tanh(x), -x),
    "reduction": lambda x: x - tf.reduce_mean(x, [1, 2], keepdims=True),
    "softmax": lambda x: tf.nn.softmax(x, 1),
    "scan": lambda x: tf.cumsum(x, 1),
    "sort": lambda x: tf.sort(x, 1),
    "top": lambda x: tf.math.top_k(x, 1)[0] + x,
    "argmax": lambda x: x + tf.cast(tf.argmax(x, 1), tf.float32)[:, None],
    "transposed": lambda x: tf.transpose(tf.cumsum(tf.transpose(x, [1, 0, 2]), 0), [1, 0, 2]),
    "merged": lambda x: tf.reshape(
        tf.nn.softmax(tf.reshape(x, [-1, x.shape[2]])), [-1, *x.shape[1:]]
    ),
    "merged behind": lambda x: tf.transpose(
        tf.reshape(
            tf.tanh(tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, x.shape[2]])),
            [x.shape[1], -1, x.shape[2]],
        ),
        [1, 0, 2],
    ),
    "product": lambda x: tf.nn.softmax(tf.matmul(x, x, transpose_b=True)) @ x,
    "weights": lambda x: tf.einsum("nab,bc->nac", x, tf.ones([x.shape[2], x.shape[2]])),
    "parts": lambda x: tf.concat([x[:, 1:], x[:, :1]], 1),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, 0], [0, 0]])[:, :-1],
    "gather": lambda x: tf.gather(x, tf.argsort(x[:, :, 0]), batch_dims=1),
    "convolution": lambda x: tf.nn.conv1d(x, tf.ones([2, x.shape[2], x.shape[2]]), 1, "SAME"),
    "pool": lambda x: tf.nn.max_pool1d(x, 2, 1, "SAME"),
    "loop": lambda x: tf.while_loop(
        lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y) + x), (0, tf.zeros_like(x))
    )[1],
    "shared noise": lambda x: x + tf.random.stateless_uniform([x.shape[1], 1], [1, 2]),
    "fft": lambda x: tf.math.real(tf.signal.fft(tf.cast(x, tf.complex64))),
    "gradient": lambda x: tf.gradients(tf.tanh(x) ** 2, x)[0],
    "repeat": lambda x: tf.reduce_mean(
        tf.reshape(tf.repeat(x, 3, axis=0), [-1, 3, *x.shape[1:]]), 1
    ),
}
CHECKED = {
    "numerics": lambda x: tf.debugging.check_numerics(x, "rows"),
    "all": lambda x: checked(x, tf.reduce_all(x > 0)),
    "all of any": lambda x: checked(x, tf.reduce_all(tf.reduce_any(x > 0, [1, 2]))),
    "not any": lambda x: checked(x, tf.logical_not(tf.reduce_any(x > 0))),
    "not either": lambda x: checked(
        x, tf.logical_not(tf.logical_or(tf.reduce_any(x > 9), tf.logical_not(tf.reduce_all(x > 0))))
    ),
    "both": lambda x: checked(x, tf.logical_and(tf.reduce_all(x > 0), tf.constant(3) > 2)),
    "number of a batch": lambda x: checked(x, tf.shape(x)[0] < 99),
    "bounds": lambda x: x + tf.gather(tf.range(9.0), tf.cast(x[:, :, :1], tf.int32)),
}
MIXED_CHECKS = {
    "sum": lambda x: checked(x, tf.reduce_sum(x) > 0),
    "any": lambda x: checked(x, tf.reduce_any(x > 0)),
    "all of any row": lambda x: checked(x, tf.reduce_all(tf.reduce_any(x > 0, 0))),
    "not all": lambda x: checked(x, tf.logical_not(tf.reduce_all(x > 0))),
    "either": lambda x: checked(x, tf.logical_or(tf.reduce_all(x > 0), tf.reduce_all(x < 0))),
    "equal": lambda x: checked(x, tf.equal(tf.reduce_all(x > 0), tf.reduce_all(x > 1))),
    "select": lambda x: checked(x, tf.where(tf.reduce_all(x > 0), True, tf.reduce_all(x < 0))),
    "first of rows": lambda x: checked(x, x[0, 0, 0] > 0),
    "few": lambda x: checked(x, tf.shape(x)[0] < 9),
    "numerics of a sum": lambda x: x + 0 * tf.debugging.check_numerics(tf.reduce_sum(x, 0), "rows"),
    "in a branch": lambda x: tf.cond(
        tf.shape(x)[1] > 1, lambda: checked(x, tf.reduce_sum(x) > 0), lambda: x
    ),
    "in a loop": lambda x: tf.while_loop(
        lambda i, y: i < 99, lambda i, y: (i + 1, checked(y, tf.reduce_sum(y) > 0)), (0, x)
    )[1],
}
MIXED = {
    "mean": lambda x: x - tf.reduce_mean(x, 0),
    "maximum of all": lambda x: tf.cond(tf.reduce_max(x) > 1e9, lambda: -x, lambda: x),
    "reversed": lambda x: x[::-1],
    "scan over rows": lambda x: tf.cumsum(x, 0),
    "sorted rows": lambda x: tf.sort(x, 0),
    "first": lambda x: x + x[:1],
    "written over others": lambda x: x
    + tf.reduce_sum(
        tf.raw_ops.XlaDynamicUpdateSlice(
            input=tf.zeros([8, *x.shape[1:]]), update=x, indices=tf.zeros([3], tf.int32)
        ),
        0,
    ),
    "moved": lambda x: tf.concat([x[1:], x[:1]], 0),
    "index": lambda x: x + tf.cast(tf.range(tf.shape(x)[0]), tf.float32)[:, None, None],
    "number": lambda x: x / tf.cast(tf.shape(x)[0], tf.float32),
    "number decides": lambda x: tf.cond(tf.shape(x)[0] > 3, lambda: x, lambda: -x),
    "one row": lambda x: tf.squeeze(x[:, :1, :1]),
    "pairs": lambda x: tf.reduce_max(x[None] - x[:, None], 1),
    "pairs of products": lambda x: tf.einsum("nab,mab->nm", x, x)[:, :1, None] + x,
    "in another order": lambda x: tf.reshape(tf.transpose(x, [1, 0, 2]), tf.shape(x)),
    "noise": lambda x: x + tf.random.stateless_uniform(tf.shape(x), [1, 2]),
    "rows as pixels": lambda x: tf.nn.conv2d(
        x[None], tf.ones([2, 2, x.shape[2], x.shape[2]]), 1, "SAME"
    )[0],
    "trips": lambda x: tf.while_loop(
        lambda y: tf.reduce_max(y) < 9.0, lambda y: [y + 1.0], [x]
    )[0],
    "segments": lambda x: x
    + tf.math.unsorted_segment_sum(x, tf.zeros([tf.shape(x)[0]], tf.int32), 1),
    "begins at the number": lambda x: long(x)[:, tf.shape(x)[0] : tf.shape(x)[0] + 3],
    "stride is the number": lambda x: long(x)[:, 0 : 3 * tf.shape(x)[0] : tf.shape(x)[0]],
    "padded by the number": lambda x: tf.pad(
        x, [[0, 0], [tf.shape(x)[0], 64 - tf.shape(x)[0]], [0, 0]]
    ),
    "stream": lambda x: x + tf.random.uniform([x.shape[2]]),
    "kept rows": lambda x: tf.boolean_mask(x, x[:, 0, 0] > 0),
    "dropped": lambda x: x[:-1],
    "scalar": lambda x: tf.reduce_sum(x),
}  # fmt: skip
CHAINS = 40


def checked(x, condition):
    with tf.control_dependencies([tf.debugging.Assert(condition, [x])]):
        return tf.identity(x)


def long(x):
    return tf.concat([x, tf.zeros([tf.shape(x)[0], 200, x.shape[2]])], 1)


def traced(names, tail):
    """The names' functions one after the other."""

    def run(x):
        return functools.reduce(
            lambda y, name: (INDEPENDENT | CHECKED | MIXED | MIXED_CHECKS)[name](y), names, x
        )

    spec = tf.TensorSpec([None, *tail], tf.float32)
    return tf.function(run, autograph=False).get_concrete_function(spec)


def is_proven(function, tail):
    captured = [tensor._value for tensor in function.captured_inputs]
    values = [np.zeros((ROWS, *tail), np.float32), *captured]
    try:
        return prove(function._function.executable.block, values, 1, 64).admits(values, 64)
    except MixedRows:
        return False


@pytest.mark.parametrize("name", INDEPENDENT | CHECKED)
def test_independent_rows_are_proven(name):
    assert is_proven(traced([name], (3, 4)), (3, 4))


@pytest.mark.parametrize("name", MIXED | MIXED_CHECKS)
def test_mixed_rows_are_not_proven(name):
    assert not is_proven(traced([name], (3, 4)), (3, 4))


@pytest.mark.parametrize("seed", range(CHAINS))
def test_proven_chains_give_each_row_what_it_gives_alone(seed):
    random = np.random.default_rng(seed)
    names = [str(name) for name in random.choice(list(INDEPENDENT), 4)]
    tail = tuple(int(n) for n in random.integers(2, 6, 2))
    function = traced(names, tail)
    assert is_proven(function, tail)
    x = (random.integers(-32, 33, (3, *tail)) / 16).astype(np.float32)
    alone = [function(tf.constant(x[i : i + 1])).numpy() for i in range(3)]
    together = function(tf.constant(x)).numpy()
    np.testing.assert_allclose(together, np.concatenate(alone), 1e-4, 1e-4)


def test_one_mixed_function_in_a_chain_is_enough():
    for name in ("mean", "reversed", "pairs", "trips"):
        assert not is_proven(traced(["elements", name, "softmax"], (3, 4)), (3, 4))


def test_conditions_of_other_extents_are_those_of_the_proof():
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def function(x):
        return tf.cond(tf.shape(x)[1] > 8, lambda: x - tf.reduce_mean(x, 0), lambda: x)

    block = function.get_concrete_function()._function.executable.block
    short, long = np.zeros((ROWS, 7), np.float32), np.zeros((ROWS, 9), np.float32)
    proof = prove(block, [short], 1, 64)
    assert proof.admits([short], 64)
    assert not proof.admits([long], 64)
    with pytest.raises(MixedRows, match="Mean"):
        prove(block, [long], 1, 64)


def test_every_kind_of_node_follows_rows_or_is_known_not_to():
    unfollowed = {
        kind
        for kind, primitive in PRIMITIVES.items()
        if type(primitive).rows is Primitive.rows and not primitive.is_elementwise
    }
    assert unfollowed == {"parameter", "exchange_start", "exchange_wait"}
