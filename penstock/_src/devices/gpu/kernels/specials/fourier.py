"""Fourier transforms of lines on a GPU, by Stockham's algorithm, as in compiler/codegen/specials/fourier.py.

A group of threads has a line, a block several lines. Each pass removes a factor: the threads divide its butterflies, read one half of the
line's room and write the other, and synchronize. The first pass reads the argument and the last writes the result. Rooms are shared
memory, or scratch memory where a line is too long for that.
"""

from penstock._src.compiler.codegen.scalars.registers import Pair, memory_type
from penstock._src.compiler.codegen.specials.butterflies import product, short_transform
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch, line_extents
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.devices.gpu.target import THREADS, WARP, WITHOUT_ASKING
from penstock._src.ir.meaning.fourier import factors
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR, SIZE, vec
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

BUTTERFLY = 8  # elements that a thread transforms in registers, at most: wider passes give each result a thread


@dataclass(frozen=True)
class _Form:
    """The form of a kernel: everything on which its code depends.

    element    the type of a part of a number
    n          of a line
    inverse    True if roots are conjugated and results are divided by n
    is_row     True if a line's elements are contiguous; else neighboring lines are adjacent
    in_shared  True if rooms are shared memory
    """

    element: str
    n: int
    inverse: bool
    is_row: bool
    in_shared: bool

    @property
    def radices(self) -> list[int]:
        """The factors that passes take off."""
        return factors(self.n) or [1]

    @property
    def size(self) -> int:
        """Bytes of a line's room: two halves, or nothing for a single pass."""
        return 0 if len(self.radices) == 1 else 4 * self.n * SIZE[self.element]

    @property
    def group(self) -> int:
        """Threads that have a line."""
        # A power of two, so that groups never straddle warps.
        return min(THREADS, 1 << (-(-self.n // BUTTERFLY) - 1).bit_length())

    @property
    def lines(self) -> int:
        """Lines of a block."""
        most = THREADS // self.group
        if self.in_shared and self.size:
            # So that several blocks fit on a multiprocessor.
            most = min(most, max(1, WITHOUT_ASKING // 2 // self.size))
        return max(1 << (most.bit_length() - 1), WARP // self.group)


def fourier_launch(node: Node) -> SpecialLaunch:
    """The launch of a transform."""
    x, roots = node.args
    outer, n, inner = line_extents(x.shape, node.attrs["axis"])
    element, lines = memory_type(x.dtype), outer * inner
    in_shared = 4 * n * SIZE[element] * max(1, WARP * BUTTERFLY // max(n, 1)) <= WITHOUT_ASKING
    form = _Form(element, n, bool(node.attrs["inverse"]), inner == 1, in_shared)
    blocks = -(-lines // form.lines) if n else 0
    rooms = 0 if in_shared or not blocks else Scratch(blocks * form.lines * form.size)
    return SpecialLaunch(
        (f"{node.kind} of threads", form), lambda target: emit_cuda_fourier(form, target), blocks,
        (x, roots, node, rooms, lines, inner), f"{node.kind}[{outer}, {n}, {inner}]",
    )  # fmt: skip


def emit_cuda_fourier(form: _Form, target: Target) -> CudaCode:
    """Context: input, roots of unity, output, rooms in scratch memory, lines, inner."""
    m = CudaModule(target, form.lines * form.group)
    with m.kernel() as f:
        _Transform(f, form).write()
    return m.finished()


class _Transform:
    """Writes the kernel."""

    def __init__(self, f: CudaFn, form: _Form) -> None:
        self.f, self.form, self.word = f, form, vec(form.element, 2)
        self.source, self.roots, self.output = (f.load(f.ctx, i, PTR) for i in range(3))
        lines, self.inner = f.load(f.ctx, 4, I64), f.load(f.ctx, 5, I64)
        if form.is_row:
            self.local, self.rank = f.thread // form.group, f.thread % form.group
        else:  # neighboring threads have neighboring lines, whose elements are adjacent
            self.local, self.rank = f.thread % form.lines, f.thread // form.lines
        line = f.number * form.lines + self.local
        self.is_there = line < lines
        # Threads without a line repeat the last one: all of a block have to come to the barriers.
        at = f.select(self.is_there, line, lines - 1)
        whole = at * form.n
        self.first = whole if form.is_row else whole - at % self.inner * (form.n - 1)

    def write(self) -> None:
        """Writes all passes."""
        form, radices = self.form, self.form.radices
        room = self._room() if form.size else None
        stride, left = 1, form.n
        for number, radix in enumerate(radices):
            left //= radix
            last = number == len(radices) - 1
            before = None if number == 0 else (room, (number - 1) % 2)
            after = None if last else (room, number % 2)
            _Pass(self, radix, left, stride, before, after).write()
            stride *= radix
            if not last:
                self.f.barrier()

    def _room(self) -> Val:
        f, form = self.f, self.form
        if form.in_shared:
            return f.shared(form.size * form.lines)
        return f.at(f.load(f.ctx, 3, PTR), f.number * (form.size * form.lines), "i8")

    def take(self, room: tuple[Val, int] | None, i: Val) -> Pair:
        """An element of the line: of the argument, or of a half of the room."""
        f = self.f
        if room is None:
            both = f.vector_load(self.source, self._outside(i), self.word)
        else:
            both = f.vector_load(room[0], self._place(room[1], i), self.word)
        return Pair(f.extract(both, 0), f.extract(both, 1))

    def put(self, room: tuple[Val, int] | None, i: Val, x: Pair) -> None:
        """Stores an element: of the result, or of a half of the room."""
        f = self.f
        if room is not None:
            f.vector_store(f.vector_of(x.re, x.im), room[0], self._place(room[1], i))
            return
        if self.form.inverse:
            scale = 1 / self.form.n
            x = Pair(x.re * scale, x.im * scale)
        both = f.vector_of(x.re, x.im)
        f.when(self.is_there, lambda: f.vector_store(both, self.output, self._outside(i)))

    def _outside(self, i: Val) -> Val:
        """The offset of an element in the argument and the result."""
        return (self.first + (i if self.form.is_row else i * self.inner)) * 2

    def _place(self, half: int, i: Val) -> Val:
        """The offset of an element in the block's buffers."""
        n, lines = self.form.n, self.form.lines
        i = i + half * n
        return (self.local * (2 * n) + i if self.form.is_row else i * lines + self.local) * 2

    def root(self, number: Val) -> Pair:
        """A power of the root of unity."""
        both = self.f.vector_load(self.roots, number * 2, self.word)
        return Pair(self.f.extract(both, 0), self.f.extract(both, 1))


@dataclass(frozen=True)
class _Pass:
    """Takes a factor off: `stride` transforms of `left` times `radix` elements are interleaved."""

    whole: _Transform
    radix: int
    left: int
    stride: int
    before: tuple[Val, int] | None
    after: tuple[Val, int] | None

    def write(self) -> None:
        """Shares out the butterflies, or the results of wide ones."""
        f, whole, count = self.whole.f, self.whole, self.left * self.stride
        if self.radix <= BUTTERFLY:
            f.loop(whole.rank, f.i64(count), whole.form.group, self._butterfly)
        else:
            f.loop(whole.rank, f.i64(count * self.radix), whole.form.group, self._result)

    def _butterfly(self, item: Val) -> None:
        f = self.whole.f
        xs = [self._argument(item, f.i64(r)) for r in range(self.radix)]
        for k, y in enumerate(short_transform(f, xs, self.whole.form.inverse)):
            self._store(item, f.i64(k), y)

    def _result(self, item: Val) -> None:
        """One result of a wide butterfly: a sum of products with roots of unity."""
        f, count = self.whole.f, self.left * self.stride
        butterfly, k = item % count, item // count
        step = self.whole.form.n // self.radix
        start = self._argument(butterfly, f.i64(0))

        def add(r: Val, re: Val, im: Val) -> tuple[Val, Val]:
            # r k modulo the radix: the table has the roots of one turn.
            x, w = self._argument(butterfly, r), self.whole.root(r * k % self.radix * step)
            re = f.fma(x.re, w.re, re)
            im = f.fma(x.re, w.im, im)
            return f.fma(-x.im, w.im, re), f.fma(x.im, w.re, im)

        self._store(butterfly, k, Pair(*f.loop(f.i64(1), self.radix, 1, add, start.re, start.im)))

    def _argument(self, item: Val, r: Val) -> Pair:
        """An argument of a butterfly."""
        return self.whole.take(self.before, item + r * (self.left * self.stride))

    def _store(self, item: Val, k: Val, y: Pair) -> None:
        """Stores a result of a butterfly, turned for the passes to come."""
        f, stride = self.whole.f, self.stride
        j, q = item // stride, item % stride
        if self.left > 1:
            turned = product(y, self.whole.root(j * k * stride))
            untouched = (j * k).eq(0)  # a product by one would make NaN of infinities
            y = Pair(f.select(untouched, y.re, turned.re), f.select(untouched, y.im, turned.im))
        self.whole.put(self.after, q + (j * self.radix + k) * stride, y)
