"""The order of exchanges with other processes among a function's kernels: started early, awaited late.

An exchange begins as soon as its input is stored, in the order of exchanges; kernels that only gather its input (a pack of
gradients) move there with it. It is waited for where something first reads its result. All other kernels keep their order.

If the unit limits the number of exchanges in flight (`ExchangeUnit.ahead`), an exchange begins as soon as an older one has been awaited, and at the
latest at its own position: then the older one is awaited there.
"""

from collections.abc import Sequence

from penstock._src.compiler.kernels.kernel import Kernel, SpecialKernel
from penstock._src.ir.node import Node

_EXCHANGES = ("exchange_start", "exchange_wait")


def in_exchange_order(kernels: Sequence[Kernel]) -> tuple[Kernel, ...]:
    """The kernels of a function, exchanges where they overlap with most others."""
    if not any(_kind(kernel) == "exchange_start" for kernel in kernels):
        return tuple(kernels)
    return tuple([kernels[number] for number in _Order(kernels).numbers()])


class _Order:
    """The order of kernels, which have numbers."""

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self.kinds = [_kind(kernel) for kernel in kernels]
        self.needs = needs_of(kernels)
        self.early = _early(kernels, self.needs)
        self.waiting = {n for n, kind in enumerate(self.kinds) if kind == "exchange_wait"}
        self.older = _older(kernels, self.kinds)
        self.order: list[int] = []
        self.done: set[int] = set()

    def numbers(self) -> list[int]:
        """The numbers in order."""
        for number in range(len(self.kinds)):
            if number not in self.done and number not in self.waiting:
                self._place(number)
            ready = True
            while ready:  # starting one kernel or exchange may make others ready
                ready = False
                for one in self.early:
                    if one not in self.done and self._needed(one) <= self.done:
                        self._place(one)
                        ready = True
        # Exchanges whose results no kernel reads.
        for number in sorted(self.waiting - self.done):
            self._place(number)
        return self.order

    def _needed(self, number: int) -> set[int]:
        return self.needs[number] | self.older.get(number, set())

    def _place(self, number: int) -> None:
        # A kernel that needs a result of an exchange makes its wait happen now, not earlier.
        for wait in sorted(self._needed(number) & self.waiting - self.done):
            self._place(wait)
        self.order.append(number)
        self.done.add(number)


def needs_of(kernels: Sequence[Kernel]) -> list[set[int]]:
    """For each kernel the indices of those that store its inputs."""
    makers: dict[int, set[int]] = {}
    for number, kernel in enumerate(kernels):
        for node in kernel.outputs:
            makers.setdefault(node.id, set()).add(number)
    return [
        {maker for leaf in kernel.inputs for maker in makers.get(leaf.id, ()) if maker != number}
        for number, kernel in enumerate(kernels)
    ]


def _kind(kernel: Kernel) -> str:
    return kernel.node.kind if isinstance(kernel, SpecialKernel) else ""


def _older(kernels: Sequence[Kernel], kinds: Sequence[str]) -> dict[int, set[int]]:
    """Maps the index of a kernel that begins an exchange to the index of the wait for the exchange that must end before."""
    waits: dict[Node, int] = {}
    limited: dict[str, list[tuple[int, Node]]] = {}
    for number, (kernel, kind) in enumerate(zip(kernels, kinds, strict=True)):
        if not isinstance(kernel, SpecialKernel):
            continue
        if kind == "exchange_wait":
            waits[kernel.node.args[0]] = number
        elif kind == "exchange_start" and kernel.node.attrs["unit"].ahead:
            limited.setdefault(kernel.node.attrs["unit"].kind, []).append((number, kernel.node))
    older: dict[int, set[int]] = {}
    for begun in limited.values():
        begun.sort(key=lambda pair: pair[1].attrs["number"])
        for at, (number, node) in enumerate(begun):
            ahead = node.attrs["unit"].ahead
            if at >= ahead:
                older[number] = {waits[begun[at - ahead][1]]}
    return older


def _early(kernels: Sequence[Kernel], needs: Sequence[set[int]]) -> list[int]:
    """The indices of kernels that begin exchanges, and of those whose results only exchanges read."""
    readers: dict[int, list[Kernel]] = {}
    for kernel in kernels:
        for leaf in kernel.inputs:
            readers.setdefault(leaf.id, []).append(kernel)

    def is_early(kernel: Kernel, needed: set[int]) -> bool:
        if _kind(kernel):
            return _kind(kernel) == "exchange_start"
        by = [reader for node in kernel.outputs for reader in readers.get(node.id, [kernel])]
        is_pack = all(node.kind == "concat" for node in kernel.outputs)
        return is_pack and all(_takes_early(reader, needed) for reader in by)

    return [n for n, kernel in enumerate(kernels) if is_early(kernel, needs[n])]


def _takes_early(kernel: Kernel, needed: set[int]) -> bool:
    """True if a pack may be written as soon as its inputs exist. With limited exchanges, a pack without inputs must not be filled much earlier."""
    if not isinstance(kernel, SpecialKernel) or kernel.node.kind not in _EXCHANGES:
        return False
    return bool(needed) or not kernel.node.attrs["unit"].ahead
