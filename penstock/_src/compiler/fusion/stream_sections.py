"""Streams: sections of a function in which each stream (recognize/streams.py) has its own kernels, which run side by side.

Within a section no stream reads the results of another one. Nodes outside of all streams, such as a sum of gradients, are between sections.
Kernels are reordered so that each section, and each stream within it, is contiguous.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from penstock._src.compiler.fusion.exchange_order import needs_of
from penstock._src.compiler.fusion.partition import Partition
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import BoundsKernel, Kernel
from penstock._src.compiler.recognize.streams import NO_STREAM, common_stream
from penstock._src.ir.extents import dims
from penstock._src.util.dataclass import dataclass

FLOPS_OF_A_BYTE = 4  # flops of a core in the time in which it moves a byte


@dataclass(frozen=True)
class StreamSection:
    """Kernels of several streams: numbers of the first kernels of the streams, and the end of the last one.

    work    of each stream, in bytes that are moved in the same time
    """

    bounds: tuple[int, ...]
    work: tuple[int, ...]

    @property
    def start(self) -> int:
        return self.bounds[0]

    @property
    def end(self) -> int:
        return self.bounds[-1]

    def stream_of(self, kernel: int) -> int | None:
        """The index of a kernel's stream among the section's streams; None if the kernel is not in the section."""
        if not self.start <= kernel < self.end:
            return None
        return sum(bound <= kernel for bound in self.bounds[1:])


def in_sections(
    kernels: Sequence[Kernel], part: Partition
) -> tuple[tuple[Kernel, ...], tuple[StreamSection, ...]]:
    """(the kernels of a function in another order, its sections)."""
    streams = part.recognized.streams
    # Exchanges with other processes are made by one thread.
    if not streams or part.function.exchanges:
        return tuple(kernels), ()
    needs = _needs(kernels, part)
    own = _streams_of_kernels(kernels, needs, streams)
    order: list[int] = []
    sections: list[StreamSection] = []
    done: set[int] = set()
    left = list(range(len(kernels)))
    while left:
        # Kernels of no stream go as early as they can, so that the streams after them find their inputs.
        for number in left:
            if own[number] == NO_STREAM and needs[number] <= done:
                order.append(number)
                done.add(number)
        left = [number for number in left if number not in done]
        section = _section(left, own, needs, done)
        bounds = [len(order)]
        for numbers in section.values():
            order += numbers
            done.update(numbers)
            bounds.append(len(order))
        # A stream alone runs as usual.
        if len(section) > 1:
            work = [sum(_work(kernels[i]) for i in numbers) for numbers in section.values()]
            sections.append(StreamSection(tuple(bounds), tuple(work)))
        left = [number for number in left if number not in done]
    return tuple([kernels[number] for number in order]), tuple(sections)


def _section(
    left: Sequence[int], own: Sequence[int], needs: Sequence[set[int]], done: Collection[int]
) -> dict[int, list[int]]:
    """The kernels of each stream that can run before all other remaining kernels."""
    members: dict[int, list[int]] = {}
    placed: dict[int, set[int]] = {}
    for number in left:
        stream = own[number]
        # A stream reads results of kernels before the section and of its own kernels: it depends on no stream beside it.
        before = placed.setdefault(stream, set(done))
        if stream != NO_STREAM and needs[number] <= before:
            before.add(number)
            members.setdefault(stream, []).append(number)
    return dict(sorted(members.items()))


def _needs(kernels: Sequence[Kernel], part: Partition) -> list[set[int]]:
    """For each kernel the indices of those that must run before it: that store its inputs, or check its indices."""
    needs = needs_of(kernels)
    makers: dict[int, list[int]] = {}
    for number, kernel in enumerate(kernels):
        for node in kernel.outputs:
            makers.setdefault(node.id, []).append(number)
    for number, kernel in enumerate(kernels):
        if isinstance(kernel, BoundsKernel):
            for reader in _computing(kernel, makers, part):
                if reader > number:
                    needs[reader].add(number)
    return needs


def _computing(
    check: BoundsKernel, makers: Mapping[int, Sequence[int]], part: Partition
) -> Iterator[int]:
    """The indices of the kernels that compute the node whose indices a kernel checks."""
    pending, seen = [check.node], {check.node.id}
    while pending:
        node = pending.pop()
        if node.id in makers:
            yield from makers[node.id]
            continue
        for user in part.recognized.users[node.id]:
            if user.id not in seen:
                seen.add(user.id)
                pending.append(user)


def _streams_of_kernels(
    kernels: Sequence[Kernel], needs: Sequence[set[int]], streams: Mapping[int, int]
) -> list[int]:
    """The stream of each kernel. A kernel with results that another stream reads directly is in no stream."""
    own: list[int] = []
    for kernel, needed in zip(kernels, needs, strict=True):
        nodes = [kernel.node] if isinstance(kernel, BoundsKernel) else kernel.outputs
        common = common_stream(streams, nodes)
        if common is None:  # it adds up partial sums, which have no operations
            makers = {own[number] for number in needed}
            common = makers.pop() if len(makers) == 1 else NO_STREAM
        own.append(common)
    # From the end to the start: a kernel serves the streams of all that follow from it.
    serves = [{stream} for stream in own]
    for number in reversed(range(len(kernels))):
        if own[number] != NO_STREAM:
            if len(serves[number]) > 1:
                own[number] = NO_STREAM
            for needed in needs[number]:
                serves[needed] |= serves[number]
    return own


def _work(kernel: Kernel) -> int:
    """The approximate cost of a kernel."""
    arrays = (*kernel.inputs, *kernel.outputs)
    # The number of partial sums is known only in planning; they are few.
    nodes = [n for n in arrays if n.results is None and n.kind != "partial"]
    moved = sum(dims.number(n.size) * n.dtype.size for n in nodes if n.dtype.is_numpy_compatible)
    if not isinstance(kernel, ContractKernel):
        return moved
    left, right = kernel.node.args
    letters = kernel.node.attrs["spec"].split("->")[0].replace(",", "")
    extents = dict(zip(letters, map(dims.number, (*left.shape, *right.shape)), strict=True))
    return moved + 2 * math.prod(extents.values()) // FLOPS_OF_A_BYTE
