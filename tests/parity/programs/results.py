"""Largest elements of wide rows, rows of ragged tensors, gradients of factorizations, levels, boxes, and parts of datasets."""

import numpy as np

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.integers(0, 9, (3, 100)).astype(np.float32)
WITH_INFINITIES = ROWS.copy()
WITH_INFINITIES[0, 3], WITH_INFINITIES[1, 4:60] = np.inf, -np.inf


def largest(tf, tmp):
    rows = (
        ROWS,
        WITH_INFINITIES,
        ROWS.astype(np.int32),
        ROWS.astype(np.uint8),
        ROWS.astype(np.float16),
    )
    return [list(tf.math.top_k(x, k)) for x in rows for k in (0, 1, 3, 20, 100)]


def of_a_rank(tf, tmp):
    raw = tf.raw_ops
    return [
        raw.NthElement(input=ROWS, n=n, reverse=turned)
        for n in (0, 5, 99)
        for turned in (False, True)
    ] + [
        raw.InTopKV2(predictions=x, targets=np.array([5, 7, 99], np.int32), k=np.int32(k))
        for x in (ROWS, WITH_INFINITIES)
        for k in (3, 40)
    ]


def _ragged(tf, splits, indices):
    found = tf.raw_ops.RaggedGather(
        params_nested_splits=[np.array(s, np.int64) for s in splits],
        params_dense_values=np.arange(5.0), indices=np.array(indices, np.int64),
        OUTPUT_RAGGED_RANK=len(splits) + np.ndim(indices) - 1,
    )  # fmt: skip
    return [*found[0], found[1]]


def rows_of_rows(tf, tmp):
    return [
        _ragged(tf, [[0, 2, 2, 5]], [2, 0]),
        _ragged(tf, [[0, 2, 2, 5]], [[2, 0], [1, 2]]),
        _ragged(tf, [[0, 1, 3], [0, 2, 2, 5]], [1, 1, 0]),
    ]


def gradients_of_factors(tf, tmp):
    places = {
        "sp_indices": np.array([[0, 1], [1, 0], [2, 2]], np.int64),
        "sp_shape": np.array([3, 3], np.int64),
    }
    made = []
    for name in ("SparseDenseCwiseMul", "SparseDenseCwiseDiv"):
        op = getattr(tf.raw_ops, name)
        for dense in (
            np.arange(1.0, 10).reshape(3, 3),
            np.arange(1.0, 4),
            np.array([[2.0], [3], [4]]),
        ):
            values, other = tf.constant([2.0, 3, 4], tf.float64), tf.constant(dense)
            with tf.GradientTape() as tape:
                tape.watch((values, other))
                y = op(sp_values=values, dense=other, **places) ** 2
            made += tape.gradient(y, (values, other))
    return made


NUMBERS = np.array([-3, -1.2, 0, 0.4, 1.7, 9], np.float32)
BOUNDS = [(-1, 2), (0, 5), (-5, 0), (1, 2), (-2, -1), (0, 0), (2, 1)]
IMAGES = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)
COLORS = np.array(
    [[[0, 0, 0], [1, 1, 1], [0.2, 0.6, 0.4], [0.9, 0.1, 0.1], [0.5, 0.5, 0.2], [-0.1, 0.3, 2]]], np.float32
)  # fmt: skip
BOXES = np.array(
    [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 2, 1, 3], [1, 1, 0, 0], [0, 0, 0, 0]], np.float32
)
SCORES = np.array([0.5, 0.9, 0.3, 0.8, 0.2], np.float32)


