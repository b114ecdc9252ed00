"""The stub of tf.raw_ops: every op as a function of keyword arguments."""

import inspect
from typing import Any

from .functions import default_text, summary
from .spelling import Speller

ATTRIBUTES = {
    "bool": "bool",
    "int": "int",
    "float": "float",
    "string": "str | bytes",
    "type": "DTypeLike",
    "shape": "ShapeLike",
}


def _result(op: Any) -> str:
    if len(op.outputs) != 1:
        return "Any"
    output = op.outputs[0]
    several = getattr(output, "number_attr", None) or getattr(output, "type_list_attr", None)
    return "list[Tensor]" if several else "Tensor"


def op_text(name: str, op: Any, signature: inspect.Signature, speller: Speller) -> str:
    """The function of one op."""
    inputs = {argument.name for argument in op.inputs}
    words = []
    for parameter in signature.parameters.values():
        kind = "TensorLike" if parameter.name in inputs else "Any"
        if parameter.name == "name":
            kind = "str | None"
        elif isinstance(parameter.default, bool):
            kind = "bool"
        elif type(parameter.default) is int:
            kind = "int"
        word = f"{parameter.name}: {speller.text(kind)}"
        if parameter.default is not inspect.Parameter.empty:
            word += f" = {default_text(parameter.default, speller, frozenset())}"
        words.append(word)
    document = summary(op)
    body = f"\n    {document}" if document else " ..."
    return f"def {name}(*, {', '.join(words)}) -> {speller.text(_result(op))}:{body}\n"
