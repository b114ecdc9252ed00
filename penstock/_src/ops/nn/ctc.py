"""Connectionist temporal classification: the loss and two decoders.

Source: Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification".
"""

import heapq
import itertools
import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.native.algorithms.alignments.beams import INTEGERS, REALS, STATE, TREE, beams
from penstock._src.native.algorithms.alignments.ctc import NO_EXPONENT, paths
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import show


def _log_softmax(x):
    # exp of a number that is not positive cannot overflow.
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


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
    jump = np.zeros(states.shape, bool)  # whether the blank before a label may be skipped
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


def native_losses_and_gradients(inputs, sizes, labels, blank, merge_repeated):
    """The same, in native code."""
    # NumPy keeps the order of axes in memory, which chosen sequences have otherwise.
    log_p = np.ascontiguousarray(_log_softmax(inputs))
    powers = log_p * (1 / math.log(2))
    is_regular = np.isfinite(powers)
    exponents = np.floor(np.where(is_regular, powers, 0.0))
    # Infinite and undefined logarithms are their own fractions: 0 and NaN.
    fractions = np.exp2(powers - exponents)
    exponents = np.where(fractions == 0, NO_EXPONENT, exponents).astype(np.int64)
    steps, batch, classes = inputs.shape
    begins = np.cumsum([0, *map(len, labels)], dtype=np.int64)
    states = 2 * max(map(len, labels)) + 1
    ahead, ahead_exponents = np.empty((steps, states)), np.empty((steps, states), np.int64)
    back, back_exponents = np.empty(states), np.empty(states, np.int64)
    totals, total_exponents = np.empty(batch), np.empty(batch, np.int64)
    gradients = np.exp(log_p)
    paths().occupy(
        fractions, exponents, batch, classes, sizes.astype(np.int64),
        np.concatenate([*labels, [0]], dtype=np.int64), begins, blank, int(merge_repeated),
        ahead, ahead_exponents, back, back_exponents, totals, total_exponents, gradients,
    )  # fmt: skip
    gradients[np.arange(steps)[:, None] >= sizes] = 0.0
    return -(np.log(totals) + total_exponents * math.log(2)), gradients


class _CtcLoss(Op):
    """The loss of each sequence, and its gradient with respect to the logits."""

    extents = {
        "inputs": "t, batch, c",
        "labels_indices": "labels, ?",
        "labels_values": "labels",
        "sequence_length": "batch",
    }

    blank_is_first = False

    def gradient(self, _i, _li, _lv, _sl, _loss, gradient, dloss, _dgradient):
        wide = raw.Reshape(tensor=dloss, shape=np.array([1, -1, 1], np.int32))
        return gradient * wide, None, None, None

    def eager(self, inputs, labels_indices, labels_values, sequence_length):
        if inputs.ndim != 3:
            raise self.invalid(f"inputs is not a 3-Tensor. Received {show(inputs.shape)}")
        steps, batch, classes = inputs.shape
        if sequence_length.shape != (batch,):
            raise self.invalid(
                f"len(sequence_length) != batch_size.  len(sequence_length):  "
                f"{sequence_length.size} batch_size: {batch}"
            )
        if labels_indices.ndim != 2 or labels_indices.shape != (*labels_values.shape, 2):
            raise self.invalid(
                "labels_indices and labels_values must contain the same number of rows, but saw shapes: "
                f"{show(labels_indices.shape)} vs. {show(labels_values.shape)}"
            )
        outside = (labels_indices < 0).any(-1) | (labels_indices[:, 0] >= batch)
        if outside.any():
            at = int(np.argmax(outside))
            raise self.invalid(
                f"label SparseTensor is not valid: indices[{at}] = {show(labels_indices[at])} is out of "
                f"bounds: need 0 <= index < {batch}"
            )
        (row, column), (next_row, next_column) = labels_indices[:-1].T, labels_indices[1:].T
        ascends = (next_row > row) | (next_row == row) & (next_column > column)
        if not ascends.all():
            at = int(np.argmin(ascends)) + 1
            raise self.invalid(
                f"label SparseTensor is not valid: indices[{at}] = {show(labels_indices[at])} is out of "
                "order or repeated. Use `tf.sparse.reorder` to create a correctly ordered copy."
            )
        blank = 0 if self.blank_is_first else classes - 1
        losses, gradients = np.zeros(batch, inputs.dtype), np.zeros_like(inputs)
        rows = {}
        for b in range(batch):
            size = int(sequence_length[b])
            if size > steps:
                raise self.invalid(f"sequence_length({b}) <= {steps}")
            if size < 0:
                raise self.invalid(f"seq_len({b}) < 0")
            labels = self._checked(labels_values[labels_indices[:, 0] == b], size, classes)
            if labels is not None:
                rows[b] = labels
        if rows:
            used, sizes = list(rows), sequence_length[list(rows)]
            logits = inputs[: sizes.max(), used].astype(np.float64)
            compute = native_losses_and_gradients if runs_native_code() else losses_and_gradients
            with np.errstate(all="ignore"):
                found = compute(logits, sizes, list(rows.values()), blank, self.ctc_merge_repeated)
            losses[used], gradients[: len(logits), used] = found
        return losses, gradients

    def _checked(self, labels, size, classes):
        """Returns the labels of a sequence, or None if its loss is zero."""
        if labels.size and labels.min() < 0:
            raise self.invalid(
                f"All labels must be nonnegative integers. Received {labels.tolist()}"
            )
        labels = self._without_nulls(labels, classes)
        if self.preprocess_collapse_repeated and labels.size:
            labels = labels[np.concatenate([[True], labels[1:] != labels[:-1]])]
        needed = labels.size
        if needed > size:
            if self.ignore_longer_outputs_than_inputs:
                return None
            raise self.invalid(
                f"Not enough time for target transition sequence (required: {needed}, available: "
                f"{size}). You can turn this error into a warning by using the flag "
                "ignore_longer_outputs_than_inputs"
            )
        return labels if size else None

    def _without_nulls(self, labels, classes):
        """Returns the labels before the first blank or invalid label; only such labels may follow it."""
        if self.blank_is_first:
            if ((labels == 0) | (labels >= classes)).any():
                raise self.invalid(
                    f"a label is the blank, or out of range. Received labels {labels.tolist()} for {classes} classes"
                )
            return labels
        is_null = labels >= classes - 1
        count = int(np.argmax(is_null)) if is_null.any() else labels.size
        if not is_null[count:].all():
            raise self.invalid(
                "Saw a non-null label (index >= num_classes - 1) following a null label. Received labels "
                f"{labels.tolist()} for {classes} classes"
            )
        return labels[:count]


