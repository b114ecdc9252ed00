"""Send and receive: tensors passed by name."""

import queue
import threading

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.core.typesets import ANY
from penstock._src.util.process import forks

_LOCK = forks.freed_in_child(threading.Lock())
_SENT: dict[tuple, queue.SimpleQueue] = {}


def _channel(op):
    """The pending tensors of one name between two devices."""
    key = (op.tensor_name, op.send_device, op.send_device_incarnation, op.recv_device)
    with _LOCK:
        return _SENT.setdefault(key, queue.SimpleQueue())


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

    def eager(self):
        return _channel(self).get()
