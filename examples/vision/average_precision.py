"""How detectors are measured."""

import numpy as np


def overlap(box, others):
    """Returns the intersections over unions of a box and others `[n, 4]`."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    both = np.prod(np.maximum(sides, 0), axis=-1)
    return both / (np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], -1) - both)


def average_precision(found, boxes, classes, digit):
    """Returns the area below precision over recall for a digit."""
    places, scores, answers, _ = found
    right = []
    open_boxes = {n: boxes[n, classes[n] == digit] for n in range(len(boxes))}
    total = sum(map(len, open_boxes.values()))
    candidates = np.argwhere((answers == digit) & (scores > 0))
    for n, k in candidates[np.argsort(-scores[tuple(candidates.T)], kind="stable")]:
        shares = overlap(places[n, k], open_boxes[n])
        right.append(len(shares) > 0 and shares.max() >= 0.5)
        if right[-1]:
            open_boxes[n] = np.delete(open_boxes[n], shares.argmax(), axis=0)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return np.sum(best[np.array(right, bool)]) / max(total, 1)
