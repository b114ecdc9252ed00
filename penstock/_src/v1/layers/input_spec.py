"""Requirements of a layer on its inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.util import nest


class InputSpec:
    """The rank and the sizes of axes that a layer's input must have.

    Args:
      dtype: the type, which is not checked.
      shape: the sizes of all axes; None for any.
      ndim: the rank.
      max_ndim: the greatest rank.
      min_ndim: the least rank.
      axes: {axis: its size}.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}

    def __repr__(self) -> str:
        parts = [
            f"{name}={value}"
            for name, value in vars(self).items()
            if value not in (None, {}) and not (name == "ndim" and self.shape is not None)
        ]
        return f"InputSpec({', '.join(parts)})"


def _failure(spec: Any, shape: tuple[int | None, ...]) -> str | None:
    """Return how a shape of known rank violates the requirements, which may be of Keras's class, or None."""
    rank = len(shape)
    if spec.ndim is not None and rank != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={rank}. Full shape received: {shape}"
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={rank}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return (
            f": expected min_ndim={spec.min_ndim}, found ndim={rank}. Full shape received: {shape}"
        )
    for axis, size in (spec.axes or {}).items():
        if size is not None and shape[axis] not in (None, size):
            return (
                f"expected axis {axis} of input shape to have value {size} but received input with "
                f"shape {shape}"
            )
    differing = (
        actual is not None and wanted is not None and actual != wanted
        for actual, wanted in zip(shape, spec.shape or (), strict=False)
    )
    return f"expected shape={spec.shape}, found shape={shape}" if any(differing) else None


def check_inputs(spec: Any, inputs: Any, name: str) -> None:
    """Raises ValueError if the inputs of the layer `name` do not match its spec, or its list of specs."""
    if spec is None:
        return
    specs, received = nest.flatten(spec), nest.flatten(inputs)
    if len(specs) != len(received):
        raise ValueError(
            f"Layer {name} expects {len(specs)} input(s), but it received {len(received)} input tensors. "
            f"Inputs received: {inputs}"
        )
    for index, (required, value) in enumerate(zip(specs, received, strict=True)):
        shape = convert_to_tensor(value).shape
        if required is None or shape.rank is None:
            continue
        failure = _failure(required, tuple(shape.as_list()))
        if failure is not None:
            raise ValueError(
                f"Input {index} of layer {name} is incompatible with the layer: {failure}"
            )
