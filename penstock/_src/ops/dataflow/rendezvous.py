"""Send and receive: tensors passed by name."""

import collections
import threading
from typing import Any

from penstock._src.core.calls import deadlines
from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.util.process import forks

_LOCK = forks.freed_in_child(threading.Lock())
_SENT: dict[tuple, "_Channel"] = {}


class _Channel:
    """Tensors that were sent and not received yet."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._tensors: collections.deque[Any] = collections.deque()

    def put(self, tensor: Any) -> None:
        with self._condition:
            self._tensors.append(tensor)
            self._condition.notify()

    def get(self) -> Any:
        """Waits for a tensor, until the deadline of the run."""
        with self._condition:
            deadlines.wait_for(self._condition, lambda: bool(self._tensors))
            return self._tensors.popleft()


def _channel(op):
    """The pending tensors of one name between two devices."""
    key = (op.tensor_name, op.send_device, op.send_device_incarnation, op.recv_device)
    with _LOCK:
        return _SENT.setdefault(key, _Channel())


class Send(Op):
    """Sends a tensor."""

    signature = "tensor: T ->"
    T = ANY
    tensor_name: str
    send_device: str
    send_device_incarnation: int
    recv_device: str
    client_terminated: bool = False
    stateful = True

    def eager(self, tensor):
        _channel(self).put(tensor)


class Recv(Op):
    """Waits for a tensor that was sent."""

    signature = "-> tensor: tensor_type[...]"
    tensor_type: DType
    tensor_name: str
    send_device: str
    send_device_incarnation: int
    recv_device: str
    client_terminated: bool = False
    stateful = True
    effects = Effects(may_wait=True)

    def eager(self):
        return _channel(self).get()
