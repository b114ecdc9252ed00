"""Memory of a function: addresses are a pointer and an offset in elements."""

from .checked import EVERYWHERE, CheckedAccesses
from .types import (
    BF16,
    I1,
    I16,
    I64,
    PTR,
    SIZE,
    VOID,
    constant,
    lanes,
    like,
    mangle,
    scalar,
    size_of,
)
from .value import Val


class MemoryInstructions(CheckedAccesses):
    """Mixed into Fn."""

    def at(self, p: Val, offset=0, ty: str = "i8") -> Val:
        """The address `offset` elements of `ty` past `p`."""
        if isinstance(offset, int) and offset == 0:
            return p
        inbounds = "" if self.target.checked else "inbounds "
        element = I64 if ty == PTR else scalar(ty)  # a word, however many bytes an address has
        place = self.emit(
            PTR, f"getelementptr {inbounds}{element}, ptr {p.s}, i64 {self.text(offset, I64)}"
        )
        if self.target.checked:
            place.bounds = self.bounds_of(p)
        elif self.target.architecture == "wasm32" and isinstance(offset, Val):
            place = self._unanalyzed(place)
        return place

    def _unanalyzed(self, p: Val) -> Val:
        """Return the same address, opaque to LLVM: its rewritten addresses in loops would lose constant offsets in loads and stores."""
        number = self.emit(I64, f"ptrtoint ptr {p.s} to i64")
        return self.emit(PTR, f"inttoptr i64 {number.s} to ptr")

    def load(self, p: Val, offset=0, ty: str = PTR, mask: Val | None = None) -> Val:
        """Loads a value of `ty`; lanes outside `mask` are not accessed and read as zero."""
        element = scalar(ty)
        # LLVM would call a library function when it scalarizes this type: load integers instead.
        if element == BF16:
            bits = self.load(p, offset, like(ty, I16), mask)
            return self.emit(ty, f"bitcast {bits.ty} {bits.s} to {ty}")
        p = self.at(p, offset, element)
        if mask is None:
            p = self.place_within(p, ty, False)
            loaded = self.emit(ty, f"load {ty}, ptr {p.s}, align {SIZE[element]}")
            if ty == PTR and self.target.checked:
                self.find_bounds(loaded)
            return loaded
        kept = self.lanes_within(p, ty, mask.s, False)
        name = f"@llvm.masked.load.{mangle(ty)}.p0"
        self.module.declare(f"declare {ty} {name}(ptr, {mask.ty}, {ty})")
        place = f"ptr align {SIZE[element]} {p.s}"
        return self.emit(ty, f"call {ty} {name}({place}, {mask.ty} {kept}, {ty} zeroinitializer)")

    def store(self, v: Val, p: Val, offset=0, mask: Val | None = None) -> None:
        element = scalar(v.ty)
        if element == BF16:
            bits = like(v.ty, I16)
            v, element = self.emit(bits, f"bitcast {v.ty} {v.s} to {bits}"), I16
        p = self.at(p, offset, element)
        if mask is not None and mask.s[0] == "<" and mask.s.count("i1 1") == 1:
            # LLVM 22 bug: a truncating store with a constant mask of one lane stores too many bytes
            lane = mask.s[1:-1].split(", ").index("i1 1")
            one = self.emit(element, f"extractelement {v.ty} {v.s}, i64 {lane}")
            v, p, mask = one, self.at(p, lane, element), None
        if mask is None:
            p = self.place_within(p, v.ty, True)
            self.emit(VOID, f"store {v.ty} {v.s}, ptr {p.s}, align {SIZE[element]}")
            return
        name = f"@llvm.masked.store.{mangle(v.ty)}.p0"
        self.module.declare(f"declare void {name}({v.ty}, ptr, {mask.ty})")
        place = f"ptr align {SIZE[element]} {p.s}"
        kept = self.lanes_within(p, v.ty, mask.s, True)
        self.emit(VOID, f"call void {name}({v.ty} {v.s}, {place}, {mask.ty} {kept})")

    def gather(self, p: Val, offsets: Val, ty: str, mask: Val | None = None) -> Val:
        """Lane i of the result is the element of `ty`'s at p + offsets[i]; lanes outside `mask` are zero."""
        element, n = scalar(ty), lanes(ty)
        if element == BF16:
            bits = self.gather(p, offsets, like(ty, I16), mask)
            return self.emit(ty, f"bitcast {bits.ty} {bits.s} to {ty}")
        where = self.emit(
            f"<{n} x ptr>", f"getelementptr {element}, ptr {p.s}, {offsets.ty} {offsets.s}"
        )
        mask_text = mask.s if mask is not None else constant(1, f"<{n} x i1>")
        mask_text = self.lanes_within(p, ty, mask_text, False, offsets)
        name = f"@llvm.masked.gather.{mangle(ty)}.v{n}p0"
        self.module.declare(f"declare {ty} {name}(<{n} x ptr>, <{n} x i1>, {ty})")
        place = f"<{n} x ptr> align {SIZE[element]} {where.s}"
        return self.emit(
            ty, f"call {ty} {name}({place}, <{n} x i1> {mask_text}, {ty} zeroinitializer)"
        )

    def scatter(self, v: Val, p: Val, offsets: Val, mask: Val | None = None) -> None:
        """Stores lane i of `v` at p + offsets[i], in order of lanes."""
        if scalar(v.ty) == BF16:
            bits = like(v.ty, I16)
            v = self.emit(bits, f"bitcast {v.ty} {v.s} to {bits}")
        element, n = scalar(v.ty), lanes(v.ty)
        where = self.emit(
            f"<{n} x ptr>", f"getelementptr {element}, ptr {p.s}, {offsets.ty} {offsets.s}"
        )
        mask_text = mask.s if mask is not None else constant(1, f"<{n} x i1>")
        mask_text = self.lanes_within(p, v.ty, mask_text, True, offsets)
        name = f"@llvm.masked.scatter.{mangle(v.ty)}.v{n}p0"
        self.module.declare(f"declare void {name}({v.ty}, <{n} x ptr>, <{n} x i1>)")
        place = f"<{n} x ptr> align {SIZE[element]} {where.s}"
        self.emit(VOID, f"call void {name}({v.ty} {v.s}, {place}, <{n} x i1> {mask_text})")

    def prefetch(
        self, p: Val, offset=0, ty: str = "float", write: bool = False, locality: int = 3
    ) -> None:
        """Prefetches a cache line; never faults."""
        self.module.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        p = self.at_any(p, offset, ty)
        self.emit(
            VOID, f"call void @llvm.prefetch.p0(ptr {p.s}, i32 {int(write)}, i32 {locality}, i32 1)"
        )

    def at_any(self, p: Val, offset, ty: str) -> Val:
        """An address that may be out of bounds: to prefetch, or to add offsets to."""
        if isinstance(offset, int) and offset == 0:
            return p
        place = self.emit(
            PTR, f"getelementptr {scalar(ty)}, ptr {p.s}, i64 {self.text(offset, I64)}"
        )
        if self.target.checked:
            place.bounds = self.bounds_of(p)
        return place

    def alloca(self, ty: str, count: int = 1, align: int = 64) -> Val:
        """Stack memory for `count` elements, allocated at function entry."""
        v = Val(self, PTR, self.name_value())
        self.entry.append(f"{v.s} = alloca [{count} x {ty}], align {align}")
        if self.target.checked:
            address = self.name_value()
            self.entry.append(f"{address} = ptrtoint ptr {v.s} to i64")
            v.bounds = address, str(count * size_of(ty))
        return v

    def is_null(self, p: Val) -> Val:
        """True if an address is null."""
        return self.emit(I1, f"icmp eq ptr {p.s}, null")

    def address(self, name: str) -> Val:
        """The address of a function or global of this module, or of one to be linked."""
        pointer = Val(self, PTR, f"@{name}")
        pointer.bounds = EVERYWHERE
        return pointer

    def memset(self, p: Val, byte: int, size) -> None:
        self.module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        count = self.size_within(p, self.text(size, I64), True)
        self.emit(
            VOID, f"call void @llvm.memset.p0.i64(ptr {p.s}, i8 {byte}, i64 {count}, i1 false)"
        )

    def memcpy(self, to: Val, source: Val, size) -> None:
        self.module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        count = self.size_within(to, self.text(size, I64), True)
        count = self.size_within(source, count, False)
        self.emit(
            VOID,
            f"call void @llvm.memcpy.p0.p0.i64(ptr {to.s}, ptr {source.s}, i64 {count}, i1 false)",
        )
