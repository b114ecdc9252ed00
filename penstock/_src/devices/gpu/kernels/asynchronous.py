"""Asynchronous instructions of sm_90 and later: bulk copies by tensor maps, and the barriers in shared memory that count them.

A barrier (mbarrier) has phases. A phase ends when the expected number of threads have arrived and all expected bytes have been copied; then
the next one begins. A waiting thread passes the parity of the phase; a new barrier counts as having completed a phase of parity 1.

Addresses in shared memory are numbers within that memory's window.
"""

from collections.abc import Sequence

from penstock._src.devices.gpu.kernels.language import CudaFn
from penstock._src.native.language.types import I32, I64
from penstock._src.native.language.value import Val

BARRIER_BYTES = 8

_WAIT = (
    "{ .reg .pred done; again: mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1; "
    "@!done bra again; }"
)


def shared_address(f: CudaFn, place: Val) -> Val:
    """The address of an offset in shared memory."""
    return f.assembly("cvta.to.shared.u64 $0, $1;", "=l,l", [place], I64)


def begin_barrier(f: CudaFn, barrier: Val, arrivals: int) -> None:
    """Makes a barrier, on one thread, with a fence, before others use it after a barrier of the block."""
    f.assembly("mbarrier.init.shared::cta.b64 [$0], $1;", "l,r", [barrier, f.const(arrivals, I32)])


def fence_barriers(f: CudaFn) -> None:
    """Makes initialized barriers visible to copies."""
    f.assembly("fence.proxy.async.shared::cta;", "")


def arrive(f: CudaFn, barrier: Val) -> None:
    """Arrives: the thread's earlier writes become visible to threads that wait for the phase."""
    f.assembly("mbarrier.arrive.shared::cta.b64 _, [$0];", "l", [barrier])


def arrive_and_expect(f: CudaFn, barrier: Val, size: int) -> None:
    """Arrives, and makes the phase wait for this many bytes of copies."""
    f.assembly(
        "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;",
        "l,r",
        [barrier, f.const(size, I32)],
    )


def wait_for_phase(f: CudaFn, barrier: Val, parity: Val) -> None:
    """Waits until the barrier's phase of a parity has ended."""
    f.assembly(_WAIT, "l,r", [barrier, parity])


def copy_box(f: CudaFn, to: Val, number: int, first: Sequence[Val], barrier: Val) -> None:
    """Begins to copy the box at `first`, of tensor map `number`; a barrier counts its bytes when they have come."""
    rank = len(first)
    names = ", ".join(f"${2 + i}" for i in range(rank))
    text = (
        f"cp.async.bulk.tensor.{rank}d.shared::cluster.global.mbarrier::complete_tx::bytes "
        f"[$0], [$1, {{{names}}}], [${2 + rank}];"
    )
    operands = [to, f.tensor_map(number), *first, barrier]
    f.assembly(text, ",".join(["l", "l", *["r"] * rank, "l"]), operands)


def set_registers(f: CudaFn, count: int, before: int) -> None:
    """Changes the number of registers per thread of a warpgroup's warps from `before` to `count`; all of them call this."""
    way = "inc" if count > before else "dec"
    f.assembly(f"setmaxnreg.{way}.sync.aligned.u32 {count};", "")
