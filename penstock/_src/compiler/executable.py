"""An Executable: a pruned graph, called with host values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.compiler.blocks.block import Block, BlockStep
from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialization import Specialization
from penstock._src.compiler.host.steps import HostStep
from penstock._src.core.calls.placement import number_for
from penstock._src.core.dispatch import STATE
from penstock._src.core.values.device_array import on_host
from penstock._src.graph.operation import Operation
from penstock._src.native.cache.packs import Pack

if TYPE_CHECKING:
    from penstock._src.compiler.blocks.steps import ProgramStep
    from penstock._src.compiler.explain.report import Report


class Executable:
    """The result of `compile_graph`. Call it with one host value for each input; it returns one for each output.

    Operations are lowered at the first call: programs are specialized for the shapes of the inputs.
    """

    def __init__(
        self,
        name: str,
        needed: Callable[[], Sequence[Operation]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        states: dict[Any, Any],
        why_host: str = "",
        pack: Pack | None = None,
    ) -> None:
        """`needed` returns the operations; it is called again for new shapes, as gradients may have added to the graph. `pack` has object code."""
        self.name = name
        self.inputs, self.outputs = list(inputs), list(outputs)
        self._section = Section(name, (), self.inputs, self.outputs, states, why_host, pack=pack)
        self._needed = needed
        self.block = Block(self._section, needed)
        self.run = self.block.__call__  # a call of this object, without a further frame

    @property
    def ops(self) -> Sequence[Operation]:
        return self.block.operations()

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        return self.run(values)

    @property
    def host_ops(self) -> dict[str, str]:
        """Operations that ran on the host in some specialization so far: name -> why."""
        reasons: dict[str, str] = {}
        for step in self.steps():
            if isinstance(step, HostStep):
                reasons[step.op.name] = step.why
        return reasons

    def blocks(self) -> list[Block]:
        """The blocks that execute the graph."""
        return [self.block]

    def specializations(self) -> Iterator[Specialization]:
        """Every specialization made so far, each followed by nested ones."""
        pending = self.blocks()
        seen = set(pending)
        while pending:
            block = pending.pop(0)
            for specialization in block.forms():
                yield specialization
                inner = [s.block for s in specialization.steps if isinstance(s, BlockStep)]
                pending += [b for b in dict.fromkeys(inner) if b not in seen]
                seen.update(inner)

    def steps(self) -> Iterator[Any]:
        """Every step of every specialization made so far."""
        for specialization in self.specializations():
            yield from specialization.steps

    def programs(self) -> list[ProgramStep]:
        """Every program made so far."""
        # Imported only when needed: programs of packs are other steps.
        from penstock._src.compiler.blocks.steps import ProgramStep

        return [s for s in self.steps() if isinstance(s, ProgramStep)]

    def explain(self, run: Callable[[], None] | None = None) -> Report:
        """A report: programs, their kernels and the user's lines they come from, and the host operations with their reasons.

        With `run`, which calls this executable, it has the times of kernels and host operations.
        """
        # Imported here: most programs are never explained.
        from penstock._src.compiler.explain.collect import explanation
        from penstock._src.compiler.explain.measure import measured
        from penstock._src.compiler.explain.report import Report

        known = explanation(self)
        return Report(known if run is None else measured(known, run))

    def text(self, stage: str = "primitives") -> str:
        """The text of the programs made so far, at a stage.

        Args:
          stage: "graph", "primitives" (also TensorFlow's "hlo" and "optimized_hlo"), "launches", "llvm" or "assembly".

        Raises:
          ValueError: there is no such stage.
        """
        # Imported only when needed.
        from penstock._src.compiler.explain.stage_text import NAMES, STAGES

        if stage == "graph":
            return "\n".join(str(op) for op in self.ops)
        shown = STAGES.get(NAMES.get(stage, stage))
        if shown is None:
            known = ", ".join(("graph", *STAGES, *NAMES))
            raise ValueError(f"stage: expected one of {known}. Received '{stage}'.")
        texts = []
        for program in self.programs():
            with program.compiled.extents:
                texts.append(shown(program.compiled))
        return "\n\n".join(texts)


class PlacedExecutable(Executable):
    """An Executable while PENSTOCK_DEVICE names GPUs: a call runs on one of them, or the CPU. Operations may name others.

    `home` is the device number of calls without a device; None: the device of `tf.device`, else the first GPU.
    """

    def __init__(self, *arguments: Any, home: int | None = None) -> None:
        super().__init__(*arguments)
        self.home = home
        self._blocks: dict[int, Block] = {}
        self.run = self._run_for_host

    def blocks(self) -> list[Block]:
        """The block of each device that was called."""
        return list(self._blocks.values())

    def _run_for_host(self, values: Sequence[Any]) -> list[Any]:
        home = number_for(STATE.device, 0, self.name) if self.home is None else self.home
        return list(map(on_host, self.run_there(values, home)))

    def run_there(self, values: Sequence[Any], device: int) -> list[Any]:
        """Computes on a device.

        Args:
          values: a host value or DeviceArray for each input.
          device: the number of the device.

        Returns:
          A host value or DeviceArray for each output.
        """
        block = self._blocks.get(device)
        if block is None:
            section = dataclasses.replace(self._section, device=device)
            block = self._blocks.setdefault(device, Block(section, self._needed))
        return block(values)
