"""Reports the compiled programs of a function, by a call that does not change its variables."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.api.array.creation import zeros
from penstock._src.core.specs import TensorSpec
from penstock._src.core.values.resources import VariableHandle
from penstock._src.function.concrete import ConcreteFunction

# Key of `GraphFunction.derived`: the function on the shards of DTensors that ran last, set by distribute/dtensor/spmd.
LAST_PARTITION = "function on shards that ran last"


@contextlib.contextmanager
def variables_unchanged(tensors: Sequence[Any]) -> Iterator[None]:
    """A context that restores the values of the variables among tensors at its end."""
    values = [getattr(tensor, "_value", None) for tensor in tensors]
    before = [(h, h.value) for h in values if isinstance(h, VariableHandle) and h.value is not None]
    try:
        yield
    finally:
        for handle, value in before:
            handle.value = value
            handle.version += 1


def compile_now(concrete: ConcreteFunction, tensors: Sequence[Any]) -> Any:
    """The Executable of a function, with the programs that a call with these arguments needs; of DTensors, on their shards."""
    tensors = [_example(tensor) if isinstance(tensor, TensorSpec) else tensor for tensor in tensors]
    concrete.graph_function.derived.pop(LAST_PARTITION, None)
    with variables_unchanged([*tensors, *concrete.captured_inputs]):
        concrete.call_flat(tensors)
    partition = concrete.graph_function.derived.get(LAST_PARTITION)
    return (concrete.graph_function if partition is None else partition.function).executable


def _example(spec: TensorSpec) -> Any:
    """Zeros of a spec.

    Raises:
      ValueError: its shape is not known.
    """
    if not spec.shape.is_fully_defined():
        raise ValueError(
            f"A function is compiled for a tensor whose shape is known, but got {spec}: give a tensor, or a "
            "TensorSpec without None."
        )
    return zeros(spec.shape, spec.dtype)


def explain_call(concrete: ConcreteFunction, tensors: Sequence[Any], time: bool) -> Any:
    """The report of the programs that a call with these arguments runs; with `time`, some more calls are made and measured."""
    executable = compile_now(concrete, tensors)

    def run() -> None:
        with variables_unchanged([*tensors, *concrete.captured_inputs]):
            concrete.call_flat(tensors)

    report = executable.explain(run if time else None)
    partition = concrete.graph_function.derived.get(LAST_PARTITION)
    if partition is None or not partition.gathered:
        return report
    notes = (f"made whole before: {', '.join(partition.gathered)} (no rule for these on shards)",)
    return type(report)(dataclasses.replace(report.known, notes=notes))


def stage_printer(executable: Any) -> Callable[..., str]:
    """The function that `experimental_get_compiler_ir` returns."""

    def text(
        stage: str = "hlo", device_name: str | None = None, platform_name: str | None = None
    ) -> str:
        """The programs at a stage.

        Args:
          stage: "hlo", "optimized_hlo" or "primitives", which is Penstock's form of both; "stablehlo", which XLA reads;
            "graph"; "launches", the kernels in order; "llvm"; "assembly"; "report", as `explain` gives it.
          device_name: accepted; there is one device.
          platform_name: accepted.

        Raises:
          ValueError: there is no such stage. XLA's serialized protocol buffers and its DOT graphs are not written.
        """
        del device_name, platform_name
        return executable.explain() if stage == "report" else executable.text(stage)

    return text
