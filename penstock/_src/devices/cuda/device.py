"""The GPU as a device: the first card of this machine, and programs that run on it."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from penstock._src.compiler.plan.memory_need import check_memory
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import FailedPreconditionError, OpError
from penstock._src.devices.cuda.diagnosis import diagnose
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
    """What a driver links: PTX."""
    return ptx_of(code).encode() + b"\0"


class CudaDevice:
    """A card of a driver, which is looked for when it is first used.

    `library` opens libcuda, or what stands for it; `image` gives what it links of a kernel.
    """

    computes = True
    threads = CONCURRENT
    has_lanes = False

    def __init__(
        self, name: str, library: Callable[[], Any] = open_library, image: Imager = ptx_image
    ) -> None:
        self.name = name
        self._library, self._image = library, image
        self._lock = forks.freed_in_child(threading.Lock())
        self._card: Card | None = None

    @property
    def card(self) -> Card:
        """The card.

        Raises:
          FailedPreconditionError: there is none that can be used; the message says why and what to do.
        """
        with self._lock:
            if self._card is None:
                self._card = self._opened()
            return self._card

    def _opened(self) -> Card:
        """The first device of the library."""
        try:
            driver = Driver(self._library())
            driver.start()
            return Card(driver, 0, self._image)
        except (OSError, OpError) as error:
            found = diagnose()
            text = str(found) if found.hindrance else str(error)
            raise FailedPreconditionError(
                None, None, f"PENSTOCK_DEVICE={self.name}: {text}"
            ) from error

    @property
    def generator(self) -> CudaGenerator:
        return generator_for(self.card.architecture.name)

    def load(self, plan: Plan) -> CudaProgram:
        check_memory(plan)
        return CudaProgram(plan, self.card)


DEVICE = CudaDevice("GPU")
