"""A deployment: replicas behind a proxy, and rolling updates of them (maxUnavailable 0, maxSurge 1)."""

import threading
import time
from collections.abc import Callable

from tests.interop.kubernetes.manifests import PodSpec
from tests.interop.kubernetes.pods import Ending, Pod
from tests.interop.kubernetes.proxy import Proxy

# Seconds until proxies have learned that a pod is being deleted; meanwhile its preStop command sleeps.
_ENDPOINT_DELAY = 1.0


class Deployment:
    """Pods of one specification that a proxy sends requests to.

    Args:
      proxy: in front of them.
      addresses: that pods may have.
      start: makes a pod of a specification at an address.

    Attributes:
      pods: those that are not being deleted.
      endings: how deleted pods ended.
    """

    def __init__(
        self, proxy: Proxy, addresses: list[str], start: Callable[[PodSpec, str], Pod]
    ) -> None:
        self._proxy, self._start, self._free = proxy, start, list(addresses)
        self.pods: list[Pod] = []
        self.endings: list[Ending] = []
        self._deleting: list[threading.Thread] = []

    def scale(self, spec: PodSpec, count: int, timeout: float) -> None:
        """Adds or deletes pods until there are so many that are ready."""
        while len(self.pods) < count:
            assert self._add(spec, timeout) is not None, "a pod did not become ready"
        while len(self.pods) > count:
            self._delete(self.pods[-1])

    def update(self, spec: PodSpec, timeout: float) -> bool:
        """Replaces the pods one by one; False if a new one did not become ready, whereupon the old ones stay."""
        for old in list(self.pods):
            if self._add(spec, timeout) is None:
                return False
            self._delete(old)
        return True

    def settle(self) -> None:
        """Waits until pods that are being deleted have ended."""
        for thread in self._deleting:
            thread.join()
        self._deleting.clear()

    def _add(self, spec: PodSpec, timeout: float) -> Pod | None:
        while not self._free:  # the address of a pod that is being deleted
            time.sleep(0.05)
        address = self._free.pop(0)
        pod = self._start(spec, address)
        if not pod.wait_ready(timeout):
            pod.delete()
            self._free.append(address)
            return None
        self.pods.append(pod)
        self._proxy.add(address)
        return pod

    def _delete(self, pod: Pod) -> None:
        self.pods.remove(pod)
        threading.Timer(_ENDPOINT_DELAY, self._proxy.remove, [pod.address]).start()

        def work() -> None:
            self.endings.append(pod.delete())
            self._free.append(pod.address)

        thread = threading.Thread(target=work)
        thread.start()
        self._deleting.append(thread)
