"""LSTM and GRU cells: values that TensorFlow gives, and gradients against differences."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops


def weights(seed=0):
    random = np.random.RandomState(seed)

    def draw(*shape):
        return random.randn(*shape).astype("f") * 0.5

    shapes = {"cs_prev": (2, 4), "h_prev": (2, 4), "w": (7, 16), "wci": (4,), "wcf": (4,)}
    return {"x": draw(2, 3)} | {
        k: draw(*s) for k, s in (shapes | {"wco": (4,), "b": (16,)}).items()
    }


def test_lstm_step_gives_tensorflows_values():
    made = raw.LSTMBlockCell(**weights(), forget_bias=1.0, cell_clip=0.3, use_peephole=True)
    np.testing.assert_allclose(made.cs[0, :3], [0.225156769, 0.274101555, 0.258943915], rtol=1e-5)
    np.testing.assert_allclose(made.h[0, :3], [0.051443245, 0.148642883, 0.187138826], rtol=1e-5)


def test_a_sequence_is_its_steps_and_then_zeros():
    values = weights()
    x = np.stack([values.pop("x")] * 3)
    made = raw.BlockLSTM(seq_len_max=np.int64(2), x=x, **values, cell_clip=-1.0)
    for t in range(2):
        one = raw.LSTMBlockCell(x=x[t], **values, cell_clip=-1.0)
        np.testing.assert_allclose(made.h[t], one.h, rtol=1e-6)
        values |= {"cs_prev": one.cs, "h_prev": one.h}
    assert not made.h[2].numpy().any()


@pytest.mark.parametrize("op", [raw.BlockLSTM, raw.BlockLSTMV2])
def test_gradients_of_a_sequence(op):
    values = {k: v.astype("d").astype("f") for k, v in weights(1).items()}
    x = tf.constant(np.stack([values.pop("x")] * 2))
    w = tf.constant(values.pop("w"))

    def loss(x, w):
        made = op(seq_len_max=np.int64(2), x=x, w=w, **values, cell_clip=0.0, use_peephole=True)
        return tf.reduce_sum(made.h * made.h) + tf.reduce_sum(made.cs)

    with tf.GradientTape() as tape:
        tape.watch([x, w])
        total = loss(x, w)
    for at, (gradient, value) in enumerate(zip(tape.gradient(total, [x, w]), (x, w), strict=True)):
        moved = np.zeros(value.shape, "f")
        moved.flat[3] = 1e-2
        ends = [
            loss(*[v + s * moved if i == at else v for i, v in enumerate((x, w))]) for s in (1, -1)
        ]
        np.testing.assert_allclose(gradient.numpy().flat[3], (ends[0] - ends[1]) / 2e-2, rtol=2e-3)


def test_gru_step_and_its_gradient():
    random = np.random.RandomState(0)
    shapes = [(2, 3), (2, 4), (7, 8), (7, 4), (8,), (4,)]
    inputs = [random.randn(*shape).astype("f") for shape in shapes]
    names = ["x", "h_prev", "w_ru", "w_c", "b_ru", "b_c"]

    def step(values):
        return raw.GRUBlockCell(**dict(zip(names, values, strict=True)))

    r, u, c, h = (v.numpy() for v in step(inputs))
    np.testing.assert_allclose(h, u * inputs[1] + (1 - u) * c, rtol=1e-6)
    given = dict(zip(names, inputs, strict=True)) | {
        "r": r,
        "u": u,
        "c": c,
        "d_h": np.ones((2, 4), "f"),
    }
    gradients = raw.GRUBlockCellGrad(**given)
    for at, gradient in enumerate(gradients[:2]):
        moved = [v.copy() for v in inputs], [v.copy() for v in inputs]
        for sign, values in zip((1, -1), moved, strict=True):
            values[at].flat[2] += sign * 1e-2
        ends = [step(values).h.numpy().sum() for values in moved]
        np.testing.assert_allclose(gradient.numpy().flat[2], (ends[0] - ends[1]) / 2e-2, rtol=2e-3)


def _step(**sizes):
    shapes = {"x": (2, 3), "cs_prev": (2, 4), "h_prev": (2, 4), "w": (7, 16), "b": (16,)}
    shapes |= dict.fromkeys(("wci", "wcf", "wco"), (4,)) | sizes
    return {name: tf.zeros(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"cs_prev": (3, 4)}, r"cs_prev.dims\(0\) != batch_size: 3 vs. 2"),
        ({"w": (7, 15)}, r"w.dim_size\(1\) != cell_size \* 4: 15 vs. 16"),
        ({"wci": ()}, "wci_tensor must be rank 1 but is rank 0"),
        ({"cs_prev": (2, 0), "h_prev": (2, 0), "w": (3, 0), "b": (0,)}, "is empty"),
    ],
)
def test_a_step_refuses_other_sizes(sizes, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.raw_ops.LSTMBlockCell(**_step(**sizes))


def test_a_sequence_refuses_other_sizes():
    lengths = tf.constant(5, tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match="x must be 3D"):
        tf.raw_ops.BlockLSTM(seq_len_max=lengths, **_step())
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be rank 0"):
        tf.raw_ops.BlockLSTM(seq_len_max=tf.fill([1], lengths), **_step(x=(5, 2, 3)))
