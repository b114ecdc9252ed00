"""Checks of loads and stores against the buffers that their pointers point into (PENSTOCK_CHECKED; see process/bounds.py).

A pointer has `bounds`, the start and length of its buffer, set where the function received it: as an argument, or loaded. Pointers computed
from it share them. All functions do nothing unless the target is a checked one.
"""

from .types import I64, PTR, SIZE, lanes, scalar, size_of
from .value import Val
from .writer import FunctionWriter

EVERYWHERE = ("0", "-1")  # the bounds of tables in the code itself
_MASK_BYTES, _OFFSET_BYTES = 128, 8192  # bytes of a function's memory for masks and offsets
_PAIR = "{ i64, i64 }"


class CheckedAccesses(FunctionWriter):
    """Mixed into Fn."""

    _room: str | None = None  # memory in which masks and offsets are passed

    def find_bounds(self, p: Val) -> None:
        """Set a pointer's bounds to those of the buffer that it points into."""
        self.module.declare(f"declare {_PAIR} @penstock_bounds_find(ptr)", "penstock_bounds_find")
        pair = self.emit(_PAIR, f"call {_PAIR} @penstock_bounds_find(ptr {p.s})")
        low, length = (self.emit(I64, f"extractvalue {_PAIR} {pair.s}, {i}") for i in (0, 1))
        p.bounds = low.s, length.s

    def bounds_of(self, p: Val) -> tuple[str, str]:
        """The bounds of a pointer; one that is chosen among others is looked up where it is used."""
        if p.bounds is not None:
            return p.bounds
        pointer = Val(self, PTR, p.s)
        self.find_bounds(pointer)
        assert pointer.bounds is not None
        return pointer.bounds

    def place_within(self, p: Val, ty: str, stores: bool) -> Val:
        """Return the address at which a value of `ty` at `p` is loaded or stored."""
        if not self.target.checked:
            return p
        return self._checked(PTR, "place", p, str(size_of(ty)), stores)

    def size_within(self, p: Val, size: str, stores: bool) -> str:
        """Return the number of bytes at `p` to set or copy, at most `size`."""
        if not self.target.checked:
            return size
        return self._checked(I64, "size", p, size, stores).s

    def _checked(self, ret: str, what: str, p: Val, size: str, stores: bool) -> Val:
        low, length = self.bounds_of(p)
        name = f"penstock_bounds_{what}"
        self.module.declare(f"declare {ret} @{name}(i64, i64, ptr, i64, i64)", name)
        arguments = f"i64 {low}, i64 {length}, ptr {p.s}, i64 {size}, i64 {int(stores)}"
        return self.emit(ret, f"call {ret} @{name}({arguments})")

    def lanes_within(
        self, p: Val, ty: str, mask: str, stores: bool, offsets: Val | None = None
    ) -> str:
        """The mask of the lanes of a value of `ty` at `p`, or at `p` and offsets, that are loaded or stored."""
        if not self.target.checked:
            return mask
        low, length = self.bounds_of(p)
        n, each = lanes(ty), SIZE[scalar(ty)]
        if self._room is None:
            self._room = self.name_value()
            size = _MASK_BYTES + _OFFSET_BYTES
            self.entry.append(f"{self._room} = alloca [{size} x i8], align 64")
        bits, listed = self._room, "null"
        self.emit("void", f"store <{n} x i1> {mask}, ptr {bits}, align 64")
        if offsets is not None:
            wide = offsets.s
            if scalar(offsets.ty) != I64:
                wide = self.emit(f"<{n} x i64>", f"sext {offsets.ty} {offsets.s} to <{n} x i64>").s
            listed = self.emit(PTR, f"getelementptr i8, ptr {bits}, i64 {_MASK_BYTES}").s
            self.emit("void", f"store <{n} x i64> {wide}, ptr {listed}, align 64")
        types = "i64, i64, ptr, i64, i64, ptr, ptr, i64"
        self.module.declare(
            f"declare void @penstock_bounds_lanes({types})", "penstock_bounds_lanes"
        )
        self.emit(
            "void",
            f"call void @penstock_bounds_lanes(i64 {low}, i64 {length}, ptr {p.s}, i64 {each}, i64 {n}, ptr {bits}, "
            f"ptr {listed}, i64 {int(stores)})",
        )
        return self.emit(f"<{n} x i1>", f"load <{n} x i1>, ptr {bits}, align 64").s
