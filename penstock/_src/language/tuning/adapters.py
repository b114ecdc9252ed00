"""Low-rank adapters: two thin matrices added to a frozen one.

Source: Hu et al. 2021, "LoRA: low-rank adaptation of large language models".
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from penstock._src.api.linalg.products import matmul
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.eager.variable import Variable
from penstock._src.language.network.decoder import Decoder
from penstock._src.language.weights.loading import Layer
from penstock._src.language.weights.operands import Linear

# The matrices of a layer that can have adapters.
TARGETS = ("query", "key", "value", "attention_output", "gate", "up", "down")


@dataclasses.dataclass(frozen=True, eq=False)
class Adapter:
    """The addition to the products of a matrix: `scale` times `up` times `down` times the operand.

    Attributes:
      down: float32 `[rank, columns]`.
      up: float32 `[rows, rank]`.
      scale: of the product.
    """

    down: Variable
    up: Variable
    scale: float


@dataclasses.dataclass(frozen=True, eq=False)
class AdaptedLinear(Linear):
    """A matrix with an adapter."""

    adapter: Adapter = dataclasses.field(kw_only=True)

    def __call__(self, x: object) -> object:
        """Returns products."""
        adapter = self.adapter
        inner = matmul(x, adapter.down, transpose_b=True)
        added = matmul(inner, adapter.up, transpose_b=True)
        return super().__call__(x) + added * np.float32(adapter.scale)


Place = tuple[int, str]  # the number of a layer, the name of its matrix


def places_of(layers: Sequence[Layer], targets: Sequence[str]) -> list[Place]:
    """Returns where adapters go.

    Args:
      layers: of the model.
      targets: names out of TARGETS.

    Raises:
      InvalidArgumentError: there are none, or the model has no matrix of a name.
    """
    for target in targets or ("",):
        has = target in TARGETS and getattr(layers[0], target) is not None
        if not has:
            present = [name for name in TARGETS if getattr(layers[0], name) is not None]
            raise InvalidArgumentError(
                f"targets: expected names among {', '.join(present)}. Received {target!r}."
            )
    return [(at, target) for at in range(len(layers)) for target in targets]


def drawn(
    layers: Sequence[Layer], places: Sequence[Place], rank: int, scale: float, seed: int | None
) -> dict[Place, Adapter]:
    """Returns new adapters, which change nothing yet: `up` is zeros, `down` uniform numbers of Kaiming's extent."""
    random = np.random.default_rng(seed)
    adapters = {}
    for at, target in places:
        matrix = getattr(layers[at], target).matrix
        most = 1 / math.sqrt(matrix.columns)
        down = random.uniform(-most, most, (rank, matrix.columns)).astype(np.float32)
        up = np.zeros((matrix.rows, rank), np.float32)
        adapters[at, target] = adapter_of(at, target, down, up, scale)
    return adapters


def adapter_of(at: int, target: str, down: np.ndarray, up: np.ndarray, scale: float) -> Adapter:
    """Returns an adapter with these values."""
    name = f"layer_{at}/{target}"
    return Adapter(Variable(down, name=f"{name}/down"), Variable(up, name=f"{name}/up"), scale)


def adapted(decoder: Decoder, adapters: Mapping[Place, Adapter]) -> Decoder:
    """Returns the decoder with adapters beside its matrices, which both share."""
    layers = list(decoder.weights.layers)
    for (at, target), adapter in adapters.items():
        linear = getattr(layers[at], target)
        beside = AdaptedLinear(linear.matrix, linear.bias, adapter=adapter)
        layers[at] = dataclasses.replace(layers[at], **{target: beside})
    weights = dataclasses.replace(decoder.weights, layers=tuple(layers))
    return Decoder(decoder.architecture, weights)
