"""tf.mlir.experimental.run_pass_pipeline: passes over modules as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import lookup
from penstock._src.formats.graph_def.mlir.parsed import Function, Module, Operation, closing, parse
from penstock._src.util.export import export

Pass = Callable[[Module], None]


@export("mlir.experimental.run_pass_pipeline")
def run_pass_pipeline(mlir_txt: str, pass_pipeline: str, show_debug_info: bool = False) -> str:
    """Returns a module after passes, with its values renumbered.

    Args:
      mlir_txt: a module of functions whose operations have no regions, such as `convert_function` writes.
      pass_pipeline: names with commas: `cse` makes equal operations one, `canonicalize` leaves out what is not read and puts each constant first and
        once (TensorFlow's also has rules for single operations), `symbol-dce` leaves out private functions that are not called, and
        `tf-standard-pipeline` does all of these; `func.func(...)` holds passes of functions.
      show_debug_info: accepted if False.

    Returns:
      The text of the module.

    Raises:
      InvalidArgumentError: the text is not a module, or a bracket of the pipeline is not closed.
      UnimplementedError: another pass, debug info, or operations with regions.

    >>> module = '''module {
    ...   func.func @main(%arg0: tensor<f32>) -> tensor<f32> {
    ...     %0 = "tf.Exp"(%arg0) {device = ""} : (tensor<f32>) -> tensor<f32>
    ...     %1 = "tf.Exp"(%arg0) {device = ""} : (tensor<f32>) -> tensor<f32>
    ...     %2 = "tf.AddV2"(%0, %1) {device = ""} : (tensor<f32>, tensor<f32>) -> tensor<f32>
    ...     return %2 : tensor<f32>
    ...   }
    ... }'''
    >>> tf.mlir.experimental.run_pass_pipeline(module, "cse").count("tf.Exp")
    1
    """
    if show_debug_info:
        raise UnimplementedError("run_pass_pipeline: show_debug_info is not implemented.")
    module = parse(mlir_txt)
    for each in list(_passes(pass_pipeline, False)):
        each(module)
    for function in module.functions:
        _number(function)
    return module.text()


def _passes(pipeline: str, is_in_function: bool) -> Iterator[Pass]:
    for name, inner in _named(pipeline):
        if inner is not None:
            if name == "func.func" and not is_in_function:
                yield from _passes(inner, True)
            elif name != "builtin.module":  # there are no modules within the module
                raise UnimplementedError(
                    f"run_pass_pipeline: passes of {name} are not implemented."
                )
        elif name in _OF_FUNCTIONS:
            yield _over_functions(_OF_FUNCTIONS[name])
        elif name in _OF_MODULES and not is_in_function:
            yield from _OF_MODULES[name]
        else:
            known = ", ".join(sorted([*_OF_FUNCTIONS, *_OF_MODULES]))
            raise UnimplementedError(
                f"run_pass_pipeline: the pass '{name}' is not implemented: there are {known}."
            )


def _named(pipeline: str) -> Iterator[tuple[str, str | None]]:
    """The names of a pipeline, with what stands in brackets after them."""
    rest = pipeline.strip()
    while rest:
        name = re.match(r"[\w.-]+", rest)
        if name is None:
            raise InvalidArgumentError(f"run_pass_pipeline: not a pipeline: {pipeline!r}.")
        rest, inner = rest[name.end() :].lstrip(), None
        if rest.startswith("("):
            end = closing(rest, 0)
            inner, rest = rest[1 : end - 1], rest[end:].lstrip()
        yield name[0], inner
        if rest and not rest.startswith(","):
            raise InvalidArgumentError(f"run_pass_pipeline: not a pipeline: {pipeline!r}.")
        rest = rest[1:].lstrip()


def _over_functions(change: Callable[[Function], None]) -> Pass:
    def over(module: Module) -> None:
        for function in module.functions:
            change(function)

    return over


def _has_no_effect(op: Operation) -> bool:
    """True if an operation may be left out if nothing reads it, and done once for all that do."""
    if not op.name.startswith("tf."):
        return False
    known = lookup(op.name.removeprefix("tf."))
    return known is not None and not known.stateful


def _merge_equal(function: Function) -> None:
    """Makes equal operations one."""
    first: dict[Any, Operation] = {}
    same: dict[str, str] = {}
    kept = []
    for op in function.operations:
        op.operands = [_renamed(value, same) for value in op.operands]
        if op.result and _has_no_effect(op):
            earlier = first.setdefault((op.name, tuple(op.operands), op.attributes, op.types), op)
            if earlier is not op:
                same[op.result] = earlier.result
                continue
        kept.append(op)
    function.operations = kept
    _leave_out_unread(function)


def _leave_out_unread(function: Function) -> None:
    """Leaves out operations without effects whose results nothing reads."""
    read: set[str] = set()
    kept = []
    for op in reversed(function.operations):
        if not op.result or op.result in read or not _has_no_effect(op):
            kept.append(op)
            read.update(value.partition("#")[0] for value in op.operands)
    function.operations = kept[::-1]


def _canonicalize(function: Function) -> None:
    """Removes unused operations, and moves each constant to the front, once."""
    _leave_out_unread(function)
    constants: dict[tuple[str, str], Operation] = {}
    same: dict[str, str] = {}
    others = []
    for op in function.operations:
        if op.name == "tf.Const":
            earlier = constants.setdefault((op.attributes, op.types), op)
            same[op.result] = earlier.result
        else:
            others.append(op)
    for op in others:
        op.operands = [_renamed(value, same) for value in op.operands]
    function.operations = [*constants.values(), *others]


def _leave_out_uncalled(module: Module) -> None:
    """Leaves out private functions that no public one calls, directly or through others."""
    by_name = {function.name: function for function in module.functions}
    pending = [function for function in module.functions if function.is_public]
    reached = {function.name for function in pending}
    while pending:
        for name in pending.pop().symbols() & by_name.keys() - reached:
            reached.add(name)
            pending.append(by_name[name])
    module.functions = [function for function in module.functions if function.name in reached]


def _renamed(value: str, names: dict[str, str]) -> str:
    name, hash_, number = value.partition("#")
    return f"{names.get(name, name)}{hash_}{number}"


def _number(function: Function) -> None:
    """Numbers the values of a function: %cst, %cst_0 ... for constants, %0, %1 ... for others."""
    names: dict[str, str] = {}
    constants = others = 0
    for op in function.operations:
        op.operands = [_renamed(value, names) for value in op.operands]
        if op.result and op.name == "tf.Const":
            new = f"%cst_{constants - 1}" if constants else "%cst"
            constants += 1
        elif op.result:
            new, others = f"%{others}", others + 1
        else:
            continue
        names[op.result] = op.result = new


_OF_FUNCTIONS: dict[str, Callable[[Function], None]] = {
    "canonicalize": _canonicalize,
    "cse": _merge_equal,
}
_OF_MODULES: dict[str, Sequence[Pass]] = {
    "symbol-dce": (_leave_out_uncalled,),
    "tf-standard-pipeline": (
        _over_functions(_canonicalize),
        _over_functions(_merge_equal),
        _leave_out_uncalled,
    ),
}
