"""The GPU as a device: the first GPU of this machine, and programs that run on it."""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.plan.memory_need import check_memory
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import FailedPreconditionError, OpError
from penstock._src.devices.gpu.cuda.diagnosis import diagnose
from penstock._src.devices.gpu.cuda.driver.calls import Driver, open_library
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu, Imager
from penstock._src.devices.gpu.cuda.nccl.calls import Nccl, find_library, opened
from penstock._src.devices.gpu.cuda.ptx import ptx_of
from penstock._src.devices.gpu.kernels.generator import CudaGenerator
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.devices.gpu.program import CudaProgram
from penstock._src.devices.gpu.target import CONCURRENT, target_of
from penstock._src.util.process import forks


@functools.cache
def generator_for(architecture: str) -> CudaGenerator:
    """The cached generator of an architecture."""
    return CudaGenerator(target_of(architecture))


def ptx_image(code: CudaCode) -> bytes:
    """The image that a driver links: PTX."""
    return ptx_of(code).encode() + b"\0"


class Gpus:
    """The GPUs of a driver, as the logical devices into which the program divides them; the driver is opened at first use."""

    def __init__(
        self,
        name: str,
        library: Callable[[], Any],
        image: Imager,
        collectives: Callable[[Any], Any] = lambda _: find_library(),
    ) -> None:
        self.name = name
        self._library, self._image, self._collectives = library, image, collectives
        self._lock = forks.freed_in_child(threading.RLock())
        self._driver: Driver | None = None
        self._division: list[tuple[int, int | None]] | None = None
        self._gpus: dict[int, Gpu] = {}

    @property
    def driver(self) -> Driver:
        """The driver.

        Raises:
          FailedPreconditionError: no driver can be used; the message gives the reason and the remedy.
        """
        with self._lock:
            if self._driver is None:
                driver = self._explained(lambda: Driver(self._library()))
                self._explained(driver.start)
                # Only once it has started: a driver that fails is opened again by the next call.
                self._driver = driver
            return self._driver

    @forks.cached_property
    def nccl(self) -> Nccl | None:
        """The collectives of several GPUs; None if NCCL is not installed."""
        library = self._collectives(self.driver.library)
        return None if library is None else opened(library)

    @property
    def physical(self) -> int:
        """The number of physical GPUs."""
        return self._explained(self.driver.count)

    @property
    def division(self) -> list[tuple[int, int | None]]:
        """For each logical device the index of its GPU, and the limit of its memory in bytes."""
        if self._division is None:
            self._division = [(i, None) for i in range(self.physical)]
        return self._division

    def divide(self, division: Sequence[tuple[int, int | None]]) -> None:
        """Sets the division. GPUs already in use as the same logical device are kept."""
        with self._lock:
            old, self._division = self.division, list(division)
            # Their memory and programs stay valid, so only the limit changes.
            same = [i for i, (a, b) in enumerate(zip(old, self._division)) if a[0] == b[0]]
            # The others live on with their arrays and programs, and are asked for no more.
            self._gpus = {i: self._gpus[i] for i in same if i in self._gpus}
            for i, gpu in self._gpus.items():
                gpu.use.limit = self._division[i][1]

    def gpu(self, number: int) -> Gpu:
        """The GPU of a logical device."""
        with self._lock:
            if number not in self._gpus:
                physical, limit = self.division[number]
                gpu = self._explained(lambda: Gpu(self.driver, physical, self._image, number))
                gpu.find_nccl = lambda: self.nccl
                gpu.use.limit = limit
                self._gpus[number] = gpu
            return self._gpus[number]

    def physical_gpu(self, number: int) -> Gpu:
        """A GPU by its number for the driver; the first logical device on it if there is one."""
        with self._lock:
            for logical, (physical, _) in enumerate(self.division):
                if physical == number:
                    return self.gpu(logical)
            return self._explained(lambda: Gpu(self.driver, number, self._image))  # type: ignore[no-any-return]

    def _explained(self, call: Callable[[], Any]) -> Any:
        """The result of a call; if it fails, the error explains why no GPU can be used."""
        try:
            return call()
        except (OSError, OpError) as error:
            diagnosis = diagnose()
            text = str(diagnosis) if diagnosis.hindrance else str(error)
            raise FailedPreconditionError(
                None, None, f"PENSTOCK_DEVICE={self.name}: {text}"
            ) from error


class CudaDevice:
    """A GPU of a driver, opened at first use.

    `library` opens libcuda, or its emulator; `image` converts a kernel's code to the form that it loads; `collectives` opens libnccl, if available.
    """

    computes = True
    threads = CONCURRENT
    overlaps_streams = False
    load_open = None

    def __init__(
        self,
        name: str,
        library: Callable[[], Any] = open_library,
        image: Imager = ptx_image,
        gpus: Gpus | None = None,
        number: int = 0,
        collectives: Callable[[Any], Any] = lambda _: find_library(),
    ) -> None:
        self.name, self.number = name, number
        self.gpus = gpus or Gpus(name, library, image, collectives)
        self._numbered: dict[int, CudaDevice] = {0: self} if gpus is None else {}

    @property
    def count(self) -> int:
        """The number of logical devices."""
        return len(self.gpus.division)

    def numbered(self, number: int) -> "CudaDevice":
        """Another logical device of the same driver."""
        device = self._numbered.get(number)
        if device is None:
            device = CudaDevice(self.name, gpus=self.gpus, number=number)
            self._numbered[number] = device
        return device

    @property
    def gpu(self) -> Gpu:
        """The GPU.

        Raises:
          FailedPreconditionError: no GPU can be used; the message gives the reason and the remedy.
        """
        return self.gpus.gpu(self.number)

    @property
    def generator(self) -> CudaGenerator:
        return generator_for(self.gpu.architecture.name)

    def load(self, plan: Plan) -> CudaProgram:
        check_memory(plan)
        return CudaProgram(plan, self.gpu)


DEVICE = CudaDevice("GPU")
