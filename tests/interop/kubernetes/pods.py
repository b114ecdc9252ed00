"""The life of a pod: what a kubelet does with its container."""

import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from tests.interop.kubernetes.containers import Container
from tests.interop.kubernetes.manifests import PodSpec, Probe


@dataclass(frozen=True)
class Ending:
    """How a pod ended: its container's status, the seconds from SIGTERM on, whether it had to be killed, and the status of preStop."""

    status: int
    seconds: float
    killed: bool
    before_stop: int


class Pod:
    """A pod that is probed until it is deleted.

    Args:
      spec: its manifest.
      address: of its network namespace.
      start: starts a container.

    Attributes:
      container: the one that runs now.
      restarts: how often it was replaced, as it had ended or failed its probes.
      is_ready: True while the readiness probe succeeds.
    """

    def __init__(self, spec: PodSpec, address: str, start: Callable[[], Container]) -> None:
        self.spec, self.address, self._start = spec, address, start
        self.container = start()
        self.restarts, self.is_ready, self.began = 0, False, time.monotonic()
        self._deleted = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        while not self._deleted.is_set():
            self._probe_container()
            self.is_ready = False
            if not self._deleted.is_set():
                self.container.signal(signal.SIGKILL)
                self.container.wait(10)
                self.restarts += 1
                self.container = self._start()

    def _probe_container(self) -> None:
        """Probes the container until it has to be replaced, or the pod is deleted."""
        if not self._wait_for_start():
            return
        ready = threading.Thread(target=self._keep_ready, args=(self.container,), daemon=True)
        ready.start()
        failures, probe = 0, self.spec.liveness
        while not self._deleted.wait(probe.period) and self.container.status() is None:
            failures = 0 if self.asks(probe) else failures + 1
            if failures >= probe.failures:
                return

    def _wait_for_start(self) -> bool:
        probe = self.spec.startup
        for _ in range(probe.failures):
            if self._deleted.wait(probe.period) or self.container.status() is not None:
                return False
            if self.asks(probe):
                return True
        return False

    def _keep_ready(self, container: Container) -> None:
        probe, failures = self.spec.readiness, 0
        while self.container is container and not self._deleted.is_set():
            failures = 0 if self.asks(probe) else failures + 1
            if failures in (0, probe.failures):
                self.is_ready = not failures
            self._deleted.wait(probe.period)
        if self.container is container:
            self.is_ready = False

    def asks(self, probe: Probe) -> bool:
        """True if a probe succeeds now."""
        url = f"http://{self.address}:{probe.port}{probe.path}"
        try:
            with urllib.request.urlopen(url, timeout=probe.timeout) as reply:
                return 200 <= reply.status < 400
        except (OSError, urllib.error.URLError):
            return False

    def wait_ready(self, timeout: float) -> bool:
        """True once the pod is ready, False if the time is over."""
        until = time.monotonic() + timeout
        while not self.is_ready and time.monotonic() < until:
            time.sleep(0.05)
        return self.is_ready

    def delete(self) -> Ending:
        """Ends the pod as a kubelet does: preStop, SIGTERM, and SIGKILL after the grace period."""
        begun = time.monotonic()
        self._deleted.set()
        self._thread.join()
        before_stop = self.container.execute(*self.spec.before_stop)
        told = time.monotonic()
        self.container.signal(signal.SIGTERM)
        status = self.container.wait(max(0.0, self.spec.grace - (told - begun)))
        ended = time.monotonic()
        if status is not None:
            return Ending(status, ended - told, False, before_stop)
        self.container.signal(signal.SIGKILL)
        status = self.container.wait(10)
        assert status is not None, "a killed container has not ended"
        return Ending(status, ended - told, True, before_stop)
