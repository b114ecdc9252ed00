"""The eight matrix registers of AMX: each has 16 rows of 64 bytes, which are 16 sums, or 16 groups of neighbors.

    C[m][n] += A[m][k] . B[k][n]        m, k, n < 16; a group of A by a group of B

A kernel begins and ends their use once for each task. Their instructions read memory without checks, so code that is checked keeps
the registers in memory, and computes by ordinary instructions: for tests on every processor, too.
Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from penstock._src.compiler.codegen.contraction.tile import times
from penstock._src.native import Val
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import F32, I8, I32, vec

SIDE = 16  # rows of a register, and sums or groups of a row
ROW_BYTES = 64
COUNT = 8
_CONFIGURATION_BYTES = 64
_PALETTE, _ROW_BYTES_AT, _ROWS_AT = 0, 16, 48  # bytes of the configuration
Shapes = Mapping[int, tuple[int, int]]  # (rows, groups of a row) of registers that are not whole
WHOLE: Shapes = {}


class MatrixRegisters(ABC):
    """Writes their instructions into a function. Registers have numbers; strides are in elements of a sum's size."""

    def __init__(self, f: Fn, total: str, group: int, shapes: Shapes) -> None:
        """Sums are of type `total`, of groups of `group` neighbors."""
        self.f, self.total, self.group, self.shapes = f, total, group, shapes

    def shape(self, register: int) -> tuple[int, int]:
        """(rows, groups of a row) of a register."""
        return self.shapes.get(register, (SIDE, SIDE))

    @abstractmethod
    def zero(self, register: int) -> None:
        """Sets a register to zeros."""

    @abstractmethod
    def load(self, register: int, p: Val, stride: Val | int) -> None:
        """Loads the rows at p, p + stride, ..."""

    @abstractmethod
    def store(self, register: int, p: Val, stride: Val | int) -> None:
        """Stores the rows at p, p + stride, ..."""

    @abstractmethod
    def multiply(self, c: int, a: int, b: int) -> None:
        """Adds the product of registers a and b to register c."""


def matrix_registers(f: Fn, total: str, group: int, shapes: Shapes = WHOLE) -> MatrixRegisters:
    """The registers of a function's target, which its `begin_matrices` has given these shapes."""
    return (_InMemory if f.target.checked else _Instructions)(f, total, group, shapes)


class RegisterBlock:
    """`down` x `across` registers of sums, and those of their operands: at least one for rows of A, one for each 16 columns of B."""

    def __init__(self, registers: MatrixRegisters, down: int, across: int) -> None:
        self.registers, self.down, self.across = registers, down, across
        self.sums = [[i * across + j for j in range(across)] for i in range(down)]
        first = down * across
        self.rights = list(range(first, first + across))
        self.lefts = list(range(first + across, COUNT))
        assert self.lefts, "There are too few registers."

    def begin(self) -> None:
        """Sets all sums to zero."""
        for register in sum(self.sums, []):
            self.registers.zero(register)

    def begin_with(self, columns: Val) -> None:
        """Sets the sums of each column to a number at `columns`."""
        # With a distance of 0, all rows of a register are the same numbers.
        self.load(columns, 0, 0)

    def load(self, p: Val, width: Val | int, down: Val | int) -> None:
        """Loads sums whose rows are `width` apart, and those of registers below each other `down`."""
        for register, at in self._places(p, down):
            self.registers.load(register, at, width)

    def store(self, p: Val, width: Val | int, down: Val | int) -> None:
        """Stores the sums as `load` takes them."""
        for register, at in self._places(p, down):
            self.registers.store(register, at, width)

    def _places(self, p: Val, down: Val | int) -> list[tuple[int, Val]]:
        f, total = self.registers.f, self.registers.total
        return [
            (register, f.at(p, times(f, down, i) + SIDE * j, total))
            for i, row in enumerate(self.sums)
            for j, register in enumerate(row)
        ]

    def multiply(self, lefts: list[Val], stride: Val | int, rights: list[Val], width: int) -> None:
        """Adds the products of 16 groups: of 16 rows of each left address, `stride` apart, and 16 rows of each right one."""
        # Each is loaded once, and multiplied by all rows of A.
        for register, b in zip(self.rights, rights, strict=True):
            self.registers.load(register, b, width)
        for i, a in enumerate(lefts):
            # With one register for A, loads and products of it alternate.
            left = self.lefts[i % len(self.lefts)]
            self.registers.load(left, a, stride)
            for register, right in zip(self.sums[i], self.rights, strict=True):
                self.registers.multiply(register, left, right)


