"""The search: measures alternative blockings of the products that a program compiled, and keeps those that win.

    with recording() as products: run the program
    tune(products, seconds) -> list of Finding

Each product is a separate program here, from its sources to its result, on random numbers. A candidate
changes one number of the best blocking so far (coordinate descent), is timed in turns with it, and wins if its best time
is lower by MARGIN: smaller differences are noise.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.contraction.products.description import Gemm
from penstock._src.compiler.codegen.contraction.tile import fits
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.codegen.processors import Blocking, blocking_of
from penstock._src.compiler.codegen.tuning_records import signature, using
from penstock._src.compiler.device import find_device
from penstock._src.compiler.pipeline import plan_function
from penstock._src.ir.build.control import substitute
from penstock._src.ir.builder import Builder
from penstock._src.ir.extents.values import Values, current
from penstock._src.ir.function import Function
from penstock._src.native import Target, host
from penstock._src.util.dataclass import dataclass

MARGIN = 1.03
TURNS = 3
TURN_SECONDS = 0.02
DEPTHS = (96, 128, 192, 256, 384, 512, 768)
COLUMNS = (48, 96, 128, 192, 256, 384, 512, 1024)
CUTS = ("columns", "rows", "blocks")
MOST_ROWS, MOST_VECTORS = 16, 8


@dataclass(frozen=True)
class Finding:
    """The result of the search for one product; `gain` is the old time over the new one, 1 if nothing was faster."""

    product: str
    blocking: Blocking
    seconds: float
    gain: float


@dataclass(frozen=True)
class FoundProduct:
    """A product that a program compiled, and the values of unknown extents."""

    match: Match
    extents: Values


class ProductRecorder:
    """Records every product, and changes no choice."""

    def __init__(self) -> None:
        self.products: dict[str, FoundProduct] = {}

    def find(self, match: Match, target: Target, threads: int) -> None:
        product = signature(match.description)
        if product is not None:
            self.products.setdefault(product, FoundProduct(match, current()))


@contextlib.contextmanager
def recording() -> Iterator[dict[str, FoundProduct]]:
    """Collects the products that programs compile within the block, by signature."""
    recorder = ProductRecorder()
    with using(recorder):
        yield recorder.products


@dataclass(frozen=True)
class Fixed:
    """Chooses the same blocking for every product."""

    blocking: Blocking

    def find(self, match: Match, target: Target, threads: int) -> Blocking | None:
        return self.blocking if isinstance(match.description, Gemm) else None


def isolated(match: Match) -> Function:
    """The function from the two sources of a contraction to its result, views between them included."""
    p = Builder()
    sources = {node.id: node for node in (match.left, match.right)}
    known = {
        key: p.parameter(i, node.shape, node.dtype) for i, (key, node) in enumerate(sources.items())
    }
    (result,) = substitute(p, [match.node], known)
    return Function("product", tuple(known.values()), (result,))


class Product:
    """A product that can be timed with any blocking."""

    def __init__(self, match: Match, target: Target):
        self.match, self.target = match, target
        self.function = isolated(match)
        random = np.random.default_rng(0)
        self.arrays = [
            random.standard_normal([int(n) for n in x.shape]).astype(x.dtype.as_numpy_dtype)
            for x in self.function.parameters
        ]

    def program(self, blocking: Blocking) -> Callable[[], Any]:
        """A call of the product cut that way."""
        with using(Fixed(blocking)):
            device = find_device("CPU")
            planned = plan_function(self.function, CpuGenerator(self.target), device.threads)
        program = device.load(planned)
        return lambda: program.run(self.arrays)

    def compare(self, old: Callable[[], Any], new: Callable[[], Any]) -> tuple[float, float]:
        """The best seconds of a call of each, in turns."""
        best = [float("inf"), float("inf")]
        for _ in range(TURNS):
            for i, call in enumerate((old, new)):
                best[i] = min(best[i], _best(call))
        return best[0], best[1]


def _best(call: Callable[[], Any]) -> float:
    call()
    # After a first call, which loads code and data.
    best, end = float("inf"), time.perf_counter() + TURN_SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def neighbors(best: Blocking, gemm: Gemm, target: Target) -> Iterator[Blocking]:
    """Blockings that differ from one in a single number."""
    lanes = target.lanes(gemm.types.total)
    rows = int(gemm.m) if isinstance(gemm.m, int) else MOST_ROWS
    for cut in CUTS:
        yield replace(best, cut=cut)
    for depth in DEPTHS:
        yield replace(best, depth=depth, wide_depth=depth)
    for columns in COLUMNS:
        yield replace(best, columns=columns)
    for vectors in range(1, MOST_VECTORS + 1):
        for count in range(1, min(rows, MOST_ROWS) + 1):
            registers = count * vectors
            # Tiles that leave half of the registers empty are never the fastest.
            if fits(count, vectors, target) and registers * 2 > target.registers:
                if not isinstance(gemm.n, int) or (vectors - 1) * lanes < gemm.n:
                    yield replace(best, tile=(count, vectors))


def search(match: Match, target: Target, seconds: float) -> Finding:
    """Searches a better blocking of one product for a limited time."""
    gemm, product = match.description, Product(match, target)
    assert isinstance(gemm, Gemm)
    best = first = blocking_of(target)
    call, gain, end = product.program(best), 1.0, time.monotonic() + seconds
    tried, taken = {best}, 0.0
    improved = True
    while improved and time.monotonic() < end:
        improved = False
        for candidate in neighbors(best, gemm, target):
            if candidate in tried:
                continue
            tried.add(candidate)
            other = product.program(candidate)
            old, new = product.compare(call, other)
            taken = min(old, new)
            if new * MARGIN < old:
                best, call, gain, improved = candidate, other, gain * old / new, True
            if time.monotonic() > end:
                break
    if best != first:  # measure the winner again, against the default
        old, taken = product.compare(product.program(first), call)
        # Gains multiplied along the way are too good: each winner was a lucky measurement.
        gain = old / taken
        if gain < MARGIN:
            best, gain = first, 1.0
    return Finding(signature(gemm) or "", best, taken, gain)


def tune(
    products: Iterable[FoundProduct],
    seconds: float,
    report: Callable[[Finding], None] = lambda finding: None,
    target: Target | None = None,
) -> list[Finding]:
    """Searches all products, the heaviest first, sharing the time out by their work."""
    target = target or host()
    matches = sorted(products, key=_work, reverse=True)
    end, findings = time.monotonic() + seconds, []
    for i, match in enumerate(matches):
        left = end - time.monotonic()
        if left <= 0:
            break
        # By work, but at least half of an equal share, so that small products are tried at all.
        share = _work(match) / (sum(map(_work, matches[i:])) or 1)
        with match.extents:
            finding = search(
                match.match, target, max(left * share, left / (2 * (len(matches) - i)))
            )
        report(finding)
        findings.append(finding)
    return findings


def _work(product: FoundProduct) -> float:
    """Multiply-adds of a product."""
    node = product.match.node
    operands, _ = node.attrs["spec"].replace(" ", "").split("->")
    extents: dict[str, int] = {}
    with product.extents:
        for letters, arg in zip(operands.split(","), node.args, strict=True):
            extents.update(zip(letters, map(int, arg.shape), strict=True))
    return float(np.prod([float(n) for n in extents.values()]))
