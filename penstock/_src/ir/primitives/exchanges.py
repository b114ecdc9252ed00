"""Exchanges between processes: all of them make these nodes in one order (compiler/lower/context.py)."""

from penstock._src.ir.primitives.base import Args, Attrs, Primitive, Result, SameType


class ExchangeStart(Primitive):
    """Begins to exchange x as the unit says, among `size` processes; the further argument is begun before.

    (all_reduce, reduce_scatter, all_gather, all_to_all)
    """

    form = "exchange_start(x, ...; unit, number, last, size)"
    is_folded = False

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, collective, size = args[0], attrs["unit"].kind, attrs["size"]
        if collective in ("all_reduce", "all_to_all", "broadcast"):
            return x.shape, x.dtype
        self.require(x.rank > 0, "the array must have an axis", args)
        rows, *rest = x.shape
        if collective == "all_gather":
            return (rows * size, *rest), x.dtype
        self.require(int(rows) % size == 0, "rows must be a multiple of processes", args)
        return (rows // size, *rest), x.dtype


class ExchangeWait(SameType):
    """The exchange that was begun, complete with its unit; x is what was given, which must not change until then."""

    form = "exchange_wait(started, x; unit, number, last, size)"
    is_folded = False