def fake_quantization(tf, tmp):
    raw, single, made = tf.raw_ops, np.float32, []
    for low, high in BOUNDS:
        for bits, narrow in ((2, False), (8, True), (16, False)):
            how = {"num_bits": bits, "narrow_range": narrow}
            ends = {"min": single(low), "max": single(high)}
            made.append(raw.FakeQuantWithMinMaxVars(inputs=NUMBERS, **ends, **how))
            made += raw.FakeQuantWithMinMaxVarsGradient(
                gradients=NUMBERS + 2, inputs=NUMBERS, **ends, **how
            )
            if low < high:
                made.append(raw.FakeQuantWithMinMaxArgs(inputs=NUMBERS, min=low, max=high, **how))
    columns, ends = (
        NUMBERS.reshape(3, 2),
        {"min": np.array([-1, 0], single), "max": np.array([1, 6], single)},
    )
    made.append(raw.FakeQuantWithMinMaxVarsPerChannel(inputs=columns, **ends))
    made += raw.FakeQuantWithMinMaxVarsPerChannelGradient(
        gradients=columns + 2, inputs=columns, **ends
    )
    return made


def parts_of_images(tf, tmp):
    raw = tf.raw_ops
    boxes = np.array([[0, 0, 1, 1], [0.2, 0.1, 0.7, 0.9], [1, 1, 0, 0], [-1, -1, 2, 2]], np.float32)
    some = {"boxes": boxes[:2], "box_ind": [0, 1]}
    ones = np.ones((2, 2, 3, 3), np.float32)
    made = [
        raw.CropAndResize(image=IMAGES, boxes=boxes, box_ind=[0, 1, 0, 1], crop_size=size, method=method, extrapolation_value=7)
        for size in ([2, 3], [1, 1])
        for method in ("bilinear", "nearest")
    ]  # fmt: skip
    made += [
        raw.CropAndResizeGradImage(
            grads=ones, **some, image_size=[2, 4, 5, 3], T=tf.float32, method=method
        )
        for method in ("bilinear", "nearest")
    ]
    return [*made, raw.CropAndResizeGradBoxes(grads=ones, image=IMAGES, **some)]


def colors(tf, tmp):
    raw = tf.raw_ops
    return [
        raw.RGBToHSV(images=COLORS),
        raw.HSVToRGB(images=np.abs(COLORS) % 1),
        [raw.AdjustHue(images=COLORS, delta=np.float32(d)) for d in (0, 0.3, -0.7, 1.5)],
        [raw.AdjustSaturation(images=COLORS, scale=np.float32(d)) for d in (0, 0.3, 2, -1)],
        [
            raw.AdjustContrastv2(images=IMAGES, contrast_factor=np.float32(f))
            for f in (0, 0.5, 2, -1)
        ],
    ]


def boxes_that_overlap(tf, tmp):
    raw, single, made = tf.raw_ops, np.float32, []
    given = {"boxes": BOXES, "scores": SCORES, "max_output_size": 4}
    for limit in (0, 0.5, 1):
        how = {**given, "iou_threshold": single(limit)}
        made += [
            raw.NonMaxSuppressionV3(**how, score_threshold=single(0.25)),
            list(
                raw.NonMaxSuppressionV4(
                    **how, score_threshold=single(-np.inf), pad_to_max_output_size=True
                )
            ),
            list(
                raw.NonMaxSuppressionV5(
                    **how, score_threshold=single(-1), soft_nms_sigma=single(0.5)
                )
            ),
        ]
    both = np.stack([SCORES, SCORES[::-1]], -1)[None]
    for options in (
        {"max_total_size": 4},
        {"max_total_size": 9, "pad_per_class": True, "clip_boxes": False},
    ):
        made.append(list(raw.CombinedNonMaxSuppression(
            boxes=BOXES[None, :, None], scores=both, max_output_size_per_class=3, iou_threshold=single(0.5),
            score_threshold=single(0.25), **options,
        )))  # fmt: skip
    return made


