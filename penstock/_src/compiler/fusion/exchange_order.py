"""Where exchanges with other processes stand among a function's kernels: begun early, waited for late.

An exchange begins as soon as what it gives is stored, in the order of exchanges; the kernels that only gather what it gives (a pack of
gradients) move there with it. It is waited for where something first reads its result. All other kernels keep their order.
"""

from collections.abc import Sequence

from penstock._src.compiler.kernels.kernel import Kernel, SpecialKernel


def in_exchange_order(kernels: Sequence[Kernel]) -> tuple[Kernel, ...]:
    """The kernels of a function, exchanges where they overlap with most others."""
    kinds = [k.node.kind if isinstance(k, SpecialKernel) else "" for k in kernels]
    if "exchange_start" not in kinds:
        return tuple(kernels)
    needs = needs_of(kernels)
    early = _early(kernels, kinds)
    waiting = {number for number, kind in enumerate(kinds) if kind == "exchange_wait"}
    order: list[int] = []
    done: set[int] = set()

    def place(number: int) -> None:
        for wait in sorted(needs[number] & waiting - done):
            place(wait)
        order.append(number)
        done.add(number)

    for number in range(len(kernels)):
        if number not in done and number not in waiting:
            place(number)
        ready = True
        while ready:  # what may begin now lets others begin
            ready = False
            for one in early:
                if one not in done and needs[one] <= done:
                    place(one)
                    ready = True
    for number in sorted(waiting - done):
        place(number)
    return tuple([kernels[number] for number in order])


def needs_of(kernels: Sequence[Kernel]) -> list[set[int]]:
    """For each kernel the numbers of those that store what it reads."""
    makers: dict[int, set[int]] = {}
    for number, kernel in enumerate(kernels):
        for node in kernel.outputs:
            makers.setdefault(node.id, set()).add(number)
    return [
        {maker for leaf in kernel.inputs for maker in makers.get(leaf.id, ()) if maker != number}
        for number, kernel in enumerate(kernels)
    ]


def _early(kernels: Sequence[Kernel], kinds: Sequence[str]) -> list[int]:
    """The numbers of kernels that begin exchanges, and of those whose results only exchanges read."""
    readers: dict[int, set[str]] = {}
    for kernel, kind in zip(kernels, kinds, strict=True):
        for leaf in kernel.inputs:
            readers.setdefault(leaf.id, set()).add(kind)
    exchanges = {"exchange_start", "exchange_wait"}
    return [
        number
        for number, (kernel, kind) in enumerate(zip(kernels, kinds, strict=True))
        if kind == "exchange_start"
        or kind == ""
        and all(
            node.kind == "concat" and readers.get(node.id, {""}) <= exchanges
            for node in kernel.outputs
        )
    ]
