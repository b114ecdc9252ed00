"""Proofs that a function computes each row of a batch from that row alone, so that requests can be computed together.

A graph is lowered as for a call, with a symbol for the number of rows. It is proven if the rows pass independently through every primitive
(ir/meaning/rows.py) to the results and to the conditions of checks, and if no decision while lowering depended on their number. The decisions about
other extents are the conditions of the proof. Of joined rows a check may only ask whether a condition holds for each of them: then a batch fails
exactly if one of its requests would, and its requests are computed alone (serving/batching/execution.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.compiler.blocks.block import Block
from penstock._src.compiler.blocks.input_form import InputForm
from penstock._src.compiler.blocks.inputs import ProgramInputs
from penstock._src.compiler.blocks.specialize import Reasons
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.lower.lowering import Lowering
from penstock._src.ir.errors import LoweringDefect, NotLowerable
from penstock._src.ir.extents import dims, guards
from penstock._src.ir.extents.guards import Bounds, Recording
from penstock._src.ir.extents.values import Expression
from penstock._src.ir.function import Function
from penstock._src.ir.meaning.rows import ROWS, MixedRows, Rows, conjuncts, infer_rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives import PRIMITIVES

_COUNT = "b0"


class RowProof:
    """A proof that the results for each row depend on that row alone.

    Args:
      form: the inputs that it is for.
      conditions: on their extents, the number of rows among them.
    """

    def __init__(self, form: InputForm, conditions: Mapping[Expression, Bounds]) -> None:
        self._form, self._conditions = form, conditions

    def admits(self, values: Sequence[Any], most: int) -> bool:
        """True if the proof holds for inputs of such shapes with any number of rows from 1 to `most`.

        Args:
          values: the block's inputs, with `ROWS` rows.
          most: the largest number of rows.
        """
        extents = self._form.extents(values)
        return extents is not None and self.broken(extents.symbols, most) is None

    def broken(self, extents: Mapping[str, int], most: int) -> str | None:
        """A condition that does not hold for some number of rows, as text; None if all hold."""
        for expression, bounds in self._conditions.items():
            counts = range(1, most + 1) if _COUNT in dims.symbols(dims.of(expression)) else (ROWS,)
            for count in counts:
                if not bounds.holds(dims.evaluate(expression, {**extents, _COUNT: count})):
                    return guards.text({expression: bounds})
        return None


def prove(block: Block, values: Sequence[Any], batched: int, most: int) -> RowProof:
    """Returns a proof for a block.

    Args:
      block: to prove it for.
      values: its inputs; the first ones have `ROWS` rows along their first axis, only their shapes matter.
      batched: the number of these.
      most: the largest number of rows.

    Raises:
      MixedRows: there is no proof; the message names the operation.
    """
    count = dims.Dim.symbol(_COUNT)
    with Recording({_COUNT: ROWS}) as recording:
        p = LoweringContext()
        inputs = ProgramInputs(p, {})
        inputs.symbols[0, ROWS] = count
        results = _lowered(block, inputs, values)
        states: dict[int, Rows | None] = {parameter.id: None for parameter in inputs.parameters}
        for node_id, position in inputs.positions.items():
            if position < batched:
                states[node_id] = Rows(0)
        function = p.function(block.section.name, inputs.parameters, results)
        _require_no_effects(function, inputs)
        checked = [node for check in function.checks for node in conjuncts(check.condition)]
        rows_of_nodes = infer_rows([*results, *checked], PRIMITIVES, count, states)
        for result, rows in zip(results, rows_of_nodes):  # the other nodes may lack rows
            _require_rows(result, rows, count)
        p.forget()
    proof = RowProof(inputs.form, recording.conditions)
    broken = proof.broken(recording.symbols, most)
    if broken is not None:
        raise MixedRows(f"the operations to run depend on the number of rows: {broken}")
    return proof


def _lowered(block: Block, inputs: ProgramInputs, values: Sequence[Any]) -> list[Node]:
    """The nodes of a block's outputs.

    Raises:
      MixedRows: an operation runs on the host.
    """
    with block.changing:
        block.update_operations()
        section = block.section
    lowering = Lowering(inputs.p)
    for position, (tensor, value) in enumerate(zip(section.inputs, values, strict=True)):
        lowering.values[tensor._id] = inputs.leaf(position, tensor, value, False)
    reasons = Reasons(section)
    for op in section.ops:
        why = reasons.why(op)
        if why is not None:
            raise MixedRows(f"{op.name}: {why}")
        try:
            lowering.lower(op)
        except (NotLowerable, LoweringDefect) as error:
            raise MixedRows(f"{op.name}: {error}") from error
    results = [lowering.values[tensor._id] for tensor in section.outputs]
    for tensor, result in zip(section.outputs, results, strict=True):
        if not isinstance(result, Node):
            raise MixedRows(f"{tensor.name}: its size depends on data")
    return results  # type: ignore[return-value]


def _require_no_effects(function: Function, inputs: ProgramInputs) -> None:
    """Raises MixedRows if a run changes more than its results, or differs from the next one.

    Joined requests are one run: of a random stream they would get the numbers of one request.
    """
    if function.updates or function.exchanges:
        raise MixedRows(f"{function.name}: assigns variables, or exchanges with other processes")
    if any(kind == "call" for kind, _ in inputs.sources):
        raise MixedRows(f"{function.name}: draws from a random stream")


def _require_rows(result: Node, rows: Rows | None, count: dims.Dim) -> None:
    """Raises MixedRows unless the first axis of a result has the rows."""
    if rows is None or rows.axis != 0 or not dims.same(result.shape[0], count):
        raise MixedRows("a result has no row for each row of the inputs")
