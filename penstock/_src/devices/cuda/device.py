"""The GPU as a device: the first card of this machine, and programs that run on it."""

import functools
import threading

from penstock._src.compiler.plan.memory_need import check_memory
from penstock._src.compiler.plan.plan import Plan
from penstock._src.devices.cuda.driver.calls import Driver, open_library
from penstock._src.devices.cuda.driver.card import Card, Imager
from penstock._src.devices.cuda.kernels.generator import CudaGenerator
from penstock._src.devices.cuda.kernels.language import CudaCode
from penstock._src.devices.cuda.program import CudaProgram
from penstock._src.devices.cuda.ptx import ptx_of
from penstock._src.devices.cuda.target import CONCURRENT, target_of
from penstock._src.util.process import forks


@functools.cache
def generator_for(architecture: str) -> CudaGenerator:
    """The one that has written for an architecture so far."""
    return CudaGenerator(target_of(architecture))


def ptx_image(code: CudaCode) -> bytes:
    """What a driver loads: PTX, which it compiles and keeps in a cache of its own."""
    return ptx_of(code).encode() + b"\0"


class CudaDevice:
    """A card of a driver, which is looked for when it is first used.

    `library` opens libcuda, or what stands for it; `image` gives what it loads of a kernel.
    """

    computes = True
    threads = CONCURRENT

    def __init__(self, name: str, library=open_library, image: Imager = ptx_image):
        self.name = name
        self._library, self._image = library, image
        self._lock = forks.freed_in_child(threading.Lock())
        self._card: Card | None = None

    @property
    def card(self) -> Card:
        """The card."""
        with self._lock:
            if self._card is None:
                driver = Driver(self._library())
                driver.start()
                self._card = Card(driver, 0, self._image)
            return self._card

    @property
    def generator(self) -> CudaGenerator:
        return generator_for(self.card.architecture.name)

    def load(self, plan: Plan) -> CudaProgram:
        check_memory(plan)
        return CudaProgram(plan, self.card)


DEVICE = CudaDevice("GPU")
