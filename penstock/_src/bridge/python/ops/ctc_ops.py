"""`tensorflow.python.ops.ctc_ops`: parts of the connectionist temporal classification loss.

In logarithms, a state is a label or a blank of the alignment: `states` are [frames, batch, states], the labels first
(after an unused one), then the blanks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.array.indexing import boolean_mask, gather, where
from penstock._src.api.array.joining import concat
from penstock._src.api.array.ranges import one_hot, sequence_mask
from penstock._src.api.array.shaping import expand_dims, shape
from penstock._src.api.mapping.functional import scan
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_logsumexp, reduce_max
from penstock._src.api.nn.sampling import ctc_loss
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest

NEVER = np.float32(-np.inf)  # the logarithm of no probability


def ctc_loss_dense(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int = 0,
    name: str | None = None,
) -> Tensor:
    """Returns the loss of dense labels (`tf.nn.ctc_loss`)."""
    return ctc_loss(
        labels, logits, label_length, logit_length, logits_time_major, unique, blank_index, name
    )


def dense_labels_to_sparse(dense: Any, length: Any) -> SparseTensor:
    """Returns the first `length` labels of each row as a sparse tensor."""
    labels = convert_to_tensor(dense)
    counts = convert_to_tensor(length)
    mask = sequence_mask(counts, maxlen=shape(labels)[1])
    rows = shape(labels, out_type=dtypes.int64)[0]
    width = cast(reduce_max(counts), dtypes.int64)
    return SparseTensor(where(mask), cast(boolean_mask(labels, mask), dtypes.int32), [rows, width])


def _state_to_olabel(labels: Any, num_labels: int, states: Any) -> Tensor:
    """Returns the logarithms of the probabilities of labels, [frames, batch, labels], of those of states."""
    labels, states = convert_to_tensor(labels), convert_to_tensor(states)
    first_blank = shape(labels)[1] + 1
    own = one_hot(labels - 1, num_labels - 1, on_value=np.float32(0), off_value=NEVER)
    by_label = expand_dims(states[:, :, 1:first_blank], 3) + expand_dims(own, 0)
    blank = reduce_logsumexp(states[:, :, first_blank:], axis=2, keepdims=True)
    return concat([blank, reduce_logsumexp(by_label, axis=2)], -1)


def _state_to_olabel_unique(labels: Any, num_labels: int, states: Any, unique: Any) -> Tensor:
    """`_state_to_olabel` for labels given as the distinct ones of each row and their indices."""
    del labels
    distinct, places = unique
    return _state_to_olabel(gather(distinct, places, batch_dims=1), num_labels, states)


def _sum_states(idx: Any, states: Any) -> Tensor:
    """Returns, at each index, the logarithm of the sum of the states that `idx` maps there."""
    states, number = convert_to_tensor(states), shape(convert_to_tensor(states))[2]
    to = one_hot(idx, number, on_value=np.float32(0), off_value=NEVER, axis=1)
    return reduce_logsumexp(expand_dims(states, 2) + to, axis=-1)


def _scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initial: Any,
    reverse: bool = False,
    inclusive: bool = False,
    final_only: bool = False,
) -> Any:
    """Returns what a function accumulates over elements.

    Args:
      fn: takes what has been accumulated and an element.
      elems: elements, or a structure of them, stacked.
      initial: what accumulation begins with.
      reverse: whether to begin with the last element.
      inclusive: whether `initial` is among the results.
      final_only: whether only the last result is returned.
    """
    first = nest.map_structure(convert_to_tensor, initial)
    elements = nest.map_structure(convert_to_tensor, elems)
    results = scan(fn, elements, first, reverse=reverse)
    if not (inclusive or final_only):
        return results
    whole = nest.map_structure(
        lambda one, more: concat([more, one[None]] if reverse else [one[None], more], 0),
        first,
        results,
    )
    return nest.map_structure(lambda x: x[0 if reverse else -1], whole) if final_only else whole