def begin_matrices(f: Fn, shapes: Shapes = WHOLE) -> None:
    """Configures all registers, as whole ones but for `shapes`; their contents become zeros."""
    if f.target.checked:
        return
    p = f.alloca(I8, _CONFIGURATION_BYTES)
    f.memset(p, 0, _CONFIGURATION_BYTES)
    f.store(f.const(1, I8), p, _PALETTE)
    for register in range(COUNT):
        rows, groups = shapes.get(register, (SIDE, SIDE))
        f.store(f.const(groups * ROW_BYTES // SIDE, I8), p, _ROW_BYTES_AT + 2 * register)
        f.store(f.const(rows, I8), p, _ROWS_AT + register)
    f.call("llvm.x86.ldtilecfg", p)


def end_matrices(f: Fn) -> None:
    """Frees the registers: threads that have some in use take longer to interrupt."""
    if not f.target.checked:
        f.call("llvm.x86.tilerelease")


class _Instructions(MatrixRegisters):
    """AMX."""

    def zero(self, register: int) -> None:
        self.f.call("llvm.x86.tilezero", self._number(register))

    def load(self, register: int, p: Val, stride: Val | int) -> None:
        bytes_of_row = self.f.i64(stride) * 4
        self.f.call("llvm.x86.tileloadd64", self._number(register), p, bytes_of_row)

    def store(self, register: int, p: Val, stride: Val | int) -> None:
        bytes_of_row = self.f.i64(stride) * 4
        self.f.call("llvm.x86.tilestored64", self._number(register), p, bytes_of_row)

    def multiply(self, c: int, a: int, b: int) -> None:
        # ss: both bytes have signs, so that AMX needs no bias (dots.py).
        name = "tdpbf16ps" if self.total == F32 else "tdpbssd"
        self.f.call(f"llvm.x86.{name}", *map(self._number, (c, a, b)))

    def _number(self, register: int) -> Val:
        return self.f.const(register, I8)


class _InMemory(MatrixRegisters):
    """The registers as arrays on the stack."""

    def __init__(self, f: Fn, total: str, group: int, shapes: Shapes) -> None:
        super().__init__(f, total, group, shapes)
        self.arrays = [f.alloca(I32, SIDE * SIDE) for _ in range(COUNT)]

    def zero(self, register: int) -> None:
        self.f.memset(self.arrays[register], 0, SIDE * ROW_BYTES)

    def load(self, register: int, p: Val, stride: Val | int) -> None:
        self._copy(p, stride, self.arrays[register], SIDE, *self.shape(register))

    def store(self, register: int, p: Val, stride: Val | int) -> None:
        self._copy(self.arrays[register], SIDE, p, stride, *self.shape(register))

    def _copy(
        self, source: Val, stride: Val | int, to: Val, to_stride: Val | int, rows: int, groups: int
    ) -> None:
        f, row = self.f, vec(I32, groups)
        f.loop(
            f.i64(0), rows, 1, lambda i: f.store(f.load(source, i * stride, row), to, i * to_stride)
        )

    def multiply(self, c: int, a: int, b: int) -> None:
        f, row, sums = self.f, vec(I32, SIDE), vec(self.total, SIDE)
        left, right, total = (self.arrays[register] for register in (a, b, c))
        rows, depth = self.shape(a)

        def add(m: Val, k: Val, acc: Val) -> Val:
            x = f.splat(f.load(left, m * SIDE + k, I32), SIDE)
            y = f.load(right, k * SIDE, row)
            for u, v in zip(self._parts(x), self._parts(y), strict=True):
                acc = f.fma(u, v, acc) if self.total == F32 else acc + u * v
            return acc

        def of_row(m: Val) -> None:
            acc = f.load(total, m * SIDE, sums)
            (acc,) = f.loop(f.i64(0), depth, 1, lambda k, acc: (add(m, k, acc),), acc)
            f.store(acc, total, m * SIDE)

        f.loop(f.i64(0), rows, 1, of_row)

    def _parts(self, groups: Val) -> list[Val]:
        """The neighbors in groups, as sums."""
        f, bits = self.f, 32 // self.group
        # The part is shifted to the top, where a bfloat16 is the upper half of its float32.
        high = [f.binary("shl", groups, 32 - bits - bits * i) for i in range(self.group)]
        if self.total == F32:
            kept = [f.binary("and", x, -(1 << bits)) for x in high]
            return [f.bits(x, vec(F32, SIDE)) for x in kept]
        return [f.binary("ashr", x, 32 - bits) for x in high]
