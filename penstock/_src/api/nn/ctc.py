"""The connectionist temporal classification loss of dense labels, as a loop over frames that is fully compiled.

Source: Graves et al. 2006, "Connectionist temporal classification", the forward variables in logarithms.
"""

from typing import Any

import numpy as np

from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.control.while_loops import while_loop
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

# The log probability of impossible events: finite, so that gradients are not NaN.
NEVER = np.float32(-1e30)
# The loss of labels that do not fit into the frames: finite, as in TensorFlow, which starts from the smallest double.
IMPOSSIBLE = np.float32(-np.log(np.finfo(np.float64).tiny))


def dense_ctc_loss(
    labels: Tensor, logits: Tensor, label_length: Tensor, logit_length: Tensor, blank: Any
) -> Tensor:
    """float32[batch]: the negated log-probability of each row of labels.

    Args:
      labels: int32[batch, length].
      logits: float32[frames, batch, classes], of static rank.
      label_length: int32[batch], the number of valid labels in each row.
      logit_length: int32[batch], the number of valid frames in each row.
      blank: the blank class, an int32 scalar.
    """
    # TensorFlow moves the blank to the front, and labels below it by one: a label equal to it then means the class before.
    moved = raw.LogicalAnd(x=raw.Equal(x=labels, y=blank), y=blank > 0)
    labels = raw.SelectV2(condition=moved, t=labels - 1, e=labels)
    places = _with_blanks(labels, blank)  # [batch, 2 length + 1]
    log_p = raw.Transpose(x=raw.LogSoftmax(logits=logits), perm=[1, 0, 2])
    emitted = raw.GatherV2(params=log_p, indices=places, axis=2, batch_dims=1)
    emitted = raw.Transpose(x=emitted, perm=[1, 0, 2])  # [frames, batch, 2 length + 1]
    frames = raw.Shape(input=logits)[0]
    by_frame = TensorArray(dtypes.float32, frames).unstack(emitted)
    jumps = _may_jump(places)
    order = raw.Range(start=0, limit=raw.Shape(input=places)[1], delta=1)
    first = raw.SelectV2(condition=order < 2, t=by_frame.read(0), e=NEVER)

    def step(t: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        jumped = raw.SelectV2(condition=jumps, t=_shifted(scores, 2), e=NEVER)
        reached = _log_sum(
            raw.Pack(values=[scores, _shifted(scores, 1), jumped]), 0
        ) + by_frame.read(t)
        runs = raw.ExpandDims(input=t < logit_length, axis=1)
        return t + 1, raw.SelectV2(condition=runs, t=reached, e=scores)

    _, last = while_loop(
        lambda t, _: t < frames, step, (np.int32(1), first), maximum_iterations=frames
    )
    end = raw.ExpandDims(input=2 * label_length, axis=1)
    ends = raw.LogicalOr(x=raw.Equal(x=order, y=end), y=raw.Equal(x=order, y=end - 1))
    loss = -_log_sum(raw.SelectV2(condition=ends, t=last, e=NEVER), axis=1)
    return raw.SelectV2(condition=loss > -NEVER / 2, t=IMPOSSIBLE, e=loss)


def _may_jump(places: Tensor) -> Tensor:
    """Return bool[batch, positions]: True where a label may follow the previous one without a blank between."""
    is_label = raw.Equal(
        x=raw.Mod(x=raw.Range(start=0, limit=raw.Shape(input=places)[1], delta=1), y=2), y=1
    )
    earlier = _shifted(places, 2, np.int32(-1))
    return raw.LogicalAnd(x=is_label, y=raw.NotEqual(x=places, y=earlier))


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
