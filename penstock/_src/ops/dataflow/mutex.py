"""Mutexes for critical sections."""

import threading

from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.values import kernel_state, resources
from penstock._src.core.values.resources import Resource


class Mutex(Resource):
    """A lock with a name."""

    def __init__(self, name="", container=""):
        super().__init__(name, container)
        self.lock = threading.Lock()


class _Held:
    """A held lock; it is released when this object is consumed or deleted."""

    def __init__(self, mutex):
        mutex.lock.acquire()
        self._mutex = mutex

    def release(self):
        """Releases the lock."""
        mutex, self._mutex = self._mutex, None
        if mutex is not None:
            mutex.lock.release()

    def __del__(self):
        self.release()


class MutexV2(Op):
    """The handle of the mutex with this name; without a name, of a new one or the node's own."""

    signature = "-> resource: resource[]"
    container: str = ""
    shared_name: str = ""

    def eager(self):
        def make():
            return Mutex(self.shared_name, self.container)

        if self.shared_name:
            manager = resources.manager()
            return manager.get_or_create(Mutex, self.container, self.shared_name, make)
        if not kernel_state.in_graph():
            return make()
        return kernel_state.of_running_node(make)


class MutexLock(Op):
    """Acquires a mutex, which is held until the result is consumed or deleted."""

    signature = "mutex: resource -> mutex_lock: variant[]"
    effects = Effects(holds_until_consumed=True, may_wait=True)

    def eager(self, mutex):
        if not isinstance(mutex, Mutex):
            raise self.invalid(f"expected the handle of a mutex. Received {mutex!r}")
        return _Held(mutex)


class ConsumeMutexLock(Op):
    """Releases a mutex."""

    signature = "mutex_lock: variant ->"
    stateful = True

    def eager(self, mutex_lock):
        if not isinstance(mutex_lock, _Held):
            raise self.invalid(f"expected what MutexLock gives. Received {mutex_lock!r}")
        mutex_lock.release()
