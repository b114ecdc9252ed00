"""The debugger's ops: identities that a debugger can watch, and statistics of tensors."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.util.slots import above_if_loaded

# Modes of DebugNumericSummaryV2: TensorFlow's TensorDebugMode.
_CURT, _CONCISE, _FULL, _SHAPE, _THREE_SLOTS = 2, 3, 4, 5, 8
_LENGTHS = {_CURT: 2, _CONCISE: 5, _FULL: 11, _SHAPE: 10, _THREE_SLOTS: 3}
_SHOWN_EXTENTS = 6


class _Watched(Op):
    """Base of the ops that watch a named tensor."""

    T = ANY

    def named(self):
        """Raises InvalidArgumentError unless `tensor_name` is NODE:SLOT."""
        node, _, slot = self.tensor_name.partition(":")
        if not node or not slot.isdigit():
            raise self.invalid(f'Failed to parse tensor name: "{self.tensor_name}"')
        if self.debug_urls:
            raise UnimplementedError(f"{self.op_type}: there is no debugger to send tensors to.")


class DebugIdentity(_Watched):
    """The input, visible to a debugger."""

    signature = "input: T -> output: T[input]"
    device_name: str = ""
    tensor_name: str = ""
    debug_urls: list[str] = []
    gated_grpc: bool = False

    def eager(self, input):
        self.named()
        return input


class DebugIdentityV3(DebugIdentity):
    """The input, visible to a debugger."""

    device_name: str = ""
    tensor_name: str = ""
    io_of_node: str = ""
    is_input: bool = False
    io_index: int = -1
    debug_urls: list[str] = []
    gated_grpc: bool = False
    stateful = True


class DebugIdentityV2(Op):
    """The input, visible to a debugger of functions."""

    signature = "input: T -> output: T[input]"
    T = ANY
    tfdbg_context_id: str = ""
    op_name: str = ""
    output_slot: int = -1
    tensor_debug_mode: int = -1
    debug_urls: list[str] = []
    circular_buffer_size: int = 1000
    tfdbg_run_id: str = ""
    stateful = True

    def gradient(self, _input, _output, dy):
        return dy

    def eager(self, input):
        if self.debug_urls:
            # Only a program that has enabled dumps has folders to write to.
            write = above_if_loaded("write_debug_tensor")
            if write is None or not write(self, input):
                raise UnimplementedError(
                    "DebugIdentityV2: there is no debugger to send tensors to."
                )
        return input


class DebugNanCount(_Watched):
    """The number of NaN entries."""

    signature = "input: T -> output: int64[1]"
    device_name: str = ""
    tensor_name: str = ""
    debug_urls: list[str] = []
    gated_grpc: bool = False

    def eager(self, input):
        self.named()
        return np.array([np.isnan(_numbers(input)).sum()], np.int64)


class DebugNumericSummary(_Watched):
    """Counts of kinds of entries, extremes and moments of the finite ones, type and shape.

    `[1, size, nan, -inf, negative, zero, positive, inf, least, greatest, mean, variance, type, rank,
    *shape]`; what is beyond the bounds counts as infinite. `mute_if_healthy` is for debuggers that listen.
    """

    signature = "input: T -> output: float64[?]"
    device_name: str = ""
    tensor_name: str = ""
    debug_urls: list[str] = []
    lower_bound: float = -np.inf
    upper_bound: float = np.inf
    mute_if_healthy: bool = False
    gated_grpc: bool = False

    def eager(self, input):
        self.named()
        x = _numbers(input).ravel()
        low, high = x <= self.lower_bound, x >= self.upper_bound
        missing = np.isnan(x)
        inner = x[~(low | high | missing)]
        counts = [
            missing.sum(), low.sum(), (inner < 0).sum(), (inner == 0).sum(), (inner > 0).sum(), high.sum(),
        ]  # fmt: skip
        moments = [np.inf, -np.inf, np.nan, np.nan]
        finite = x[np.isfinite(x)]
        if finite.size:
            moments = [finite.min(), finite.max(), finite.mean(), finite.var()]
        about = [self.T.as_datatype_enum, input.ndim, *input.shape]
        return np.array([1, x.size, *counts, *moments, *about], np.float64)


class DebugNumericSummaryV2(Op):
    """Numbers about a tensor, by `tensor_debug_mode`: of infinities and nan, sizes or the shape.

    2: `[id, whether any]`; 3: `[id, size, -inf, inf, nan]`; 4: `[id, device, type, rank, size, -inf, inf,
    nan, negative, zero, positive]`; 5: `[id, type, rank, size, *6 extents]`; 8: `[-inf, inf, nan]`, each
    0 if there is none.
    """

    signature = "input: T -> output: output_dtype"
    T = ANY
    output_dtype: {dtypes.float32, dtypes.float64} = dtypes.float32
    tensor_debug_mode: int = -1
    tensor_id: int = -1

    def shape(self, input):
        return [_LENGTHS.get(self.tensor_debug_mode)]

    def eager(self, input):
        mode = self.tensor_debug_mode
        if mode not in _LENGTHS:
            raise UnimplementedError(f"Unimplemented tensor debug mode: {mode}")
        x = _numbers(input)
        low, high, missing = np.isneginf(x), np.isposinf(x), np.isnan(x)
        counts = [low.sum(), high.sum(), missing.sum()]
        kind = self.T.as_datatype_enum
        if mode == _CURT:
            numbers = [self.tensor_id, any(counts)]
        elif mode == _CONCISE:
            numbers = [self.tensor_id, x.size, *counts]
        elif mode == _FULL:
            finite = x[np.isfinite(x)]
            signs = [(finite < 0).sum(), (finite == 0).sum(), (finite > 0).sum()]
            numbers = [self.tensor_id, -1, kind, x.ndim, x.size, *counts, *signs]
        elif mode == _SHAPE:
            extents = list(x.shape[-_SHOWN_EXTENTS:])
            padding = [0] * (_SHOWN_EXTENTS - len(extents))
            numbers = [self.tensor_id, kind, x.ndim, x.size, *extents, *padding]
        else:
            kinds = (-np.inf, np.inf, np.nan)
            numbers = [value if n else 0 for value, n in zip(kinds, counts, strict=True)]
        return np.array(numbers, self.output_dtype.np)


def _numbers(values):
    """Values as float64, which keeps every count; TypeError for non-numeric types."""
    return np.abs(values) if np.iscomplexobj(values) else values.astype(np.float64)
