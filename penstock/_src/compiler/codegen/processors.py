"""Tuning numbers of processors, in one table by class: the share of each cache that a block may use, and costs.

A class is the number of bytes of a vector register. 64 was measured on Zen 5, with its L2 as `_LARGE_L2`; 32 there with AVX2 alone; 16 is derived from the caches of
Cortex-A72 to Neoverse N1, not measured. Missing entries of a class are as on Zen 5. Numbers of the code itself (rows of a tile, tasks
per thread) are in the file that uses them. Results are the same for all of these numbers, up to rounding.
"""

from dataclasses import field, replace

from penstock._src.native import Target
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True)
class Blocking:
    """The sizes of a product's blocks. A tuner replaces it for one product (tuning/).

    depth         elements of k that a packed block has at most
    wide_depth    the same where few rows meet many columns, and B is read once
    columns       columns of a block of B at most
    wide_columns  the same where B is read once
    tile          (rows, vectors) of the register tile; None: chosen by the cost model
    cut           "columns", "rows" or "blocks"; None: chosen by the cost model
    """

    depth: int = 384
    wide_depth: int = 192
    columns: int = 256
    wide_columns: int = 1024
    tile: tuple[int, int] | None = None
    cut: str | None = None


@dataclass(frozen=True)
class Processor:
    """A class of processors. Sizes are bytes."""

    blocking: Blocking = field(default_factory=Blocking)
    broadcast: float = 1.0  # instructions that a broadcast of an element takes, its load included
    stream: float = 8 / 3  # cycles in which a vector comes from the L2
    # parts of the L1
    gradient_window: int = 32 << 10  # bytes of an image under a block of a filter gradient
    # parts of the L2
    whole_block: int = 0  # bytes of a block of B that has all columns; 0: there is none
    window: int = 96 << 10  # bytes of an image under a block of a convolution
    wide_window: int = 300 << 10  # the same where fewer rows have too few pixels
    depthwise_rows: int = 128 << 10  # bytes of an image under a task of a depthwise convolution
    # Bytes of a convolution's panel of weights; a longer one is divided into rows of taps.
    weight_panel: int = 300 << 10
    narrow_block: int = 256 << 10  # bytes of B up to which it is not divided along k
    read_in_place: int = (
        256 << 10
    )  # bytes of B up to which few rows read it in place, though packed panels of it could be cached
    # bytes of B from which to which one row reads cached panels of it, not pieces of its rows
    row_in_place: int = 32 << 10
    row_panels: int = 0
    row_work: int = 8  # rows, in the L1, that take as long as one row by cached panels
    near_row: int = 16 << 20  # bytes of B above which one row reads longer pieces in place
    strip: int = 640 << 10  # bytes of B under a strip of rows
    winograd_inputs: int = 384 << 10  # transformed inputs of a task
    winograd_tiles: int = 512 << 10  # transformed tiles of a block of a filter gradient
    # bytes of shared panels between two fork-joins of a product
    packed_panels: int = 8 << 20  # between two fork-joins of a product
    # the same for vectors and so few threads that fork-joins cost little: panels that stay in the L2; None: no other limit
    near_panels: int | None = None
    streamed: int = 2 << 20  # a matrix above this size leaves the L2 before it is read again
    in_memory: int = 16 << 20  # a matrix above this size comes from memory
    # True if a product's tile asks for its part of the output a row at a time: all requests together fill the buffers of the L1's misses,
    # and panels wait for them.
    fetches_by_rows: bool = False


_CLASSES = {
    # B above the L1 is read in panels: one and two rows by 128 x 512 take half of the time, one row by 512 x 512 0.75; two threads take 1.05 to
    # 1.15 times as long as one for a row by 128 x 512 (Zen 5, Nov 2026).
    64: Processor(read_in_place=32 << 10, row_panels=4 << 20, row_work=4, near_row=1 << 20),
    # B above the L1 is read in panels: 2 to 64 rows by 128 x 512, 64 x 256 and others take 0.65 to 0.95 of the time (Zen 3, Nov 2026).
    # One row by 128 x 512 in the L2 takes 0.84 of the time from panels.
    32: Processor(
        Blocking(depth=256, columns=192),
        broadcast=1.5,
        read_in_place=32 << 10,
        row_panels=512 << 10,
    ),
    16: Processor(Blocking(depth=256, columns=128, wide_columns=512), broadcast=1.5),
}

# For an L2 of 1 MiB or more. A wide block needs fewer passes over A, whose rows are packed next to its tiles, and is read in long pieces of rows.
# In a step of BERT-base, where weights come from memory, gradients of weights take 0.86 to 0.95 of the time that they
# took with the narrow block, all products 0.93 (one thread, Emerald Rapids with 2 MiB, Nov 2026); the smaller products of a vision transformer take the same
# time. With 1 MiB (Zen 5) products of BERT, a transformer and a vision transformer take 0.88 to 0.98, those of 128 rows by 512 columns the same.
_LARGE_L2 = replace(
    _CLASSES[64],
    blocking=Blocking(columns=384),
    whole_block=576 << 10,
    near_panels=1 << 20,
    fetches_by_rows=True,
)
# Products of few rows were measured with 1 MiB only.
_LARGEST_L2 = replace(_LARGE_L2, read_in_place=256 << 10, row_panels=0, row_work=8, near_row=16 << 20)  # fmt: skip

# Products by matrix registers; depths count groups of neighbors (measured on Emerald Rapids).
MATRIX_BLOCKING = Blocking(depth=512, wide_depth=512)

# Without vectors, which LLVM would split, and without caches: blocks are in RAM. Sized for the memory of a Cortex-M4, not measured.
_MICROCONTROLLER = Processor(
    Blocking(depth=128, columns=32, wide_columns=64), gradient_window=4 << 10, window=8 << 10, wide_window=16 << 10,
    depthwise_rows=8 << 10, weight_panel=64 << 10, narrow_block=16 << 10, strip=16 << 10,
    winograd_inputs=16 << 10, winograd_tiles=16 << 10, packed_panels=64 << 10,
)  # fmt: skip


# WebAssembly, measured in V8 on Zen 5: a row of a tile has an address of its own there, in one of few registers.
_WEBASSEMBLY = replace(_CLASSES[16], broadcast=2.2, stream=0.6)


def processor_of(target: Target) -> Processor:
    """The class of a target."""
    if target.is_microcontroller:
        return _MICROCONTROLLER
    if target.architecture == "wasm32":
        return _WEBASSEMBLY
    if target.vector_bytes == 64 and target.l2 >= 1 << 20:
        return _LARGE_L2 if target.l2 < 2 << 20 else _LARGEST_L2
    return _CLASSES[target.vector_bytes]


def blocking_of(target: Target, size: int = 4) -> Blocking:
    """The blocking of the target's class, for sums of `size` bytes."""
    blocking = processor_of(target).blocking
    if size <= 4:
        return blocking
    # a block of doubles is to leave as much of the L2 free as one of floats (Zen 5: 87 -> 91 % of the peak at 2048)
    return replace(blocking, depth=blocking.depth * 2 // 3, columns=blocking.columns * 3 // 4)
