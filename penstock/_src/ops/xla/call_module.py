"""XlaCallModule: a StableHLO module as one op, through which JAX's functions run in TensorFlow."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import HostKernel
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY
from penstock._src.ir.immediate import ImmediateBuilder
from penstock._src.ops.xla.translation.translate import Translation
from penstock._src.ops.xla.versions import SUPPORTED
from penstock._src.stablehlo.bytecode.reader import read_module
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode
from penstock._src.stablehlo.module import HloModule
from penstock._src.stablehlo.verify import verify

PLATFORM = "CPU"


@functools.lru_cache(maxsize=64)
def parsed(data: bytes) -> HloModule:
    """Returns the module of an artifact."""
    try:
        return verify(read_module(data))
    except MalformedBytecode as error:
        raise InvalidArgumentError(f"XlaCallModule: {error}") from error


class XlaCallModule(Op):
    """The results of the function "main" of a serialized StableHLO module."""

    signature = "args: *Tin -> output: *Tout[*Sout]"
    stateful = True
    host_kernel = HostKernel(is_program=True)
    version: int
    module: bytes
    Sout: list[TensorShape]
    Tout: [ANY]
    Tin: [ANY]
    dim_args_spec: list[str] = []
    platforms: list[str] = []
    function_list: list[Function] = []
    has_token_input_output: bool = False
    disabled_checks: list[str] = []
    use_shardy_partitioner: bool = False

    def eager(self, args):
        p = ImmediateBuilder()
        arguments = [p.known_array(value, dtype) for value, dtype in zip(args, self.Tin)]
        results = self._translate(p, arguments)
        return [np.array(p.value(node)) for node in results]

    def lower(self, p, args):
        return self._translate(p, args)

    def _translate(self, p, arguments):
        """The results as nodes of a builder."""
        if self.version not in SUPPORTED:
            raise InvalidArgumentError(
                f"XlaCallModuleOp: expected a version from {SUPPORTED[0]} to {SUPPORTED[-1]}. "
                f"Received {self.version}."
            )
        platforms = [str(name).upper() for name in self.platforms]
        if PLATFORM not in platforms and platforms and not self._is_off("platform"):
            raise NotFoundError(
                f"The current platform {PLATFORM} is not among the platforms required by the "
                f"module: [{', '.join(platforms)}]",
            )
        if len(platforms) > 1:
            index = platforms.index(PLATFORM) if PLATFORM in platforms else 0
            arguments = [p.constant(index, dtypes.int32), *arguments]
        results = Translation(parsed(self.module), p).main(arguments)
        dtypes_of_results = [node.dtype for node in results]
        if dtypes_of_results != list(self.Tout):
            names = [[dtype.name for dtype in types] for types in (self.Tout, dtypes_of_results)]
            raise InvalidArgumentError(
                f"XlaCallModule: expected results of types {names[0]}. The module has {names[1]}."
            )
        return results

    def _is_off(self, check):
        return any(check in str(name) for name in self.disabled_checks)
