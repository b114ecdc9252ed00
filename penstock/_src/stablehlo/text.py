"""A module as text: MLIR's generic form of operations, which every reader of StableHLO takes.

%0 = "stablehlo.add"(%arg0, %arg1) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.stablehlo.grouping import attributes_of
from penstock._src.stablehlo.module import HloBlock, HloModule, HloOperation, HloValue
from penstock._src.stablehlo.spelling import attribute, pairs, results_text, symbol, type_text

_INDENT = "  "


def print_module(module: HloModule) -> str:
    """Returns a module's text."""
    lines = [f"module{_module_attributes(module)} {{"]
    for function in module.functions.values():
        lines += [_INDENT + line for line in _Printer().function(function)]
    return "\n".join([*lines, "}", ""])


def _module_attributes(module: HloModule) -> str:
    if not module.attributes:
        return ""
    return f" attributes {attribute(module.attributes)}"


class _Printer:
    """Names values while it prints one function."""

    def __init__(self) -> None:
        self.names: dict[HloValue, str] = {}
        self.arguments = self.results = 0

    def function(self, operation: HloOperation) -> list[str]:
        block = operation.regions[0].block
        notes: Sequence[Any] = operation.attributes.get("arg_attrs") or ({},) * len(block.arguments)
        parameters = [
            f"{self.argument(value)}: {type_text(value.type)}{_note(note)}"
            for value, note in zip(block.arguments, notes)
        ]
        outputs = operation.attributes["function_type"].outputs
        notes = operation.attributes.get("res_attrs") or ({},) * len(outputs)
        results = [f"{type_text(t)}{_note(note)}" for t, note in zip(outputs, notes)]
        visibility = operation.attributes.get("sym_visibility")
        head = f"func.func {f'{visibility} ' if visibility else ''}@{symbol(str(operation.attribute('sym_name')))}"
        head += f"({', '.join(parameters)})"
        if results:
            head += f" -> ({', '.join(results)})"
        return [head + " {", *self.body(block, "func.return"), "}"]

    def argument(self, value: HloValue) -> str:
        self.names[value] = f"%arg{self.arguments}"
        self.arguments += 1
        return self.names[value]

    def body(self, block: HloBlock, last: str) -> list[str]:
        lines = []
        for operation in block.operations:
            is_last = operation is block.operations[-1]
            lines += [_INDENT + line for line in self.operation(operation, last if is_last else "")]
        return lines

    def operation(self, operation: HloOperation, name: str = "") -> list[str]:
        dialect = "func" if operation.name == "call" else "stablehlo"
        text = self._results(operation) + f'"{name or f"{dialect}.{operation.name}"}"'
        text += f"({', '.join(self.names[v] for v in operation.operands)})"
        own = {k: attribute(v) for k, v in sorted(attributes_of(operation).items())}
        inputs = ", ".join(type_text(v.type) for v in operation.operands)
        outputs = results_text([v.type for v in operation.results])
        tail = f"{f' {{{pairs(own)}}}' if own else ''} : ({inputs}) -> {outputs}"
        if not operation.regions:
            return [text + tail]
        lines = [text + " ({"]
        for number, region in enumerate(operation.regions):
            if number:
                lines.append("}, {")
            lines += self._region(region.block)
        return [*lines, "})" + tail]

    def _results(self, operation: HloOperation) -> str:
        if not operation.results:
            return ""
        name, count = f"%{self.results}", len(operation.results)
        self.results += 1
        for number, value in enumerate(operation.results):
            self.names[value] = name if count == 1 else f"{name}#{number}"
        return f"{name}{f':{count}' if count > 1 else ''} = "

    def _region(self, block: HloBlock) -> list[str]:
        parameters = ", ".join(f"{self.argument(v)}: {type_text(v.type)}" for v in block.arguments)
        return [f"^bb0({parameters}):", *self.body(block, "stablehlo.return")]


def _note(note: Any) -> str:
    return f" {attribute(note)}" if note else ""
