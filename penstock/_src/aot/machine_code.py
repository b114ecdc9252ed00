"""Modules of LLVM IR as one object: parsed, joined, cut down to what is called."""

from collections.abc import Iterable, Sequence
from typing import Any

import llvmlite.binding as llvm

from penstock._src.core.errors import InternalError
from penstock._src.native import Code


def parsed(text: str, machine: llvm.TargetMachine, context: Any) -> llvm.ModuleRef:
    """A module of a target.

    Raises:
      InternalError: the text is no module.
    """
    try:
        module = llvm.parse_assembly(text, context)
    except RuntimeError as error:
        raise InternalError(f"LLVM could not read the generated code: {error}") from error
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    return module


def joined(
    text: str, codes: Sequence[Code], prefix: str, machine: llvm.TargetMachine
) -> llvm.ModuleRef:
    """A module with kernels linked in: the exports of code i are called `prefix` i `_` name there."""
    context = llvm.create_context()
    module = parsed(text, machine, context)
    for number, code in enumerate(codes):
        kernel = parsed(code.text, machine, context)
        for name in code.exports:
            kernel.get_function(name).name = kernel_name(prefix, number, name)
        module.link_in(kernel)
    return module


def kernel_name(prefix: str, number: int, name: str) -> str:
    """What a kernel's function is called in the whole module."""
    return f"{prefix}{number}_{name}"


def finished(module: llvm.ModuleRef, machine: llvm.TargetMachine, public: Iterable[str]) -> bytes:
    """The object of a module in which only `public` names are seen from outside, and nothing else is left that they do not use."""
    kept = set(public)
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name not in kept:
            value.linkage = "internal"
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(0))
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    module.verify()
    return machine.emit_object(module)


def undefined(module: llvm.ModuleRef) -> list[str]:
    """Functions that a module calls and does not have."""
    return sorted(
        f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")
    )
