"""Softmax, log softmax, and their cross entropies."""

import sys

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOW, SLOWEST, Elements, HostKernel, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.core.values.numpy_loops import BETWEEN, INPUT, RESULT, ROWS, Loop
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents.dims import is_repeated
from penstock._src.native.algorithms.orders.ranks import are_among_largest
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.extremes import extremes_along
from penstock._src.ops.infer import broadcast
from penstock._src.ops.rules import in_float32, quiet, show, sum_over


def _is_unused(gradient):
    """True if an output's gradient is missing, or zeros because nothing depends on the output."""
    node = getattr(gradient, "op", None)
    return gradient is None or (node is not None and node.type == "ZerosLike")


class Softmax(Op):
    """exp(logits) / sum(exp(logits)) along the last axis, shifted by the row's maximum so that no exp overflows."""

    signature = "logits: T -> softmax: T"
    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    values = Values(in_float32=True)
    T = FLOAT
    vectorize = "rows"
    elements = Elements(is_row_wise=True)

    def shape(self, logits):
        return logits.with_rank_at_least(1)

    def gradient(self, _logits, softmax, dy):
        return (dy - sum_over(dy * softmax, [-1], keep_dims=True)) * softmax

    numpy_loops = (
        Loop(np.maximum, ROWS, (INPUT,), reduces=True), Loop(np.subtract, RESULT, (INPUT, ROWS)),
        Loop(np.exp, RESULT, (RESULT,)), Loop(np.add, ROWS, (RESULT,), reduces=True), Loop(np.divide, RESULT, (RESULT, ROWS)),
    )  # fmt: skip

    @quiet
    def eager(self, logits):
        _require_rank(self, logits)
        e = _shifted(logits)
        np.exp(e, out=e)
        np.divide(e, np.add.reduce(e, -1, keepdims=True), out=e)
        return _narrowed(e, logits)

    def lower(self, p, logits):
        e = p.exp(logits - p.reduce_max(logits, [-1], keepdims=True))
        return e / p.reduce_sum(e, [-1], keepdims=True)


class LogSoftmax(Op):
    """logits - log(sum(exp(logits))) along the last axis."""

    signature = "logits: T -> logsoftmax: T"
    host_kernel = HostKernel(compiles_from=SLOW, opens="all")
    values = Values(in_float32=True)
    T = FLOAT
    vectorize = "rows"
    elements = Elements(is_row_wise=True)

    def shape(self, logits):
        return logits.with_rank_at_least(1)

    def gradient(self, _logits, logsoftmax, dy):
        return dy - sum_over(dy, [-1], keep_dims=True) * raw.Exp(x=logsoftmax)

    numpy_loops = (
        Loop(np.maximum, ROWS, (INPUT,), reduces=True), Loop(np.subtract, RESULT, (INPUT, ROWS)),
        Loop(np.exp, BETWEEN, (RESULT,)), Loop(np.add, ROWS, (BETWEEN,), reduces=True), Loop(np.log, ROWS, (ROWS,)),
        Loop(np.subtract, RESULT, (RESULT, ROWS)),
    )  # fmt: skip

    @quiet
    def eager(self, logits):
        _require_rank(self, logits)
        y = _shifted(logits)
        total = np.add.reduce(np.exp(y), -1, keepdims=True)
        np.subtract(y, np.log(total, out=total), out=y)
        return _narrowed(y, logits)

    def lower(self, p, logits):
        shifted = logits - p.reduce_max(logits, [-1], keepdims=True)
        return shifted - p.log(p.reduce_sum(p.exp(shifted), [-1], keepdims=True))


