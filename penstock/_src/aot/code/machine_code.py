"""Modules of LLVM IR as one object: parsed, joined, reduced to the called functions."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import llvmlite.binding as llvm

from penstock._src.core.errors import InternalError
from penstock._src.native import Code

_SYMBOLS = 2  # the kind of a section of ELF


def parsed(text: str, machine: llvm.TargetMachine, context: Any) -> llvm.ModuleRef:
    """A module of a target.

    Raises:
      InternalError: the text is not a module.
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
    """Return the name of a kernel's function in the whole module."""
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


def undefined(code: bytes, module: llvm.ModuleRef) -> list[str]:
    """Functions that an object calls and does not define: from ELF's symbol table; for other formats, the module's declarations."""
    if code[:4] == b"\x7fELF":
        return _undefined_in_elf(code)
    declared = (f for f in module.functions if f.is_declaration)
    return sorted(f.name for f in declared if not f.name.startswith("llvm."))


def _undefined_in_elf(code: bytes) -> list[str]:
    """The undefined symbols of a little-endian ELF object."""
    is_wide = code[4] == 2
    header = struct.Struct("<16sHHIQQQIHHHHHH" if is_wide else "<16sHHIIIIIHHHHHH").unpack_from(
        code
    )
    section = struct.Struct("<IIQQQQIIQQ" if is_wide else "<IIIIIIIIII")
    sections = [section.unpack_from(code, header[6] + i * header[11]) for i in range(header[12])]
    symbol = struct.Struct("<IBBHQQ" if is_wide else "<IIIBBH")
    symbols = set()
    for kind, at, size, link in ((s[1], s[4], s[5], s[6]) for s in sections):
        if kind != _SYMBOLS:
            continue
        names = sections[link][4]
        for place in range(at, at + size, symbol.size):
            fields = symbol.unpack_from(code, place)
            name = names + fields[0]
            if fields[3 if is_wide else 5] == 0 and code[name]:
                symbols.add(code[name : code.index(b"\0", name)].decode())
    return sorted(symbols)
