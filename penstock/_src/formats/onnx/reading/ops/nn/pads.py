"""The padding of windows: numbers, or scalars of int64 where they depend on a size that only a run knows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.formats.onnx.reading import tensors as t
from penstock._src.formats.onnx.reading.registry import Node

Pads = list[tuple[Any, Any]]


def window_pads(
    n: Node, sizes: Sequence[Any], kernel: Sequence[int], strides: Sequence[int], dilations: Any
) -> Pads:
    """The padding before and after each spatial dimension."""
    mode = n.attr("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        padding: Pads = []
        for size, k, stride, dilation in zip(sizes, kernel, strides, dilations):
            covered = (_over(size, stride) - 1) * stride + (k - 1) * dilation + 1
            total = t.at_least(covered - size, 0)
            less = total // 2
            pair = (less, total - less)
            padding.append(pair if mode == "SAME_UPPER" else pair[::-1])
        return padding
    pads = n.attr("pads", None)
    if mode == "VALID" or pads is None:
        return [(0, 0)] * len(kernel)
    if len(pads) != 2 * len(kernel):
        raise InvalidArgumentError(f"pads must have {2 * len(kernel)} entries, not {len(pads)}.")
    return list(zip(pads[: len(kernel)], pads[len(kernel) :]))


def known_pads(n: Node, pads: Pads) -> list[tuple[int, int]]:
    """The padding as numbers, for operators whose positions are computed from it beforehand.

    Raises:
      UnimplementedError: it depends on a size that is not known.
    """
    if not are_known(pads):
        mode = n.attr("auto_pad", "NOTSET")
        raise UnimplementedError(f"{n.op_type}: auto_pad {mode} of a size that is not known.")
    return [(int(a), int(b)) for a, b in pads]


def rounded_up(
    size: Any, pad: tuple[Any, Any], kernel: int, stride: int, dilation: int
) -> tuple[Any, Any]:
    """The padding with which the number of windows is rounded up, not down; no window begins in the padding at the end."""
    before, after = pad
    span = size + before + after - ((kernel - 1) * dilation + 1)
    last = _over(span, stride)
    last = last - t.as_number(last * stride >= size + before)
    return before, after + t.at_least(last * stride - span, 0)


def are_known(pads: Pads) -> bool:
    """True if all amounts are numbers."""
    return all(isinstance(v, (int, np.integer)) for pair in pads for v in pair)


def amounts(pads: Pads, before: int, after: int) -> Any:
    """The padding of all axes, as the op Pad takes it: none for the axes before and after the spatial ones."""
    pairs = [*[(0, 0)] * before, *pads, *[(0, 0)] * after]
    if are_known(pads):
        return np.array(pairs, np.int32)
    return t.reshape(t.vector([v for pair in pairs for v in pair]), [len(pairs), 2])


def explicit(pads: Pads) -> dict[str, Any]:
    """The attributes of an op over images with channels last that pads by itself."""
    around = [0, 0, *(int(v) for pair in pads for v in pair), 0, 0]
    if not any(around):
        return {"padding": "VALID"}
    return {"padding": "EXPLICIT", "explicit_paddings": around}


def padded(x: Any, pads: Pads, value: Any = 0, channels_last: bool = False) -> Any:
    """x with a value around its spatial dimensions."""
    if not any_pads(pads):
        return x
    sides = (1, 1) if channels_last else (2, 0)
    return raw.PadV2(x, amounts(pads, *sides), t.like(value, x))


def any_pads(pads: Pads) -> bool:
    """False if there are none in any run."""
    return not are_known(pads) or any(v for pair in pads for v in pair)


def _over(a: Any, b: int) -> Any:
    """a / b, rounded up."""
    return (a + (b - 1)) // b