class SoftmaxCrossEntropyWithLogits(Op):
    """The cross entropy of each row's softmax against its labels, and its gradient with respect to the logits."""

    signature = "features: T, labels: T -> loss: T, backprop: T"
    host_kernel = HostKernel(compiles_from=SLOWEST, opens="all")
    values = Values(in_float32=True)
    T = FLOAT

    def shape(self, features, labels):
        both = broadcast(features, labels)
        if both.rank not in (None, 2):
            raise ValueError(f"Shape must be broadcasted with rank 2, but is rank {both.rank}")
        both = both.with_rank(2)
        return TensorShape([both[0]]), both

    def gradient(self, features, labels, _loss, backprop, dloss, dbackprop):
        row = raw.ExpandDims(input=dloss, axis=-1)
        by_labels = -raw.LogSoftmax(logits=features) * row
        by_features = backprop * row
        if not _is_unused(dbackprop):
            softmax = raw.Softmax(logits=features)
            inner = sum_over(dbackprop * softmax, [-1], keep_dims=True)
            by_features = by_features + (dbackprop - inner) * softmax
        return _fit(by_features, features), _fit(by_labels, labels)

    @quiet
    def eager(self, features, labels):
        if max(features.ndim, labels.ndim) != 2:
            raise self.invalid(
                "logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional"
            )
        try:
            features, labels = np.broadcast_arrays(features, labels)
        except ValueError:
            raise self.invalid(
                "logits and labels must be broadcastable: "
                f"logits_size={show(features.shape)} labels_size={show(labels.shape)}"
            ) from None
        shifted, y = _shifted(features), in_float32(labels)
        e = np.exp(shifted)
        total = np.add.reduce(e, -1, keepdims=True)
        terms = np.subtract(np.log(total), shifted, out=shifted)
        np.multiply(y, terms, out=terms)
        np.divide(e, total, out=e)
        np.subtract(e, y, out=e)
        return _narrowed(np.add.reduce(terms, -1), features), _narrowed(e, features)

    def lower(self, p, features, labels):
        classes = labels.shape[-1]
        if is_repeated(features.shape[-1], classes):  # the same logit for every class
            features = p.broadcast_to(features, (*features.shape[:-1], classes))
        shifted = features - p.reduce_max(features, [-1], keepdims=True)
        e = p.exp(shifted)
        total = p.reduce_sum(e, [-1], keepdims=True)
        terms = labels * (p.log(total) - shifted)
        return p.reduce_sum(terms, [-1]), e / total - labels


class SparseSoftmaxCrossEntropyWithLogits(Op):
    """The cross entropy of each row's softmax against its label's class, and its gradient with respect to the logits."""

    signature = "features: T, labels: Tlabels -> loss: T, backprop: T"
    host_kernel = HostKernel(compiles_from=SLOWEST, opens="all")
    values = Values(in_float32=True)
    T = FLOAT
    Tlabels: INDEX = dtypes.int64
    vectorize = "examples, examples"

    def shape(self, features, labels):
        features, labels = features.with_rank(2), labels.with_rank(1)
        rows = TensorShape([features[0]]).merge_with(labels)
        return rows, TensorShape([rows[0], features[1]])

    def gradient(self, features, _labels, _loss, backprop, dloss, dbackprop):
        by_features = backprop * raw.ExpandDims(input=dloss, axis=-1)
        if not _is_unused(dbackprop):
            softmax = raw.Softmax(logits=features)
            inner = sum_over(dbackprop * softmax, [-1], keep_dims=True)
            by_features = by_features + (dbackprop - inner) * softmax
        return by_features, None

    @quiet
    def eager(self, features, labels):
        self._check(features, labels)
        shifted = _shifted(features)
        # The labels' places in the flat arrays, of which NumPy reads fewer words than of pairs.
        places = np.arange(0, shifted.size, max(shifted.shape[1], 1)) + labels
        picked = shifted.reshape(-1).take(places)
        e = np.exp(shifted, out=shifted)
        total = np.add.reduce(e, -1, keepdims=True)
        np.divide(e, total, out=e)
        e.reshape(-1)[places] -= 1
        loss = np.log(total[:, 0])
        return _narrowed(np.subtract(loss, picked, out=loss), features), _narrowed(e, features)

    def lower(self, p, features, labels):
        classes = features.shape[1]
        column = p.expand_dims(labels, 1)
        place = p.broadcast_to(p.iota([1, classes], 1, labels.dtype), features.shape)
        hot = p.eq(place, column)
        valid = p.and_(p.ge(column, 0), p.lt(column, classes))
        shifted = features - p.reduce_max(features, [-1], keepdims=True)
        e = p.exp(shifted)
        total = p.reduce_sum(e, [-1], keepdims=True)
        picked = p.reduce_sum(p.select(hot, shifted, 0), [-1], keepdims=True)
        message = f"Received a label value which is outside the valid range of [0, {classes})."
        p.check(p.reduce_all(valid), f"{self.op_type}: {message}")
        backprop = e / total - p.cast(hot, features.dtype)
        return p.squeeze(p.log(total) - picked, [1]), backprop

    def _check(self, features, labels):
        if features.ndim != 2 or labels.ndim != 1 or features.shape[0] != labels.shape[0]:
            raise self.invalid(
                "logits and labels must have the same first dimension, got logits shape "
                f"{show(features.shape)} and labels shape {show(labels.shape)}"
            )
        if features.shape[1] == 0 and labels.size:
            raise self.invalid(
                "Must have at least one class, but got logits shape " + show(features.shape)
            )
        # Negative labels are large as unsigned numbers.
        unsigned = labels.view(f"u{labels.dtype.itemsize}")
        if labels.size and np.maximum.reduce(unsigned) >= features.shape[1]:
            wrong = (labels < 0) | (labels >= features.shape[1])
            raise self.invalid(
                f"Received a label value of {labels[wrong][0]} which is outside the valid range of "
                f"[0, {features.shape[1]}).  Label values: {' '.join(map(str, labels))}"
            )


