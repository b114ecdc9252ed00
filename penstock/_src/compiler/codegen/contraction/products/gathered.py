"""An operand of a product that is read element by element: borders, dilated inputs, any mixture of axes."""

from collections.abc import Sequence

from penstock._src.compiler.codegen.contraction.extents import Extent, is_static, unravel, value
from penstock._src.compiler.codegen.contraction.tile import times, word
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
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

    def tested(self, f: Fn, index: Val) -> tuple[Val, list[Val]]:
        """(the index after the division, conditions under which there is an element)."""
        checks = []
        if self.divisor != 1:
            # sdiv rounds to zero, so a negative index between two multiples fails the test as well.
            whole = f.binary("sdiv", index, self.divisor)
            checks.append((whole * self.divisor).eq(index))
            index = whole
        if self.low is not None and self.high is not None:
            checks += [index >= value(f, self.low), index < value(f, self.high)]
        return index, checks


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
        # The run's length decides how many elements one load takes, which is chosen with the code.
        if not extents or not is_static(extents[-1]):
            return None
        last = kind, len(extents) - 1
        axes = [a for a in self.axes if any(term[:2] == last for term in a.terms)]
        if (
            # Bounds or a divisor could leave out some elements of a run and keep others.
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

    def place(self, f: Fn, batch: Sequence, cross, depth):
        """(offset in the source, i1 whether there is an element or None) at coordinates and flat indices."""
        letters = {
            "batch": [
                letter
                for number, group in zip(batch, self.batch, strict=True)
                for letter in unravel(f, number, [value(f, e) for e in group])
            ],
            "cross": unravel(f, word(f, cross), [value(f, e) for e in self.cross]),
            "depth": unravel(f, word(f, depth), [value(f, e) for e in self.depth]),
        }
        offset, inside = f.i64(0), None
        for axis in self.axes:
            index = word(f, value(f, axis.const))
            for kind, i, coefficient in axis.terms:
                index = index + word(f, times(f, letters[kind][i], value(f, coefficient)))
            index, checks = axis.tested(f, index)
            for check in checks:
                inside = check if inside is None else inside & check
            offset = offset + word(f, times(f, index, value(f, axis.stride)))
        return offset, inside