class CTCLoss(_CtcLoss):
    """The CTC loss with the last class as the blank."""

    signature = """inputs: T[?, ?, ?], labels_indices: int64, labels_values: int32,
        sequence_length: int32 -> loss: T[inputs[1]], gradient: T[inputs]"""
    preprocess_collapse_repeated: bool = False
    ctc_merge_repeated: bool = True
    ignore_longer_outputs_than_inputs: bool = False
    T: {dtypes.float32, dtypes.float64} = dtypes.float32


class CTCLossV2(_CtcLoss):
    """The CTC loss with the first class as the blank."""

    signature = """inputs: float32[?, ?, ?], labels_indices: int64, labels_values: int32,
        sequence_length: int32 -> loss: float32[inputs[1]], gradient: float32[inputs]"""
    preprocess_collapse_repeated: bool = False
    ctc_merge_repeated: bool = True
    ignore_longer_outputs_than_inputs: bool = False
    blank_is_first = True


def _sparse(rows):
    """Indices, values and shape of lists of labels."""
    indices = [(b, at) for b, row in enumerate(rows) for at in range(len(row))]
    values = [label for row in rows for label in row]
    widest = max((len(row) for row in rows), default=0)
    return (
        np.array(indices, np.int64).reshape(-1, 2),
        np.array(values, np.int64),
        np.array([len(rows), widest], np.int64),
    )


def _check_frames(op, inputs, sequence_length):
    """Raises an error for invalid frames or sequence lengths."""
    if not inputs.size:
        raise op.invalid("inputs must not be empty")
    if sequence_length.ndim != 1:
        raise op.invalid("sequence_length is not a vector")
    if len(sequence_length) != inputs.shape[1]:
        raise FailedPreconditionError(
            f"{op.op_type}: len(sequence_length) != batch_size.  len(sequence_length):  "
            f"{len(sequence_length)} batch_size: {inputs.shape[1]}"
        )
    for b, size in enumerate(sequence_length):
        if size > len(inputs):
            raise FailedPreconditionError(f"{op.op_type}: sequence_length({b}) <= {len(inputs)}")


