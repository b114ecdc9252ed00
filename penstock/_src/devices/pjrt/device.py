"""The first device of a PJRT plugin as a device of Penstock's."""

import threading

from penstock._src.compiler.plan.plan import Plan
from penstock._src.devices.pjrt.api import Api
from penstock._src.devices.pjrt.client import Client
from penstock._src.devices.pjrt.plugin import find_plugin
from penstock._src.devices.pjrt.program import PjrtProgram
from penstock._src.util.process import forks


class PjrtDevice:
    """A device that takes functions as StableHLO; its plugin is opened when it is first used."""

    name, computes, generator, threads = "PJRT", True, None, 1
    overlaps_streams = False
    load_open = None

    def __init__(self) -> None:
        self._lock = forks.freed_in_child(threading.Lock())
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The plugin's client.

        Raises:
          FailedPreconditionError: there is no plugin, or it finds no device.
        """
        with self._lock:
            if self._client is None:
                self._client = Client(Api(find_plugin()))
            return self._client

    def load(self, plan: Plan) -> PjrtProgram:
        return PjrtProgram(plan, self.client)


DEVICE = PjrtDevice()
