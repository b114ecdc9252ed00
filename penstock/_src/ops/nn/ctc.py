"""Connectionist temporal classification: the loss and two decoders.

Source: Graves, Fernandez, Gomez & Schmidhuber 2006, "Connectionist temporal classification".
"""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.native.builtins.kernel import kernel
from penstock._src.ops.rules import show


def _log_softmax(x):
    # exp of a number that is not positive cannot overflow.
    shifted = x - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


# A probability is a fraction from 1 to 2, or 0, and the exponent of a power of two: none vanishes, however small it is, and no logarithm is computed.
_NO_EXPONENT = -(1 << 50)  # less than that of any product
_ZERO, _ONE = (0.0, _NO_EXPONENT), (1.0, 0)


def _scaled(number, exponent):
    """A number divided by a power of two that is not less than its own."""
    # What is less than 2 ** -1000 of the largest term adds nothing to it.
    shift = np.int64(max(number[1] - exponent, -1000))
    return number[0] * (shift + 1023 << 52).view(np.float64)


def _normal(fraction, exponent):
    bits = fraction.view(np.int64)
    is_regular = (fraction > 0) & (fraction < np.inf)
    more = (bits >> 52 & 0x7FF) - 1023
    from_one = (bits & (1 << 52) - 1 | 1023 << 52).view(np.float64)
    exponent = exponent + more if is_regular else exponent
    return from_one if is_regular else fraction, _NO_EXPONENT if fraction == 0 else exponent


def _sum(a, b, c):
    exponent = max(a[1], b[1], c[1])
    return _normal(_scaled(a, exponent) + _scaled(b, exponent) + _scaled(c, exponent), exponent)


def _product(a, b):
    return _normal(a[0] * b[0], a[1] + b[1])


def _skips(labels, k, merges):
    """True if a path may come to a state from the label before it, without the blank between them."""
    # Between two equal labels the blank is all that keeps them apart.
    return k % 2 != 0 and k >= 3 and (labels[k >> 1] != labels[(k >> 1) - 1]) | (not merges)


@kernel(
    "fractions: float64[steps, batch, classes], exponents: int64[steps, batch, classes], sizes: int64[batch], states: int64[batch], "
    "labels: int64[batch, most], blank: int64, merges: bool, ahead: float64[steps, room], ahead_exponents: int64[steps, room], "
    "back: float64[room], back_exponents: int64[room], totals: float64[batch], total_exponents: int64[batch], "
    "gradients: float64[steps, batch, classes]"
)
def occupy(
    fractions, exponents, sizes, states, labels, blank, merges, ahead, ahead_exponents, back,
    back_exponents, totals, total_exponents, gradients,
):  # fmt: skip
    """Subtracts from the gradients the probability that a path through the labels is in a class at a step.

    The states of a sequence are its labels with blanks between and around them; the numbers ahead are probabilities of reaching each state, and
    those back of leaving it. Unless `merges`, a label lasts one step.
    """
    for b in range(len(sizes)):
        size, count, row = sizes[b], states[b], labels[b]
        for t in range(size):
            here, powers = fractions[t, b], exponents[t, b]
            for k in range(count):
                label = blank if k % 2 == 0 else row[k >> 1]
                if t == 0:
                    number = (here[label], powers[label]) if k < 2 else _ZERO
                else:
                    before, scales = ahead[t - 1], ahead_exponents[t - 1]
                    reached = _sum(
                        (before[k], scales[k]) if (k % 2 == 0) | merges else _ZERO,
                        (before[k - 1], scales[k - 1]) if k >= 1 else _ZERO,
                        (before[k - 2], scales[k - 2]) if _skips(row, k, merges) else _ZERO,
                    )
                    number = _product(reached, (here[label], powers[label]))
                ahead[t, k], ahead_exponents[t, k] = number
        last, scales = ahead[size - 1], ahead_exponents[size - 1]
        total = last[count - 1], scales[count - 1]
        if count > 1:
            total = _sum(total, (last[count - 2], scales[count - 2]), _ZERO)
        totals[b], total_exponents[b] = total
        # Neither 0 nor NaN: else the paths have no shares.
        if not total[0] > 0:
            continue
        for k in range(count):
            back[k], back_exponents[k] = _ONE if k >= count - 2 else _ZERO
        for t in range(size - 1, -1, -1):
            if t < size - 1:
                here, powers = fractions[t + 1, b], exponents[t + 1, b]
                for k in range(count):
                    label = blank if k % 2 == 0 else row[k >> 1]
                    number = _product((back[k], back_exponents[k]), (here[label], powers[label]))
                    back[k], back_exponents[k] = number
                for k in range(count):
                    # States after this one are those of the following step still.
                    skips = k + 2 < count and _skips(row, k + 2, merges)
                    back[k], back_exponents[k] = _sum(
                        (back[k], back_exponents[k]) if (k % 2 == 0) | merges else _ZERO,
                        (back[k + 1], back_exponents[k + 1]) if k + 1 < count else _ZERO,
                        (back[k + 2], back_exponents[k + 2]) if skips else _ZERO,
                    )
            for k in range(count):
                label = blank if k % 2 == 0 else row[k >> 1]
                number = _product(
                    (ahead[t, k], ahead_exponents[t, k]), (back[k], back_exponents[k])
                )
                # A share is at most 1, but for rounding.
                gradients[t, b, label] -= _scaled((number[0] / total[0], number[1]), total[1])


