"""An operand of a product that is read element by element: borders, dilated inputs, any mixture of axes."""

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class GatheredAxis:
    """Index (const + sum of coefficient * letter) / divisor of a source axis; zero outside low <= index < high.

    A term is (kind of letter, its number there, coefficient); kinds are batch, cross, depth.
    """

    const: Extent
    terms: tuple[tuple[str, int, Extent], ...]
    stride: Extent
    divisor: int = 1
    low: Extent | None = None
    high: Extent | None = None


@dataclass(frozen=True)
class Gathered:
    """The operand; cross, depth and each of the batch extents may be several letters, counted row-major.

    Letters of the batch are numbered through all its extents.
    """

    element: str
    axes: tuple[GatheredAxis, ...]
    batch: tuple[tuple[Extent, ...], ...]
    cross: tuple[Extent, ...]
    depth: tuple[Extent, ...]

    def run(self, kind: str) -> tuple[int, Extent] | None:
        """(extent, distance) of the innermost letter of a kind, if it moves along a single axis without bounds of its own.

        Then elements along that letter are at equal distances, and all or none of them exist.
        """
        extents = getattr(self, kind)
        if not extents or not is_static(extents[-1]):
            return None
        last = kind, len(extents) - 1
        axes = [a for a in self.axes if any(term[:2] == last for term in a.terms)]
        if (
            len(axes) != 1
            or len(axes[0].terms) > 1
            or axes[0].low is not None
            or axes[0].divisor != 1
        ):
            return None
        step, stride = axes[0].terms[0][2], axes[0].stride
        if not isinstance(step, int) or not isinstance(stride, int):
            return None
        return extents[-1], step * stride
