"""The connectionist temporal classification loss of dense labels, as a loop over frames that is fully compiled.

Source: Graves et al. 2006, "Connectionist temporal classification", the forward variables in logarithms.
"""

from typing import Any

import numpy as np

from penstock._src.api.array.axes import of_rank
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

# The log probability of impossible events: finite, so that gradients are not NaN.
NEVER = np.float32(-1e30)
# That of paths which begin or end elsewhere, as in TensorFlow: by it the loss of labels that do not fit into the frames is finite.
ELSEWHERE = np.float32(np.log(1e-307))


def dense_ctc_loss(
    labels: Tensor, logits: Tensor, label_length: Tensor, logit_length: Tensor, blank: Any
) -> Tensor:
    """float32[batch]: the negated log-probability of each row of labels.

    Args:
      labels: int32[batch, length].
      logits: float32[frames, batch, classes].
      label_length: int32[batch], the number of valid labels in each row.
      logit_length: int32[batch], the number of valid frames in each row.
      blank: the blank class, an int32 scalar.
    """
    labels, logits = of_rank(labels, 2), of_rank(logits, 3)
    label_length, logit_length = of_rank(label_length, 1), of_rank(logit_length, 1)
    # TensorFlow moves the blank to the front, and labels below it by one: a label equal to it then means the class before.
    moved = raw.LogicalAnd(x=raw.Equal(x=labels, y=blank), y=blank > 0)
    labels = raw.SelectV2(condition=moved, t=labels - 1, e=labels)
    places = _with_blanks(labels, blank)  # [batch, 2 length + 1]
    log_p = raw.Transpose(x=raw.LogSoftmax(logits=logits), perm=[1, 0, 2])
    emitted = _emitted(log_p, places, label_length)
    # Before the first frame a path is in a state of its own, which emits nothing.
    emitted = raw.PadV2(input=emitted, paddings=[[0, 0], [0, 0], [1, 0]], constant_values=NEVER)
    emitted = raw.Transpose(x=emitted, perm=[1, 0, 2])  # [frames, batch, 2 length + 2]
    frames = raw.Shape(input=logits)[0]
    by_frame = TensorArray(dtypes.float32, frames).unstack(emitted)
    jumps = _may_jump(places)
    order = raw.Range(start=0, limit=raw.Shape(input=emitted)[2], delta=1)
    first = raw.SelectV2(condition=raw.Equal(x=order, y=0), t=np.float32(0), e=ELSEWHERE)
    first = raw.BroadcastTo(input=first, shape=raw.Shape(input=emitted)[1:])

    def step(t: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        jumped = raw.SelectV2(condition=jumps, t=_shifted(scores, 2), e=NEVER)
        reached = _log_sum(
            raw.Pack(values=[scores, _shifted(scores, 1), jumped]), 0
        ) + by_frame.read(t)
        runs = raw.ExpandDims(input=t < logit_length, axis=1)
        return t + 1, raw.SelectV2(condition=runs, t=reached, e=scores)

    _, last = while_loop(
        lambda t, _: t < frames, step, (np.int32(0), first), maximum_iterations=frames
    )
    end = raw.ExpandDims(input=2 * label_length, axis=1)
    ends = raw.LogicalOr(x=raw.Equal(x=order, y=end), y=raw.Equal(x=order, y=end + 1))
    score = _log_sum(last + raw.SelectV2(condition=ends, t=np.float32(0), e=ELSEWHERE), axis=1)
    # If no path ends with the labels, the loss is that of the others, but the slope also of those that begin elsewhere.
    has_path = _frames_of(labels, label_length) <= logit_length
    value = raw.SelectV2(condition=has_path, t=score, e=_log_sum(last, axis=1) + ELSEWHERE)
    return -(score + raw.StopGradient(input=value - score))


def _emitted(log_p: Tensor, places: Tensor, label_length: Tensor) -> Tensor:
    """Return float32[batch, frames, states]: the log probability that a frame emits a state's label.

    Padding behind a row's labels may be any number, often -1. As in TensorFlow one that is no class has the probability 1.
    """
    classes, states = raw.Shape(input=log_p)[2], raw.Shape(input=places)[1]
    order = raw.Range(start=0, limit=states, delta=1)
    behind = order > raw.ExpandDims(input=2 * label_length, axis=1)
    no_class = raw.LogicalOr(x=places < 0, y=places >= classes)
    padding = raw.LogicalAnd(x=behind, y=no_class)
    indices = raw.SelectV2(condition=padding, t=np.int32(0), e=places)
    emitted = raw.GatherV2(params=log_p, indices=indices, axis=2, batch_dims=1)
    padding = raw.ExpandDims(input=padding, axis=1)
    return raw.SelectV2(condition=padding, t=np.float32(0), e=emitted)


def _frames_of(labels: Tensor, label_length: Tensor) -> Tensor:
    """Return int32[batch]: the fewest frames of the labels, with a blank between two equal ones."""
    order = raw.Range(start=1, limit=raw.Shape(input=labels)[1], delta=1)
    repeats = raw.LogicalAnd(
        x=raw.Equal(x=labels[:, 1:], y=labels[:, :-1]),
        y=order < raw.ExpandDims(input=label_length, axis=1),
    )
    blanks = raw.Sum(input=raw.Cast(x=repeats, DstT=dtypes.int32), axis=[1])
    return raw.Cast(x=label_length, DstT=dtypes.int32) + blanks


def _may_jump(places: Tensor) -> Tensor:
    """Return bool[batch, states]: True where a label may follow the previous one, or the start, without a blank between."""
    states = raw.PadV2(input=places, paddings=[[0, 0], [1, 0]], constant_values=np.int32(-1))
    is_label = raw.Equal(
        x=raw.Mod(x=raw.Range(start=0, limit=raw.Shape(input=states)[1], delta=1), y=2), y=0
    )
    earlier = _shifted(states, 2, np.int32(-1))
    return raw.LogicalAnd(x=is_label, y=raw.NotEqual(x=states, y=earlier))


def _shifted(x: Tensor, by: int, fill: Any = NEVER) -> Tensor:
    """The columns shifted right."""
    paddings = np.array([[0, 0], [by, 0]], np.int32)
    padded = raw.PadV2(input=x, paddings=paddings, constant_values=fill)
    return padded[:, :-by]


def _log_sum(parts: Tensor, axis: int) -> Tensor:
    """log(sum(exp(x))) along an axis."""
    top = raw.StopGradient(input=raw.Max(input=parts, axis=[axis], keep_dims=True))
    total = raw.Sum(input=raw.Exp(x=parts - top), axis=[axis])
    return raw.Log(x=total) + raw.Squeeze(input=top, axis=[axis])


def _with_blanks(labels: Tensor, blank: Any) -> Tensor:
    """The labels with a blank before and after each."""
    blanks = raw.ZerosLike(x=labels) + blank
    pairs = raw.Pack(values=[blanks, labels], axis=2)
    shape = raw.Shape(input=labels)
    flat = raw.Reshape(tensor=pairs, shape=raw.Pack(values=[shape[0], 2 * shape[1]]))
    one = raw.Fill(dims=raw.Pack(values=[shape[0], 1]), value=blank)
    return raw.ConcatV2(values=[flat, one], axis=1)
