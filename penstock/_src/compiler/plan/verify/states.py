"""Old states of loops, and other parameters whose memory gets results: nothing reads one after its memory has another value.

`order.py` compares buffers; a state and its next value have one buffer, so that it cannot tell them apart.
"""

from collections.abc import Mapping

from penstock._src.compiler.kernels.kernel import Kernel
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.verify.domain import fail
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node


class StateVerifier:
    """Raises InternalError if a kernel reads a parameter of a function after another value was stored over it.

    Args:
      function: the function whose kernels are launched, in order.
      buffers: the buffers of nodes, by id; more are added while kernels are launched.
    """

    def __init__(self, function: Function, buffers: Mapping[int, Buffer]) -> None:
        self._buffers = buffers
        # One of each buffer: a state has its own.
        self._parameters = {id(buffers[p.id]): p for p in function.parameters if p.id in buffers}
        self._overwritten: dict[int, str] = {}  # ids of parameters: the kernel that stored there

    def look_at(self, kernel: Kernel) -> None:
        """Verifies a kernel, before it is launched."""
        for read in map(home, kernel.inputs):
            if read.id in self._overwritten:
                fail(kernel, f"{read!r} is read after {self._overwritten[read.id]} stored over it")
        for output in kernel.outputs:
            parameter = self._parameter_at(output.id)
            if parameter is None or output.kind != "dynamic_update_slice":
                continue
            base = home(output.args[0])
            begins_elsewhere = base is not parameter and self._parameter_at(base.id) is None
            if begins_elsewhere and any(home(x) is parameter for x in kernel.inputs):
                fail(kernel, f"{base!r} is copied over {parameter!r} before the kernel reads it")

    def note(self, kernel: Kernel) -> None:
        """Notes the parameters over which a launched kernel stored."""
        for output in kernel.outputs:
            parameter = self._parameter_at(home(output).id)
            if parameter is not None:
                self._overwritten[parameter.id] = kernel.label

    def _parameter_at(self, node: int) -> Node | None:
        """The parameter in whose buffer a node is."""
        buffer = self._buffers.get(node)
        parameter = None if buffer is None else self._parameters.get(id(buffer))
        return None if parameter is None or parameter.id == node else parameter
