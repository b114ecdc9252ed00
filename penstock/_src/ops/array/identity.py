"""Ops that return their input: identities, copies, checks, and gradient barriers."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects, Elements, HostKernel, Slices, Values
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import ANY, FLOAT
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import in_float32


class _Identity(Op):
    """The input itself."""

    signature = "input: T -> output: T[input]"
    slices = Slices(accepted=True)
    T = ANY
    elements = Elements(is_elementwise=True, passes_on=True)

    def held(self, input):
        return input.handle_data

    def gradient(self, _input, _output, dy):
        return dy

    def eager(self, input):
        return input

    def lower(self, p, input):
        return input


class Identity(_Identity):
    """The input itself."""

    host_kernel = HostKernel(is_view=True)
    elements = Elements(is_movement=True)
    values = Values(eager_is_exact=True, has_static_value=True)


class _EagerConst(_Identity):
    """The input, which TensorFlow marks as computed outside of a function."""

    is_abstract = False
    host_kernel = HostKernel(is_view=True)
    elements = Elements(is_movement=True)
    values = Values(has_static_value=True)

    def gradient(self, _input, _output, _dy):
        raise AssertionError(
            "_EagerConst: this op should never interact with gradient APIs. Please file a bug."
        )


class Snapshot(_Identity):
    """The current value of the input."""

    host_kernel = HostKernel(is_view=True)
    gradient = None


class GuaranteeConst(_Identity):
    """The input, which the user guarantees to be constant."""

    host_kernel = HostKernel(is_view=True)

    stateful = True
    effects = Effects(leaves_nothing=True)
    gradient = None

    def eager(self, input):
        if self.T == dtypes.resource:
            raise self.invalid("Input tensor cannot be a resource variable handle.")
        return input


class DebugGradientIdentity(_Identity):
    """The input; marks a gradient for the debugger."""


class StopGradient(_Identity):
    """The input, without a gradient."""

    host_kernel = HostKernel(is_view=True)
    differentiable = False
    values = Values(keeps_finite=True, has_static_value=True)


class PreventGradient(_Identity):
    """The input; asking for a gradient through it is an error."""

    host_kernel = HostKernel(is_view=True)

    message: str = ""

    def gradient(self, _input, _output, _dy):
        raise LookupError(
            f"Gradient explicitly disabled. Reason: {self.message}"
            if self.message
            else "Gradient explicitly disabled."
        )


class IdentityN(Op):
    """The inputs themselves."""

    signature = "input: *T -> output: *T[input]"
    T = ANY
    slices = Slices(accepted=True)
    vectorize = "rows"
    values = Values(keeps_finite=True)
    elements = Elements(passes_on=True)

    def gradient(self, _input, _output, dys):
        return dys

    def eager(self, input):
        return list(input)

    def lower(self, p, input):
        return list(input)


class _Copy(_Identity):
    """A copy of the input."""

    tensor_name: str = ""
    debug_ops_spec: list[str] = []

    def eager(self, input):
        return input.copy() if isinstance(input, np.ndarray) else input


class Copy(_Copy):
    """A copy of the input on its device."""

    host_kernel = HostKernel(is_view=True)
    gradient = None


class CopyHost(_Copy):
    """A copy of the input in the host's memory."""

    gradient = None


class DeepCopy(Op):
    """A copy of the input that shares nothing with it."""

    signature = "x: T -> y: T[x]"
    host_kernel = HostKernel(is_view=True)
    T = ANY
    stateful = True
    effects = Effects(leaves_nothing=True)

    def eager(self, x):
        return x.copy() if isinstance(x, np.ndarray) else x

    def lower(self, p, x):
        return x


# -- checks ----------------------------------------------------------------------------------------


class CheckNumerics(Op):
    """The tensor, checked to have no infinite or NaN elements."""

    signature = "tensor: T -> output: T[tensor]"
    host_kernel = HostKernel(is_view=True)
    T = FLOAT
    message: str
    stateful = True
    effects = Effects(leaves_nothing=True)
    elements = Elements(is_elementwise=True, passes_on=True)
    values = Values(keeps_finite=True)

    def gradient(self, _tensor, _output, dy):
        return raw.CheckNumerics(
            dy, message="Not a number (NaN) or infinity (Inf) values detected in gradient."
        )

    def eager(self, tensor):
        wide = in_float32(tensor)
        if not np.isfinite(wide).all():
            raise self.invalid(f"{self.message} : Tensor had {self.found(wide)} values")
        return tensor

    def found(self, x):
        """Returns the names of the kinds of bad values."""
        kinds = [(np.isinf(x), "Inf"), (np.isnan(x), "NaN")]
        return " and ".join(name for present, name in kinds if present.any())

    def lower(self, p, tensor):
        if not hasattr(p, "check"):
            raise NotLowerable("checks")
        fine = p.reduce_all(p.is_finite(tensor))
        p.check(fine, f"{self.op_type}: {self.message} : Tensor had NaN or Inf values")
        return tensor


class CheckNumericsV2(CheckNumerics):
    """CheckNumerics with the sign of infinities in its message."""

    def found(self, x):
        kinds = [(np.isneginf(x), "-Inf"), (np.isposinf(x), "+Inf"), (np.isnan(x), "NaN")]
        names = [name for present, name in kinds if present.any()]
        if len(names) == 3:
            return "-Inf, +Inf, and NaN"
        return " and ".join(names)
