"""A GPU in use: its context, its stream, its memory and its loaded kernels."""

import hashlib
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import ResourceExhaustedError
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.devices.gpu.cuda.driver.calls import (
    MAJOR,
    MINOR,
    MULTIPROCESSORS,
    Driver,
)
from penstock._src.devices.gpu.cuda.driver.control import Control, control_of
from penstock._src.devices.gpu.cuda.driver.feeding import Feeder
from penstock._src.devices.gpu.cuda.driver.memory import (
    LEAST,
    SPARE_SHARE,
    DeviceMemory,
    MemoryUse,
    SpareMemory,
)
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.devices.gpu.target import Architecture, architecture_of
from penstock._src.native.cache import ObjectCache
from penstock._src.native.cache.sources import OF_OBJECTS, digest_of
from penstock._src.util.process import forks
from penstock._src.version import OWN_VERSION

PATIENCE = 2e-5  # seconds between polls of a GPU that may wait for others
# The state of the sources that write text for drivers and call them: an installation without sources is known by its version.
_CALLERS = digest_of(("devices/gpu/cuda", *OF_OBJECTS)) or OWN_VERSION
Imager = Callable[[CudaCode], bytes]  # the text of a code that a driver links


class Gpu:
    """One device of a driver. Calls of one GPU are put into one stream, so they run in order.

    `physical` is the driver's number, `number` that of the logical device: several may share one GPU.
    """

    def __init__(self, driver: Driver, physical: int, image: Imager, number: int = 0):
        self.driver, self.image, self.number = driver, image, number
        self.physical = physical
        self.device = driver.device(physical)
        self.name = driver.name(self.device)
        self.capability = (
            driver.attribute(self.device, MAJOR),
            driver.attribute(self.device, MINOR),
        )
        self.multiprocessors = driver.attribute(self.device, MULTIPROCESSORS)
        self.total_memory = driver.total_memory(self.device)
        self.use, self.spare = MemoryUse(), SpareMemory()
        self._context = driver.context(self.device)
        self.lock = forks.freed_in_child(threading.RLock())
        self.dropped: list[tuple[int, int]] = []  # memory to give back: address, bytes
        # memory lent to other libraries, and records of libraries whose memory was used here
        self.given: list[Any] = []
        self.releases: list[Callable[[], object]] = []
        self._functions: dict[tuple[str, str], int] = {}
        self._feeder: Feeder | None = None  # made when arrays are first copied in the background
        self._body_streams: list[int] = []
        self.find_nccl: Callable[[], Any] = lambda: None
        self.watched: list[
            Callable[[], object]
        ] = []  # each raises the failure of another process, while the GPU may be waiting for it
        with self.lock:
            driver.use(self._context)
            self.stream = driver.stream()
            self._reached = driver.event()  # marks a point in its stream that others wait for

    @property
    def architecture(self) -> Architecture:
        """The architecture that kernels are compiled for."""
        return architecture_of(*self.capability)

    def activate(self) -> None:
        """Makes this GPU the calling thread's current one, and frees memory that is not referenced any more."""
        self.driver.use(self._context)
        if self.given or self.releases:
            self._end_sharing()
        while self.dropped:
            address, size = self.dropped.pop()
            self.use.current -= size
            if self.spare.bytes + size > self.total_memory // SPARE_SHARE:
                self.driver.free(address, self.stream)
            else:
                self.spare.put(address, size)

    def _end_sharing(self) -> None:
        """Releases memory that was shared with other libraries, once all work of the GPU is done."""
        releases, reading = self.releases[:], [lent for lent in self.given if not lent.has_ended]
        if not releases and len(reading) == len(self.given):
            return
        # All streams: a library that gives memory back may still read it in its own.
        self.driver.wait_for_all()
        del self.releases[: len(releases)]
        self.given = reading
        for release in releases:
            release()

    @property
    def feeder(self) -> Feeder:
        """The feeder, which copies arrays of the host to this GPU while it computes."""
        with self.lock:
            if self._feeder is None:
                self._feeder = Feeder(self)
            return self._feeder

    def let_wait(self, stream: int) -> None:
        """Makes another stream wait for all work put into this GPU's so far."""
        self.driver.record(self._reached, self.stream)
        self.driver.wait_in_stream(stream, self._reached)

    def allocate(self, size: int, wanted: int | None = None) -> "DeviceMemory":
        """Memory of the GPU, returned to the pool when it is not referenced any more; at the wanted address if that is free."""
        size = max(-(-size // LEAST) * LEAST, LEAST)
        return DeviceMemory(self, self.with_room(lambda: self._taken(size, wanted)), size)

    def with_room(self, take: Callable[[], int]) -> int:
        """take(), which allocates memory; if that fails, cached memory is freed and it is called once more."""
        try:
            return take()
        except ResourceExhaustedError:
            if not self._give_back():
                raise
        return take()

    def _taken(self, size: int, wanted: int | None) -> int:
        self.use.take(size)
        try:
            address = self.spare.take(size, wanted)
            return self.driver.allocate(size, self.stream) if address is None else address
        except BaseException:
            self.use.current -= size
            raise

    def _give_back(self) -> bool:
        """Frees unreferenced memory; returns True if there was any."""
        addresses = self.spare.take_all() if self.spare.bytes else ()
        for address in addresses:
            self.driver.free(address, self.stream)
        staged = 0 if self._feeder is None else self._feeder.give_back()
        return bool(addresses) or staged > 0

    def memory_of(self, array: DeviceArray) -> DeviceMemory:
        """This GPU's memory with the elements of an array, copied here if it is elsewhere.

        The caller holds the GPU's lock, and `resources.UPDATING` before it if the array may be on another GPU.
        """
        memory = array.memory
        if isinstance(memory, DeviceMemory) and memory.gpu is self:
            return memory
        copy = self.allocate(array.nbytes)
        if isinstance(memory, DeviceMemory):
            self._take(memory, copy, array.nbytes)
        else:
            self.feeder.upload([(copy, np.ascontiguousarray(array.on_host()))])
            if array.device == self.number:
                array.memory = copy
        return copy

    def _take(self, source: DeviceMemory, target: DeviceMemory, size: int) -> None:
        """Copies from another GPU, in that GPU's stream, so that memory which that stream frees meanwhile is unchanged until then."""
        other, driver = source.gpu, self.driver
        with other.lock:
            driver.record(self._reached, self.stream)  # the target's memory is there
            driver.use(other._context)
            driver.wait_in_stream(other.stream, self._reached)
            contexts = self._context, other._context
            driver.copy_between(
                target.address, contexts[0], source.address, contexts[1], size, other.stream
            )
            driver.record(other._reached, other.stream)
            driver.use(self._context)
            driver.wait_in_stream(self.stream, other._reached)

    def function(self, code: CudaCode, name: str) -> int:
        """A kernel, loaded at first use."""
        key = (code.key, name)
        if key not in self._functions:
            module = self.driver.load(self._cubin(code))
            for exported in code.exports:
                function = self.driver.function(module, exported)
                if code.dynamic:
                    self.driver.allow_shared(function, code.shared)
                self._functions[code.key, exported] = function
        return self._functions[key]

    def _cubin(self, code: CudaCode) -> bytes:
        """The machine code that the driver compiles for this kind of GPU, kept on disk for later processes."""
        # Another driver may compile the same text to other machine code, or reject the old one.
        made_for = self.name, self.capability, self.driver.version(), _CALLERS
        key = hashlib.sha256(f"{code.key} {made_for}".encode()).hexdigest()
        cache = ObjectCache.from_flags()
        cubin = cache.read(key)
        if cubin is None:
            cubin = self.driver.link(self.image(code))
            cache.write(key, cubin)
        return cubin

    # -- graphs
    @forks.cached_property
    def control(self) -> Control:
        """The way in which results on the GPU control loops and branches."""
        return control_of(self.driver.version())

    def capture(self, put: Callable[[], object]) -> "Graph":
        """Records the work that a function puts into the GPU's stream as a graph, instead of doing it."""
        self.driver.begin_capture(self.stream)
        try:
            put()
        except BaseException:
            # A stream that is left in capture would record all later work.
            self.driver.drop_capture(self.stream)
            raise
        graph = Graph(self, self.driver.end_capture(self.stream))
        graph.make_ready()
        return graph

    def tell(self, code: CudaCode, words: Sequence[int], stream: int) -> None:
        """Puts a kernel of one thread with these words into a stream; it also runs after a check has failed."""
        context, tasks, ended = (
            np.array(words, np.int64),
            np.ones(1, np.int64),
            np.zeros(1, np.int64),
        )
        arguments = [int(a.ctypes.data) for a in (context, tasks, ended)]
        self.driver.launch(self.function(code, "task"), 1, code.threads, arguments, stream)

    def condition(self, stream: int) -> int:
        """A number for a conditional node of the graph that a stream is recorded in."""
        return self.driver.condition(stream, self._context)

    def conditional_node(self, stream: int, condition: int, kind: int, size: int) -> list[int]:
        """Records a conditional node; gives the graphs of its bodies."""
        return self.driver.conditional_node(stream, self._context, condition, kind, size)

    def body_stream(self, depth: int) -> int:
        """A stream for capturing the body of a node at this depth, counted from 1, as the streams of the nodes around it are in use."""
        while len(self._body_streams) < depth:
            self._body_streams.append(self.driver.stream())
        return self._body_streams[depth - 1]

    @property
    def nccl(self) -> Any:
        """The collectives of several GPUs; None if NCCL is not installed."""
        return self.find_nccl()

    def read(self, target: np.ndarray, source: int) -> None:
        """Copies from the GPU to a host array, which is complete after `wait`."""
        self._watch()  # the driver waits in the call for all that comes before, and looks at nothing
        self.driver.to_host(target.ctypes.data, source, target.nbytes, self.stream)

    def wait(self) -> None:
        """Waits for all work of the GPU.

        Raises:
          OpError: another process that the GPU waits for has failed.
        """
        self._watch()
        self.driver.wait(self.stream)
        for check in self.watched:
            check()

    def _watch(self) -> None:
        """Waits for work of the GPU that may depend on others, and polls meanwhile whether they fail."""
        while self.watched and not self.driver.is_done(self.stream):
            for check in self.watched:
                check()
            time.sleep(PATIENCE)


class Graph:
    """Recorded work of a GPU, which one call launches.

    The driver's graph is kept with its executable form: bodies of conditional nodes belong to the graph.
    """

    def __init__(self, gpu: Gpu, handle: int):
        self.gpu, self.handle, self.ready = gpu, handle, 0
        self._end = weakref.finalize(self, gpu.driver.free_graph, handle, 0)
        self._end.atexit = False

    def make_ready(self) -> None:
        """Makes it ready to be launched."""
        self.ready = self.gpu.driver.instantiate(self.handle)
        # One finalizer for both, in the driver's order: the executable first.
        self._end.detach()
        self._end = weakref.finalize(self, self.gpu.driver.free_graph, self.handle, self.ready)
        self._end.atexit = False

    def launch(self) -> None:
        """Puts all of it into the GPU's stream."""
        self.gpu.driver.launch_graph(self.ready, self.gpu.stream)
