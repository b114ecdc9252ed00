"""Boxes thinned out: NMS by hand, hard, soft and by classes, beside TensorFlow's own, and mean average precision."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(241)


def candidates(count):
    """Boxes around some true ones, with scores that fall with the distance."""
    truth = rng.uniform(0, 70, (4, 2))
    truth = np.concatenate([truth, truth + rng.uniform(15, 30, (4, 2))], 1)
    owner = rng.integers(0, 4, count)
    boxes = truth[owner] + rng.normal(0, 4, (count, 4))
    scores = np.exp(-np.abs(boxes - truth[owner]).mean(1) / 5) * rng.uniform(0.6, 1, count)
    return (
        boxes.astype("float32"),
        scores.astype("float32"),
        owner.astype("int32"),
        truth.astype("float32"),
    )


def overlaps(a, b):
    """IoU of each box of a with each of b."""
    low = tf.maximum(a[:, None, :2], b[None, :, :2])
    high = tf.minimum(a[:, None, 2:], b[None, :, 2:])
    common = tf.reduce_prod(tf.maximum(high - low, 0.0), -1)

    def area(x):
        return tf.reduce_prod(x[:, 2:] - x[:, :2], -1)

    return common / (area(a)[:, None] + area(b)[None] - common)


@tf.function(
    input_signature=[
        tf.TensorSpec([None, 4]),
        tf.TensorSpec([None]),
        tf.TensorSpec([]),
        tf.TensorSpec([]),
    ]
)
def soft_nms(boxes, scores, sigma, threshold):
    """The Gaussian one: the best box lowers the scores of those that overlap it, until none is above the threshold."""
    iou = overlaps(boxes, boxes)
    kept = tf.TensorArray(tf.int32, 0, dynamic_size=True, clear_after_read=False)
    values = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    count = 0
    while tf.reduce_max(scores) > threshold:
        best = tf.argmax(scores, output_type=tf.int32)
        kept = kept.write(count, best)
        values = values.write(count, scores[best])
        count += 1
        decay = tf.exp(-tf.square(iou[best]) / sigma)
        scores = tf.tensor_scatter_nd_update(scores * decay, [[best]], [-1.0])
    return kept.stack(), values.stack()


@tf.function(reduce_retracing=True)
def hard_nms(boxes, scores, limit):
    """Keeps a box unless a kept one with a better score overlaps it by more than the limit."""
    order = tf.argsort(scores, direction="DESCENDING", stable=True)
    iou = overlaps(tf.gather(boxes, order), tf.gather(boxes, order))
    n = tf.size(order)
    keep = tf.ones([n], tf.bool)
    for i in tf.range(n):
        if keep[i]:
            later = tf.range(n) > i
            keep = keep & ~(later & (iou[i] > limit))
    return tf.boolean_mask(order, keep)


for count in (12, 30, 7, 55, 21, 1):
    boxes, scores, owner, truth = candidates(count)
    kept, values = soft_nms(boxes, scores, tf.constant(0.5), tf.constant(0.05))
    print("RESULT soft", count, kept.numpy(), float(tf.reduce_sum(values)), values.numpy()[-1])
    library, soft = tf.image.non_max_suppression_with_scores(
        boxes, scores, count, iou_threshold=1.0, score_threshold=0.05, soft_nms_sigma=0.25
    )
    print("RESULT library", library.numpy(), soft.numpy()[:5])
    mine = hard_nms(tf.constant(boxes), tf.constant(scores), 0.4)
    theirs = tf.image.non_max_suppression(boxes, scores, count, 0.4)
    print("RESULT hard", mine.numpy(), np.array_equal(mine, theirs))
    padded, valid = tf.image.non_max_suppression_padded(
        boxes, scores, 8, 0.4, pad_to_max_output_size=True
    )
    print("RESULT padded", padded.numpy(), int(valid))
    given = tf.image.non_max_suppression_overlaps(overlaps(boxes, boxes), scores, 5, 0.3, 0.2)
    print("RESULT overlaps", given.numpy())

boxes, scores, owner, truth = candidates(40)
per_class = tf.one_hot(owner, 4) * scores[:, None]
found = tf.image.combined_non_max_suppression(
    tf.reshape(boxes / 100, [1, 40, 1, 4]), per_class[None], 6, 9, 0.4, 0.1, clip_boxes=True
)
print(
    "RESULT combined",
    int(found.valid_detections[0]),
    found.nmsed_classes.numpy()[0],
    found.nmsed_scores.numpy()[0],
)
print("RESULT boxes", found.nmsed_boxes.numpy()[0, :2].ravel())

# Classes moved apart, so that one pass treats them all.
shift = tf.cast(owner, tf.float32)[:, None] * 1000.0
apart = hard_nms(tf.constant(boxes) + shift, tf.constant(scores), 0.4)
print("RESULT apart", apart.numpy(), tf.math.bincount(tf.gather(owner, apart), minlength=4).numpy())


def average_precision(boxes, scores, owner, limit):
    """The area under precision over recall of detections, each true box found once."""
    order = np.argsort(-scores)
    iou = overlaps(tf.constant(boxes), tf.constant(truth)).numpy()
    seen, hits = set(), []
    for k in order:
        hits.append(iou[k, owner[k]] > limit and owner[k] not in seen)
        seen |= {owner[k]} if hits[-1] else set()
    hits = tf.cast(hits, tf.float32)
    precision = tf.cumsum(hits) / tf.range(1.0, len(order) + 1)
    envelope = tf.reverse(tf.scan(tf.maximum, tf.reverse(precision, [0])), [0])
    return float(tf.reduce_sum(envelope * hits) / 4)


print("RESULT precision", *[average_precision(boxes, scores, owner, k) for k in (0.3, 0.5, 0.7)])