def parts_of_datasets(tf, tmp):
    raw, made = tf.raw_ops, []
    kinds = {"output_types": [tf.int64], "output_shapes": [[]]}
    whole = tf.data.Dataset.range(10)
    hint = tf.data.experimental.SHARD_HINT
    for policy, dataset in (
        (-1, whole), (0, whole), (2, whole), (2, whole.map(lambda a: a * 2).prefetch(2)),
        (3, whole), (3, whole.shard(hint, hint)), (0, whole.batch(2).unbatch()),
    ):  # fmt: skip
        part = raw.AutoShardDataset(
            input_dataset=dataset._variant_tensor, num_workers=3, index=1, auto_shard_policy=policy,
            num_replicas=3, **kinds,
        )  # fmt: skip
        iterator = raw.AnonymousIteratorV3(**kinds)
        raw.MakeIterator(dataset=part, iterator=iterator)
        found = []
        while True:
            try:
                found.append(int(raw.IteratorGetNext(iterator=iterator, **kinds)[0]))
            except tf.errors.OutOfRangeError:
                break
        made.append(found)
    element = raw.CompressElement(components=[np.float32([1, 2]), tf.constant(["a", "b"])])
    types = {"output_types": [tf.float32, tf.string], "output_shapes": [[2], [2]]}
    return [*made, list(raw.UncompressElement(compressed=element, **types))]


def functions_of_rows(tf, tmp):
    raw, single = tf.raw_ops, tf.TensorSpec([], tf.float32)
    both = tf.function(
        lambda a, b: (a * b, tf.stack([a, b])), input_signature=[single, single], autograph=False
    )
    given = {
        "f": both.get_concrete_function(), "captured_inputs": [], "output_types": [tf.float32] * 2,
        "output_shapes": [[], [2]],
    }  # fmt: skip
    rows = np.array([1, 2, 3], np.float32)
    return [list(raw.MapDefun(arguments=[r, r + 3], **given)) for r in (rows, rows[:0])]


SYMMETRIC = np.array([[4.0, 1, 0.5], [1, 3, 0.2], [0.5, 0.2, 2]])
SKEW = SYMMETRIC + np.triu(SYMMETRIC, 1)
WEIGHTS = np.arange(9.0).reshape(3, 3)


def _gradient(tf, function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(function(x))
    return tape.gradient(y, x)


def of_values(tf, tmp):
    linalg = tf.linalg
    return [
        tf.raw_ops.CholeskyGrad(l=np.linalg.cholesky(SYMMETRIC), grad=SYMMETRIC),
        tf.raw_ops.CholeskyGrad(
            l=np.linalg.cholesky([SYMMETRIC, SYMMETRIC + np.eye(3)]),
            grad=np.stack([SYMMETRIC, WEIGHTS]),
        ),
        _gradient(tf, lambda a: linalg.svd(a, compute_uv=False) * [1.0, 2.0], SYMMETRIC[:2]),
        _gradient(tf, lambda a: linalg.eigvalsh(a) * np.array([1.0, 2, 3]), SYMMETRIC),
        _gradient(tf, lambda a: tf.math.real(linalg.eigvals(a) ** 2), SKEW),
        _gradient(tf, lambda a: linalg.sqrtm(a) * WEIGHTS, SYMMETRIC),
    ]


def of_vectors(tf, tmp):
    linalg = tf.linalg
    return [
        _gradient(tf, lambda a: tf.abs(linalg.eig(a)[1]) ** 2 * WEIGHTS, SKEW),
        _gradient(tf, lambda a: linalg.eigh(a)[1] ** 2 * WEIGHTS, SYMMETRIC),
        _gradient(tf, lambda a: linalg.svd(a)[1] ** 2 * WEIGHTS, SKEW),
        _gradient(tf, lambda a: linalg.svd(a)[1] ** 2 * WEIGHTS[:2, :2], SKEW[:2]),
        _gradient(tf, lambda a: linalg.svd(a)[2] ** 2 * WEIGHTS[:2, :2], SKEW[:, :2]),
        _gradient(tf, lambda a: linalg.svd(a, full_matrices=True)[2] ** 2 * WEIGHTS, SKEW[:2]),
        _gradient(tf, lambda a: linalg.qr(a)[1] ** 3, SYMMETRIC[:2]),
        _gradient(tf, lambda a: linalg.qr(a)[0] ** 3 * WEIGHTS[:, :2], SYMMETRIC[:, :2]),
        _gradient(tf, lambda a: linalg.qr(a, full_matrices=True)[0] ** 3 * WEIGHTS, SYMMETRIC),
    ]