class CTCGreedyDecoder(Op):
    """The most likely class at each step, without blanks."""

    signature = """inputs: T[?, ?, ?], sequence_length: int32 -> decoded_indices: int64[?, 2],
        decoded_values: int64[?], decoded_shape: int64[2], log_probability: T[inputs[1], 1]"""
    extents = {"inputs": "t, batch, c", "sequence_length": "batch"}
    merge_repeated: bool = False
    blank_index: int = -1
    T: {dtypes.float32, dtypes.float64} = dtypes.float32
    differentiable = False

    def eager(self, inputs, sequence_length):
        _check_frames(self, inputs, sequence_length)
        classes = inputs.shape[2]
        if not -classes <= self.blank_index < classes:
            raise self.invalid(
                f"blank_index expected to be between {-classes} and {classes - 1} but was "
                f"{self.blank_index}"
            )
        blank = self.blank_index % classes
        steps = np.arange(len(inputs))[:, None] < sequence_length
        best = inputs.argmax(-1)
        largest = np.take_along_axis(inputs, best[..., None], -1)[..., 0]
        scores = np.zeros((inputs.shape[1], 1), inputs.dtype)
        for b, size in enumerate(sequence_length.tolist()):
            scores[b] = -largest[: max(size, 0), b].sum()
        is_kept = steps & (best != blank)
        if self.merge_repeated:
            is_kept[1:] &= best[1:] != best[:-1]
        counts = np.count_nonzero(is_kept, axis=0)
        values = best.T[is_kept.T]
        indices = np.empty((values.size, 2), np.int64)
        indices[:, 0] = np.repeat(np.arange(counts.size), counts)
        indices[:, 1] = np.arange(values.size) - np.repeat(np.cumsum(counts) - counts, counts)
        return indices, values, np.array([counts.size, counts.max(initial=0)], np.int64), scores


class CTCBeamSearchDecoder(Op):
    """The most likely label sequences, by a beam search over prefixes."""

    signature = """inputs: T[?, ?, ?], sequence_length: int32
        -> decoded_indices: top_paths * int64[?, 2], decoded_values: top_paths * int64[?],
        decoded_shape: top_paths * int64[2], log_probability: T[inputs[1], top_paths]"""
    extents = {"inputs": "t, batch, c", "sequence_length": "batch"}
    minimum = {"beam_width": 1, "top_paths": 1}
    beam_width: int
    top_paths: int
    merge_repeated: bool = True
    T: {dtypes.float32, dtypes.float64} = dtypes.float32
    differentiable = False

    def eager(self, inputs, sequence_length):
        paths = self.top_paths
        if paths > self.beam_width:
            raise self.invalid("requested more paths than the beam width")
        _check_frames(self, inputs, sequence_length)
        search = self._native_search if runs_native_code() else self._search
        rows = [[] for _ in range(paths)]
        scores = np.zeros((inputs.shape[1], paths), inputs.dtype)
        for b, size in enumerate(sequence_length):
            # A negative length has no steps; as an index it would count from the end.
            sequence = inputs[: max(int(size), 0), b].astype(np.float64)
            labelings = search(_log_softmax(sequence))
            for at in range(paths):
                labels, score = labelings[at] if at < len(labelings) else ((), -np.inf)
                rows[at].append(self._merged(labels))
                scores[b, at] = score
        parts = [_sparse(path) for path in rows]
        return [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts], scores

    def _merged(self, labels):
        if not self.merge_repeated:
            return list(labels)
        return [x for at, x in enumerate(labels) if at == 0 or x != labels[at - 1]]

    def _search(self, log_p):
        """[(labels, log probability)] of the best prefixes, the most probable first."""
        beam = {(): (0.0, -np.inf)}
        for row in log_p:
            beam = _advanced(beam, row, self.beam_width)
        ranked = sorted(beam.items(), key=lambda e: -_log_of_sum(*e[1]))
        return [(prefix, _log_of_sum(*score)) for prefix, score in ranked]

    def _native_search(self, log_p):
        """The first `top_paths` of the same, in native code."""
        (steps, classes), paths = log_p.shape, self.top_paths
        places, widest = 1, 1
        for _ in range(steps):
            new = min(self.beam_width, widest * (classes - 1))
            places, widest = places + new, min(self.beam_width, widest + new)
        labels, sizes, scores = (
            np.empty((paths, steps), np.int64),
            np.empty(paths, np.int64),
            np.empty(paths),
        )
        count = beams().search(
            np.ascontiguousarray(log_p), steps, classes, widest, places,
            np.empty((TREE, places), np.int64), np.empty((INTEGERS, widest), np.int64),
            np.empty((REALS, widest)), np.empty(classes, np.int64), np.empty(STATE, np.int64),
            paths, labels, sizes, scores,
        )  # fmt: skip
        return [(labels[at, : sizes[at]].tolist(), scores[at]) for at in range(count)]


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