class InTopK(Op):
    """True for each row with its target among its k largest predictions."""

    host_kernel = HostKernel(compiles_from=sys.maxsize)
    signature = "predictions: float32, targets: T[?] -> precision: bool"
    k: int
    T: INDEX = dtypes.int32

    def shape(self, predictions, targets):
        return targets.with_rank(1).merge_with(predictions.with_rank(2)[:1])

    def eager(self, predictions, targets):
        return _in_top_k(self, predictions, targets, self.k)

    def lower(self, p, predictions, targets):
        return _lower_in_top_k(p, predictions, targets, self.k)


class InTopKV2(Op):
    """True for each row with its target among its k largest predictions."""

    host_kernel = HostKernel(
        compiles_from=sys.maxsize
    )  # native code reads no row further than needed
    signature = "predictions: float32, targets: T[?], k: T -> precision: bool"
    T: INDEX = dtypes.int32

    def shape(self, predictions, targets, k):
        return targets.with_rank(1).merge_with(predictions.with_rank(2)[:1])

    def eager(self, predictions, targets, k):
        if k.ndim:
            raise self.invalid(f"k must be 0-D, got shape {show(k.shape)}")
        return _in_top_k(self, predictions, targets, k)

    def lower(self, p, predictions, targets, k):
        if k.rank:
            raise NotLowerable("k is not a scalar")
        return _lower_in_top_k(p, predictions, targets, k)


def _in_top_k(op, predictions, targets, k):
    if predictions.ndim != 2:
        raise op.invalid("predictions must be 2-dimensional")
    if targets.ndim != 1:
        raise op.invalid("targets must be 1-dimensional")
    if predictions.shape[0] != targets.shape[0]:
        raise op.invalid(
            f"First dimension of predictions {predictions.shape[0]} must match length of targets "
            f"{targets.shape[0]}"
        )
    if runs_native_code():
        return are_among_largest(predictions, targets, int(k))
    inside = (targets >= 0) & (targets < predictions.shape[1])
    if not inside.any():
        return inside
    score = predictions[np.arange(targets.size), np.where(inside, targets, 0)][:, None]
    better = (predictions > score).sum(1)
    return inside & np.isfinite(score[:, 0]) & np.isfinite(predictions).all(1) & (better < k)


def _lower_in_top_k(p, predictions, targets, k):
    if predictions.shape[0] != targets.shape[0]:
        raise NotLowerable("targets that are not as many as the predictions")
    classes = predictions.shape[1]
    column = p.expand_dims(targets, 1)
    place = p.broadcast_to(p.iota([1, classes], 1, targets.dtype), predictions.shape)
    score = p.reduce_sum(p.select(p.eq(place, column), predictions, 0), [1], keepdims=True)
    better = p.reduce_sum(p.cast(p.gt(predictions, score), targets.dtype), [1])
    inside = p.and_(p.ge(targets, 0), p.lt(targets, classes))
    finite = p.reduce_all(p.is_finite(predictions), [1])
    k = p.cast(k, targets.dtype) if hasattr(k, "dtype") else k
    return p.and_(p.and_(inside, finite), p.lt(better, k))


def _require_rank(op, logits):
    if logits.ndim < 1:
        raise op.invalid("logits must have >= 1 dimension, got []")


def _shifted(logits):
    """A contiguous new array of the logits, at least float32, less the maxima of their rows."""
    x = in_float32(logits)
    if not x.size:
        return np.empty(x.shape, x.dtype)
    maxima = extremes_along(x, (x.ndim - 1,), np.maximum, keepdims=True)
    return np.subtract(x, maxima, order="C")


def _narrowed(result, like):
    """A result in the dtype of an input."""
    return result if result.dtype is like.dtype else result.astype(like.dtype)


def _fit(gradient, x):
    """The gradient summed over the axes along which `x` was broadcast."""
    if x.shape.is_compatible_with(gradient.shape):
        return gradient
    axes = [i for i in range(2) if x.shape[i] == 1 and gradient.shape[i] != 1]
    return sum_over(gradient, axes, keep_dims=True)
