"""Regions of a launch table as one graph of the GPU: loops and branches controlled by GPU results are conditional nodes.

    loop      condition; a kernel sets the node to its result
              node while: body; condition; the kernel again
    choice    a kernel sets the nodes to the branch to run
              node switch with a body for each branch; or, for drivers before CUDA 12.8, a node if for each branch

A loop of known rounds is written out, unless that is too long. Source: CUDA C++ Programming Guide, conditional graph nodes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from penstock._src.devices.gpu.cuda.driver.calls import IF, SWITCH, WHILE
from penstock._src.devices.gpu.cuda.driver.control import Control
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu, Graph
from penstock._src.devices.gpu.kernels.conditions import (
    branch_condition,
    branch_number,
    loop_condition,
)
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.devices.gpu.kernels.specials.exchanges import ExchangeCode
from penstock._src.devices.gpu.regions import (
    Choice,
    Kernel,
    Loop,
    Region,
    asks,
    depth,
    kernels_of,
    unrolled,
)
from penstock._src.devices.gpu.target import target_of

MOST_LAUNCHES = 20_000  # that are worth a graph


def can_be_recorded(gpu: Gpu, regions: Sequence[Region]) -> bool:
    """True if regions can be one graph, which the host need not control."""
    if gpu.control.has_nodes:
        return True
    return not asks(regions) and sum(map(unrolled, regions)) <= MOST_LAUNCHES


class Recorder:
    """Records regions.

    words    of the launch table, with addresses
    status   the address of the word that a failed check writes to; 0 if there are no checks
    launch   adds a kernel to a stream
    """

    def __init__(
        self, gpu: Gpu, words: np.ndarray, status: int, launch: Callable[[Kernel, int], object]
    ):
        self.gpu, self.words, self.status, self.launch = gpu, words, status, launch
        self._target = target_of(gpu.architecture.name)
        self._writes_out = True
        self._stream, self._depth = gpu.stream, 0

    def graph(self, regions: Sequence[Region], before: Callable[[], object]) -> Graph:
        """The graph of the work that `before` adds to the stream, and of regions."""
        # Written out, a loop of known rounds needs no kernel that sets its node.
        self._writes_out = sum(map(unrolled, regions)) <= MOST_LAUNCHES
        self._prepare(regions)

        def put() -> None:
            before()
            self._put(regions)

        return self.gpu.capture(put)

    def _prepare(self, regions: Sequence[Region]) -> None:
        """Loads the kernels, including those of branches not taken yet, and creates streams: neither is allowed while recording."""
        for kernel in kernels_of(regions):
            code = kernel.launch.code
            # Exchanges are NCCL's calls, which have no kernel of ours to load.
            if isinstance(code, CudaCode) and not isinstance(code, ExchangeCode):
                self.gpu.function(kernel.launch.code, kernel.launch.function)
        if any(not isinstance(region, Kernel) for region in regions):
            for code in (loop_condition, branch_number, branch_condition):
                self.gpu.function(code(self._target), "task")
            self.gpu.body_stream(depth(regions))

    def _put(self, regions: Sequence[Region]) -> None:
        for region in regions:
            if isinstance(region, Kernel):
                self.launch(region, self._stream)
            elif isinstance(region, Choice):
                self._choice(region)
            elif region.rounds is not None and self._writes_out:
                for _ in range(region.rounds):
                    self._put(region.condition)
                    self._put(region.body)
                self._put(region.condition)
            else:
                self._loop(region)

    def _loop(self, loop: Loop) -> None:
        node = self.gpu.condition(self._stream)
        told = [self.words[loop.holds], self.status, node]
        self._put(loop.condition)
        self._tell(loop_condition(self._target), told)
        (body,) = self.gpu.conditional_node(self._stream, node, WHILE, 1)
        with self._within(body):
            self._put(loop.body)
            self._put(loop.condition)
            self._tell(loop_condition(self._target), told)

    def _choice(self, choice: Choice) -> None:
        index, count = self.words[choice.index], len(choice.branches)
        if self.gpu.control is Control.SWITCH_NODES:
            node = self.gpu.condition(self._stream)
            self._tell(branch_number(self._target), [index, count, node])
            bodies = self.gpu.conditional_node(self._stream, node, SWITCH, count)
        else:
            nodes = [self.gpu.condition(self._stream) for _ in choice.branches]
            # All before the first branch, which may write over the index.
            for number, node in enumerate(nodes):
                self._tell(branch_condition(self._target), [index, count, node, number])
            bodies = [self.gpu.conditional_node(self._stream, n, IF, 1)[0] for n in nodes]
        for body, branch in zip(bodies, choice.branches, strict=True):
            with self._within(body):
                self._put(branch)

    @contextmanager
    def _within(self, body: int) -> Iterator[None]:
        """Records in the graph of a node's body."""
        around, driver = self._stream, self.gpu.driver
        self._depth += 1
        self._stream = stream = self.gpu.body_stream(self._depth)
        driver.begin_capture_to(stream, body)
        try:
            yield
        finally:
            driver.end_capture(stream)
            self._stream, self._depth = around, self._depth - 1

    def _tell(self, code: CudaCode, words: Sequence[int]) -> None:
        self.gpu.tell(code, words, self._stream)


__all__ = ["Recorder", "can_be_recorded"]
