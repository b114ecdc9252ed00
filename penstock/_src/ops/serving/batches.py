"""Combines requests into batches and splits them again.

TensorFlow may combine concurrent requests into one batch until a timeout, and makes a batch of one for a single request.
Penstock always does the latter.
"""

import itertools

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.ops.rules import show

_NUMBERS = itertools.count(1)


def _rows(op, tensors, most):
    """The common number of rows of the tensors of a request."""
    if any(not t.ndim for t in tensors):
        raise op.invalid("Batching input tensors must have at least one dimension")
    counts = {t.shape[0] for t in tensors}
    if len(counts) != 1:
        shapes = ", ".join(show(t.shape) for t in tensors)
        raise op.invalid(
            f"Batching input tensors must have equal 0th-dimension size. Received {shapes}"
        )
    (rows,) = counts
    if rows > most:
        raise op.invalid(f"task size {rows} is larger than maximum input batch size {most}")
    return rows


def _padded(tensor, rows):
    """The tensor padded to `rows` rows by repeating its first row."""
    missing = rows - tensor.shape[0]
    return np.concatenate([tensor, np.repeat(tensor[:1], missing, axis=0)]) if missing else tensor


class Batch(Op):
    """A request as a batch: its tensors, the number of the request with its first and last row, and the batch's number."""

    signature = "in_tensors: *T -> batched_tensors: *T, batch_index: int64, id: int64"
    num_batch_threads: int
    max_batch_size: int
    max_enqueued_batches: int = 10
    batch_timeout_micros: int
    allowed_batch_sizes: list[int] = []
    grad_timeout_micros: int
    container: str = ""
    shared_name: str = ""
    batching_queue: str = ""

    def shape(self, in_tensors):
        batched = [None if t.rank is None else [None, *t[1:]] for t in in_tensors]
        return batched, [None, 3], ()

    def eager(self, in_tensors):
        rows = _rows(self, in_tensors, self.max_batch_size)
        size = next((n for n in self.allowed_batch_sizes if n >= rows), rows)
        number = next(_NUMBERS)
        index = np.array([[number, 0, rows]], np.int64)
        return [_padded(t, size) for t in in_tensors], index, np.int64(number)


class Unbatch(Op):
    """The rows of a batch that belong to one request."""

    signature = "batched_tensor: T, batch_index: int64, id: int64 -> unbatched_tensor: T"
    timeout_micros: int
    container: str = ""
    shared_name: str = ""

    def shape(self, batched_tensor, batch_index, id):
        batched = batched_tensor.with_rank_at_least(1)
        return None if batched.rank is None else [None, *batched[1:]]

    def eager(self, batched_tensor, batch_index, id):
        first, last = _span(self, batch_index, id)
        return batched_tensor[first:last]


class UnbatchGrad(Op):
    """The gradients of the requests of a batch, as one tensor in the order of the batch."""

    signature = """original_input: T, batch_index: int64, grad: T, id: int64
        -> batched_grad: T[original_input]"""
    container: str = ""
    shared_name: str = ""

    def eager(self, original_input, batch_index, grad, id):
        first, last = _span(self, batch_index, id)
        out = np.zeros_like(original_input)
        out[first:last] = grad
        return out


def _span(op, batch_index, number):
    """The first and last row of a request in its batch."""
    if batch_index.ndim != 2 or batch_index.shape[1] != 3:
        raise op.invalid(f"batch_index must be [n, 3]. Received {show(batch_index.shape)}")
    for request, first, last in batch_index.tolist():
        if request == int(number):
            return first, last
    raise op.invalid(f"the batch has no request {int(number)}")


class BatchFunction(Op):
    """A function of batches, called with a request."""

    signature = "in_tensors: *Tin, captured_tensors: *Tcaptured -> out_tensors: *Tout[...]"
    f: Function
    num_batch_threads: int
    max_batch_size: int
    batch_timeout_micros: int
    max_enqueued_batches: int = 10
    allowed_batch_sizes: list[int] = []
    container: str = ""
    shared_name: str = ""
    batching_queue: str = ""
    low_priority_max_batch_size: int = 0
    low_priority_batch_timeout_micros: int = 0
    low_priority_allowed_batch_sizes: list[int] = []
    low_priority_max_enqueued_batches: int = 0
    mixed_priority_policy: str = "low_priority_padding_with_max_batch_size"
    batch_padding_policy: str = "PAD_UP"
    Tin: list[DType]
    Tcaptured: list[DType]
    Tout: list[DType]
    enable_large_batch_splitting: bool = False
    vectorize = "rows, shared"

    def eager(self, in_tensors, captured_tensors):
        most = np.inf if self.enable_large_batch_splitting else self.max_batch_size
        rows = _rows(self, in_tensors, most)
        pieces = [
            self._called([t[at : at + self.max_batch_size] for t in in_tensors], captured_tensors)
            for at in range(0, max(rows, 1), self.max_batch_size)
        ]
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

    def _called(self, tensors, captured):
        rows = tensors[0].shape[0]
        size = next((n for n in self.allowed_batch_sizes if n >= rows), rows)
        results = self.f.executable([*(_padded(t, size) for t in tensors), *captured])
        return [result[:rows] for result in results]
