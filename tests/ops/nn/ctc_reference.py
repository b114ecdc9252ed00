"""CTC in Python: the recursions over log probabilities, and the beam search over tuples of labels."""

import heapq
import itertools
import math

import numpy as np

from penstock._src.ops.nn.ctc import _log_softmax


def _add(first, second, third):
    """log of the sum of exps."""
    return np.logaddexp(np.logaddexp(first, second), third)


def _moved(scores, by):
    """The scores of the states `by` before each state, or after it if negative; -inf where there are none."""
    moved = np.full_like(scores, -np.inf)
    if by > 0:
        moved[:, by:] = scores[:, :-by]
    else:
        moved[:, :by] = scores[:, -by:]
    return moved


def losses_and_gradients(inputs, sizes, labels, blank, merge_repeated):
    """The losses of sequences, and their gradients.

    The states are the labels with blanks between and around them; alpha and beta are the log probabilities of reaching, and
    of leaving, each state. Without `merge_repeated` a label lasts one step.

    Args:
      inputs: logits [time, sequences, classes].
      sizes: the number of steps of each sequence, at least one.
      labels: those of each sequence.
      blank: the class between labels.
      merge_repeated: True if a label may last several steps.
    """
    log_p = _log_softmax(inputs)
    steps, batch, _ = inputs.shape
    rows, counts = np.arange(batch), np.array([2 * len(row) + 1 for row in labels])
    states = np.full((batch, counts.max()), blank)
    for b, row in enumerate(labels):
        states[b, 1 : counts[b] : 2] = row
    # No path enters the states that a sequence with fewer labels does not have.
    is_state = np.arange(states.shape[1]) < counts[:, None]
    emitted = np.where(is_state, log_p[:, rows[:, None], states], -np.inf)
    jump = np.zeros(states.shape, bool)  # True if the blank before a label may be skipped
    # Between two equal labels the blank is all that keeps them apart.
    jump[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2] if merge_repeated else True
    stay = np.where((states == blank) | merge_repeated, 0.0, -np.inf)
    alpha = np.full((steps, *states.shape), -np.inf)
    alpha[0, :, :2] = emitted[0, :, :2]
    for t in range(1, steps):
        before = alpha[t - 1]
        skipped = np.where(jump, _moved(before, 2), -np.inf)
        alpha[t] = _add(before + stay, _moved(before, 1), skipped) + emitted[t]
    # A path ends at the last label, or at the blank after it.
    lasts = is_state & (np.arange(states.shape[1]) >= counts[:, None] - 2)
    ends = np.where(lasts, 0.0, -np.inf)
    # Without the step's own emission, which alpha has: their sum counts it once.
    beta = np.full_like(alpha, -np.inf)
    beta[-1] = ends
    for t in range(steps - 2, -1, -1):
        after = beta[t + 1] + emitted[t + 1]
        skipped = _moved(np.where(jump, after, -np.inf), -2)
        beta[t] = np.where(
            (sizes == t + 1)[:, None], ends, _add(after + stay, _moved(after, -1), skipped)
        )
    finals = alpha[sizes - 1, rows]
    before_last = np.where(counts > 1, finals[rows, counts - 2], -np.inf)
    totals = np.logaddexp(before_last, finals[rows, counts - 1])
    gradients = np.exp(log_p)
    is_counted = np.isfinite(totals)[:, None] & is_state
    occupied = np.where(is_counted, np.exp(alpha + beta - totals[:, None]), 0.0)
    # State by state: a label may occur several times in a sequence.
    for k in range(states.shape[1]):
        gradients[:, rows, states[:, k]] -= occupied[:, :, k]
    gradients[np.arange(steps)[:, None] >= sizes] = 0.0
    return -totals, gradients


def search(log_p, width):
    """[(labels, log probability)] of the best prefixes, the most probable first."""
    beam = {(): (0.0, -np.inf)}
    for row in log_p:
        beam = _advanced(beam, row, width)
    ranked = sorted(beam.items(), key=lambda e: -_log_of_sum(*e[1]))
    return [(prefix, _log_of_sum(*score)) for prefix, score in ranked]


def _advanced(beam, row, width):
    """The prefixes after one more step: {labels: (log p with a last blank, log p without)}.

    Prunes like TensorFlow: first every prefix continues unchanged; then the prefixes, most probable first, are extended by
    a label, and each new prefix evicts the least probable one. A prefix that is evicted and reached again counts only the
    last path, and one that is not readmitted is not extended.
    """
    blank, total = len(row) - 1, {p: _log_of_sum(*score) for p, score in beam.items()}
    numbers, kept, extensions = row.tolist(), {}, {}
    for prefix, (_, without) in beam.items():
        if prefix:
            parent = prefix[:-1]
            if parent in beam:
                # A label follows itself only by way of a blank: other paths are the parent's own.
                twice = parent and parent[-1] == prefix[-1]
                before = beam[parent][0] if twice else total[parent]
                without = _log_of_sum(without, before)
                extensions.setdefault(parent, []).append(prefix[-1])
            without = without + numbers[prefix[-1]]
        kept[prefix] = total[prefix] + numbers[blank], without
    scores = {p: _log_of_sum(*score) for p, score in kept.items()}
    # Of equal scores the first to enter leaves first.
    queue = [(score, at, prefix) for at, (prefix, score) in enumerate(scores.items())]
    heapq.heapify(queue)
    entered = itertools.count(len(queue))
    least = _to_exceed(queue, width)
    by_probability = sorted(range(blank), key=numbers.__getitem__, reverse=True)
    for prefix in sorted(beam, key=lambda p: -total[p]):
        if not total[prefix] > least:
            continue
        # The threshold only grows: other labels matter only if the beam has their prefixes.
        promising = set(extensions.get(prefix, ()))
        for label in by_probability:
            if not numbers[label] + total[prefix] > least:
                break
            promising.add(label)
        for label in sorted(promising):
            child = (*prefix, label)
            if child in scores:
                continue
            twice = prefix and prefix[-1] == label
            score = numbers[label] + (beam[prefix][0] if twice else total[prefix])
            if score > least:
                entry = score, next(entered), child
                if len(queue) == width:
                    worst = heapq.heapreplace(queue, entry)[2]
                    del scores[worst], kept[worst]
                else:
                    heapq.heappush(queue, entry)
                kept[child], scores[child] = (-np.inf, score), score
                least = _to_exceed(queue, width)
            elif child in total:
                total[child] = -np.inf
    return kept


def _to_exceed(queue, width):
    """The log probability that a prefix must exceed to enter the beam; `queue` is a heap of its scores."""
    return -np.inf if len(queue) < width else queue[0][0]


def _log_of_sum(x, y):
    """log(e^x + e^y) of Python floats, as np.logaddexp computes it."""
    if x == y:
        return x + math.log(2)
    high, low = (x, y) if x > y else (y, x)
    return high + math.log1p(math.exp(low - high))
