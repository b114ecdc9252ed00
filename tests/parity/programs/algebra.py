"""Functions of matrices, recurrences, and odd ends of neural networks."""

import numpy as np

SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.2], [0.5, -0.2, 5.0]])
IMAGES = (np.arange(2 * 5 * 6 * 2) % 11).reshape(2, 5, 6, 2).astype(np.float32)


def matrices(tf, tmp):
    raw = tf.raw_ops
    return [
        raw.MatrixLogarithm(input=SQUARE.astype(np.complex128)),
        raw.IsotonicRegression(input=np.array([[3.0, 1.0, 2.0, 5.0]], np.float32)),
    ]


def _lstm(tf):
    rng = np.random.RandomState(0)

    def make(*s):
        return (rng.rand(*s) - 0.5).astype(np.float32)

    return {
        "cs_prev": make(2, 3), "h_prev": make(2, 3), "w": make(7, 12), "wci": make(3), "wcf": make(3),
        "wco": make(3), "b": make(12),
    }, make(5, 2, 4), make  # fmt: skip


def blocks_of_lstm(tf, tmp):
    raw = tf.raw_ops
    weights, x, make = _lstm(tf)
    made = []
    for version in ("", "V2"):
        forget = {"forget_bias": 1.0} if not version else {}
        run = getattr(raw, f"BlockLSTM{version}")
        out = run(
            seq_len_max=np.int64(4), x=x, **weights, cell_clip=3.0, use_peephole=True, **forget
        )
        names = ("i", "cs", "f", "o", "ci", "co", "h")
        grads = getattr(raw, f"BlockLSTMGrad{version}")(
            seq_len_max=np.int64(4), x=x, **weights, **dict(zip(names, out, strict=True)),
            cs_grad=make(5, 2, 3), h_grad=make(5, 2, 3), use_peephole=True,
        )  # fmt: skip
        made += [[part[:4] for part in out], [grads[0][:4], *grads[1:]]]
    return made


def cells_of_lstm(tf, tmp):
    raw = tf.raw_ops
    weights, x, make = _lstm(tf)
    out = raw.LSTMBlockCell(x=x[0], **weights, forget_bias=0.5, cell_clip=2.0, use_peephole=True)
    kept = dict(zip(("i", "cs", "f", "o", "ci", "co"), out[:6], strict=True))
    grads = raw.LSTMBlockCellGrad(
        x=x[0], **weights, **kept, cs_grad=make(2, 3), h_grad=make(2, 3), use_peephole=True
    )
    return [list(out), list(grads)]


def cells_of_gru(tf, tmp):
    rng = np.random.RandomState(1)

    def make(*s):
        return (rng.rand(*s) - 0.5).astype(np.float32)

    parts = {
        "x": make(2, 4), "h_prev": make(2, 3), "w_ru": make(7, 6), "w_c": make(7, 3), "b_ru": make(6), "b_c": make(3),
    }  # fmt: skip
    r, u, c, h = tf.raw_ops.GRUBlockCell(**parts)
    grads = tf.raw_ops.GRUBlockCellGrad(**parts, r=r, u=u, c=c, d_h=make(2, 3))
    return [[r, u, c, h], list(grads)]


def pools(tf, tmp):
    raw = tf.raw_ops
    windows = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
    top, where = raw.MaxPoolWithArgmax(input=IMAGES, **windows)
    fraction = {
        "pooling_ratio": [1.0, 1.44, 1.73, 1.0],
        "seed": 5,
        "seed2": 7,
        "deterministic": True,
    }
    return [
        top,
        where,
        raw.MaxPoolGradGrad(orig_input=IMAGES, orig_output=top, grad=IMAGES, **windows),
        [
            list(op(value=IMAGES, pseudo_random=p, overlapping=o, **fraction))
            for op in (raw.FractionalAvgPool, raw.FractionalMaxPool)
            for p, o in ((False, False), (True, True))
        ],
    ]


def convolutions(tf, tmp):
    raw = tf.raw_ops
    kernel = (np.arange(3 * 3 * 2 * 4) % 7 - 3).reshape(3, 3, 2, 4).astype(np.float32)
    out = np.ones((2, 5, 6, 4), np.float32)
    fused = raw.FusedResizeAndPadConv2D(
        input=IMAGES[:1], size=[7, 8], paddings=[[0, 0], [1, 1], [2, 0], [0, 0]], filter=kernel, mode="REFLECT",
        strides=[1, 2, 2, 1], padding="VALID",
    )  # fmt: skip
    padded = raw.FusedPadConv2D(
        input=IMAGES[:1], paddings=[[0, 0], [1, 1], [1, 1], [0, 0]], filter=kernel, mode="SYMMETRIC", strides=[1] * 4,
        padding="VALID",
    )  # fmt: skip
    shared = {"strides": [1] * 4, "padding": "SAME"}
    return [
        fused,
        padded,
        raw.Conv2DBackpropFilter(
            input=IMAGES, filter_sizes=[3, 3, 2, 4], out_backprop=out, **shared
        ),
    ]


def losses_of_labels(tf, tmp):
    raw = tf.raw_ops
    logits = np.sin(np.arange(4 * 2 * 5)).reshape(4, 2, 5).astype(np.float32)
    labels = {
        "labels_indices": np.array([[0, 0], [0, 1], [1, 0]], np.int64), "labels_values": np.array([1, 3, 2], np.int32),
        "sequence_length": np.array([4, 3], np.int32),
    }  # fmt: skip
    return [
        list(raw.CTCLoss(inputs=logits, **labels)),
        list(
            raw.CTCLoss(
                inputs=logits, **labels, preprocess_collapse_repeated=True, ctc_merge_repeated=False
            )
        ),
    ]


def nearest_monotone_rows(tf, tmp):
    rows = np.array(
        [[3.0, 1.0, 2.0], [1.0, 3.0, 2.0], [0.0, 0.0, 1.0], [5.0, 4.0, 6.0]], np.float32
    )
    return [list(tf.raw_ops.IsotonicRegression(input=x)) for x in (rows, -rows)]