def losses_and_gradients(inputs, sizes, labels, blank, merge_repeated):
    """The losses of sequences, and their gradients.

    Args:
      inputs: logits [time, sequences, classes].
      sizes: the number of steps of each sequence, at least one.
      labels: those of each sequence.
      blank: the class between labels.
      merge_repeated: True if a label may last several steps.
    """
    # NumPy keeps the order of axes in memory, which chosen sequences have otherwise.
    log_p = np.ascontiguousarray(_log_softmax(inputs))
    powers = log_p * (1 / math.log(2))
    is_regular = np.isfinite(powers)
    exponents = np.floor(np.where(is_regular, powers, 0.0))
    # Infinite and undefined logarithms are their own fractions: 0 and NaN.
    fractions = np.exp2(powers - exponents)
    exponents = np.where(fractions == 0, _NO_EXPONENT, exponents).astype(np.int64)
    steps, batch, _ = inputs.shape
    most = max(map(len, labels))
    states, rows = np.array([2 * len(row) + 1 for row in labels]), np.zeros((batch, most), np.int64)
    for row, known in zip(rows, labels):
        row[: len(known)] = known
    room = 2 * most + 1
    totals, total_exponents = np.empty(batch), np.empty(batch, np.int64)
    gradients = np.exp(log_p)
    occupy(
        fractions, exponents, sizes.astype(np.int64), states, rows, blank, merge_repeated,
        np.empty((steps, room)), np.empty((steps, room), np.int64), np.empty(room), np.empty(room, np.int64),
        totals, total_exponents, gradients,
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
            labels, merges = list(rows.values()), self.ctc_merge_repeated
            with np.errstate(all="ignore"):
                found = losses_and_gradients(logits, sizes, labels, blank, merges)
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
        rows = [[] for _ in range(paths)]
        scores = np.zeros((inputs.shape[1], paths), inputs.dtype)
        for b, size in enumerate(sequence_length):
            # A negative length has no steps; as an index it would count from the end.
            sequence = inputs[: max(int(size), 0), b].astype(np.float64)
            labelings = self._search(_log_softmax(sequence))
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
        (steps, classes), paths = log_p.shape, self.top_paths
        places, widest = 1, 1
        for _ in range(steps):
            new = min(self.beam_width, widest * (classes - 1))
            places, widest = places + new, min(self.beam_width, widest + new)
        labels, sizes = np.empty((paths, steps), np.int64), np.empty(paths, np.int64)
        scores = np.empty(paths)
        count = search(
            np.ascontiguousarray(log_p), np.empty((6, places), np.int64), np.empty((7, widest), np.int64),
            np.empty((6, widest)), np.full(classes, -1), labels, sizes, scores,
        )  # fmt: skip
        return [(labels[at, : sizes[at]].tolist(), scores[at]) for at in range(count)]


def _log_of_sum(x, y):
    """log(e^x + e^y)."""
    high, low = x if x > y else y, y if x > y else x
    gap = 0.0 if x == y else low - high  # the difference of equal infinities is NaN
    return high + np.log1p(np.exp(gap))


def _is_less(score, order, a, b):
    return (score[a] < score[b]) | ((score[a] == score[b]) & (order[a] < order[b]))


def _least_below(heap, score, order, at, count):
    """The place, of this and the two below, of the least."""
    left, least = 2 * at + 1, at
    if left < count and _is_less(score, order, heap[left], heap[least]):
        least = left
    if left + 1 < count and _is_less(score, order, heap[left + 1], heap[least]):
        least = left + 1
    return least


def _sink(heap, score, order, at, count):
    least = _least_below(heap, score, order, at, count)
    while least != at:
        heap[at], heap[least] = heap[least], heap[at]
        at = least
        least = _least_below(heap, score, order, at, count)


def _order_heap(heap, score, order, count):
    for at in range((count >> 1) - 1, -1, -1):
        _sink(heap, score, order, at, count)


def _drop(total, in_beam, child):
    if in_beam[child] >= 0:
        total[in_beam[child]] = -np.inf


def _rows(table):
    return table[0], table[1], table[2], table[3], table[4], table[5]


def _continue(tree, integers, reals, size, row):
    """Each prefix of the beam goes on unchanged, or by its parent and its last label."""
    parent, label, _, _, in_beam, in_heap = _rows(tree)
    heap, node, _, _, order, beam_node = _rows(integers)
    (blank, without, score, beam_blank, beam_without, total), beam_order = _rows(reals), integers[6]
    end = row[len(row) - 1]
    for i in range(size):
        known, reached = beam_node[i], beam_without[i]
        above = parent[known]
        if above >= 0:
            before = in_beam[above]
            if before >= 0:
                # A label follows itself only by way of a blank: other paths are the parent's own.
                with_blank, whole = beam_blank[before], total[before]
                other = with_blank if label[above] == label[known] else whole
                reached = _log_of_sum(reached, other)
            reached = reached + row[label[known]]
        stays = total[i] + end
        heap[i], node[i], order[i], in_heap[known] = i, known, beam_order[i], i
        blank[i], without[i], score[i] = stays, reached, _log_of_sum(stays, reached)


def _renew_beam(tree, integers, reals, size, count, nodes):
    """Makes the prefixes of the heap the beam; returns the number of nodes."""
    parent, label, child, sibling, in_beam, in_heap = _rows(tree)
    heap, node, origin, last, order, beam_node = _rows(integers)
    (blank, without, score, beam_blank, beam_without, total), beam_order = _rows(reals), integers[6]
    # Of equal scores the first to enter comes first: last, that is, in the heap that is sorted.
    for i in range(size):
        in_beam[beam_node[i]] = -1
    for i in range(count):
        order[i] = -order[i]
    _order_heap(heap, score, order, count)
    for end in range(count - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        _sink(heap, score, order, 0, end)
    for i in range(count):
        place = heap[i]
        known = node[place]
        if known < 0:
            known, above = nodes, origin[place]
            parent[known], label[known] = above, last[place]
            child[known], sibling[known], child[above] = -1, child[above], known
            nodes += 1
        in_heap[known], in_beam[known] = -1, i
        beam_node[i], beam_order[i] = known, -order[place]
        beam_blank[i], beam_without[i], total[i] = blank[place], without[place], score[place]
    return nodes


def _write_paths(tree, beam_node, total, size, labels, sizes, scores):
    parent, label = tree[0], tree[1]
    found = min(len(sizes), size)
    for i in range(found):
        length, known = 0, beam_node[i]
        while parent[known] >= 0:
            length, known = length + 1, parent[known]
        sizes[i], scores[i], known = length, total[i], beam_node[i]
        for at in range(length - 1, -1, -1):
            labels[i, at], known = label[known], parent[known]
    return found


@kernel(
    "log_p: float64[steps, classes], tree: int64[6, places], integers: int64[7, width], reals: float64[6, width], "
    "children: int64[classes], labels: int64[paths, steps], sizes: int64[paths], scores: float64[paths]"
)
def search(log_p, tree, integers, reals, children, labels, sizes, scores):
    """Writes the best label sequences, in order of their scores, and returns their number.

    Prefixes are nodes of a tree; only those that a step ends with become nodes. The beam has the prefixes before a step, the most probable first;
    the heap's places those after it, the least probable first. Of equally probable ones the first to enter counts as less probable in the heap, and
    comes first in the beam.

    Prunes like TensorFlow: first every prefix continues unchanged; then the prefixes, most probable first, are extended by a label, and each new
    prefix evicts the least probable one. A prefix that is evicted and reached again counts only the last path, and one that is not readmitted is not
    extended. Source: Graves 2012, "Sequence Transduction with Recurrent Neural Networks", in outline.
    """
    parent, label, child, sibling, in_beam, in_heap = _rows(tree)
    heap, node, origin, last, order, beam_node = _rows(integers)
    (blank, without, score, beam_blank, beam_without, total), beam_order = _rows(reals), integers[6]
    steps, width, blank_class = len(log_p), len(heap), len(children) - 1
    # The empty prefix, which is certain.
    parent[0] = label[0] = child[0] = sibling[0] = in_heap[0] = -1
    in_beam[0] = beam_node[0] = beam_order[0] = 0
    beam_blank[0] = total[0] = 0.0
    beam_without[0] = -np.inf
    size = entered = nodes = 1
    for t in range(steps):
        row = log_p[t]
        _continue(tree, integers, reals, size, row)
        count = size
        _order_heap(heap, score, order, count)
        best = -np.inf
        for k in range(blank_class):
            best = max(best, row[k])
        for i in range(size):
            known, whole = beam_node[i], total[i]
            # The score that a prefix must exceed to enter.
            least = -np.inf if count < width else score[heap[0]]
            if not whole > least:
                continue
            if not best + whole > least:
                # None can enter: those of the beam that have left it are not extended.
                below = child[known]
                while below >= 0:
                    if in_heap[below] < 0:
                        _drop(total, in_beam, below)
                    below = sibling[below]
                continue
            below = child[known]
            while below >= 0:
                children[label[below]] = below
                below = sibling[below]
            for k in range(blank_class):
                below = children[k]
                if below >= 0 and in_heap[below] >= 0:
                    continue
                reached = row[k] + (beam_blank[i] if label[known] == k else whole)
                least = -np.inf if count < width else score[heap[0]]
                if not reached > least:
                    if below >= 0:
                        _drop(total, in_beam, below)
                    continue
                place = count
                if count == width:
                    place = heap[0]
                    if node[place] >= 0:
                        in_heap[node[place]] = -1
                origin[place], last[place], node[place], order[place] = known, k, below, entered
                blank[place], without[place], score[place] = -np.inf, reached, reached
                if below >= 0:
                    in_heap[below] = place
                entered += 1
                if count == width:
                    _sink(heap, score, order, 0, count)
                    continue
                heap[count] = place
                at = count
                count += 1
                while at > 0 and _is_less(score, order, heap[at], heap[(at - 1) >> 1]):
                    heap[at], heap[(at - 1) >> 1] = heap[(at - 1) >> 1], heap[at]
                    at = (at - 1) >> 1
            below = child[known]
            while below >= 0:
                children[label[below]] = -1
                below = sibling[below]
        nodes = _renew_beam(tree, integers, reals, size, count, nodes)
        size = count
    return _write_paths(tree, beam_node, total, size, labels, sizes, scores)
