"""Inline assembly of a kernel as calls: of a function for each text and kinds of operands, which leaves them in memory for the service."""

import re

from penstock._src.devices.gpu.emulator import state
from penstock._src.native.language.types import I32, I64, PTR, VOID

_CALL = re.compile(
    r'call (void|i64|\{ [^}]* \}) asm sideeffect "([^"]*)", "([^"]*)"\((.*)\) convergent nounwind$',
    re.M,
)
# Warps of a warpgroup run these in step: the service waits until all threads ask.
_TOGETHER = re.compile(r"\bwgmma\.|^setmaxnreg\.")
ADDRESS = "cvta.to.shared.u64 $0, $1;"  # which native code does alone
_DECLARED = (
    "declare void @penstock.emulator.assembly(i64, ptr, ptr, i64)",
    "declare i64 @penstock.emulator.shared_address(ptr)",
)
_WIDENED = {I32: "zext i32 {} to i64", PTR: "ptrtoint ptr {} to i64"}


def without_assembly(text: str) -> tuple[str, str, list[str]]:
    """(the IR with calls in place of assembly, the called functions, the texts that they replace)."""
    texts: list[str] = []
    functions: dict[tuple[str, str, str], str] = {}

    def replaced(match: re.Match[str]) -> str:
        result, assembly, _, arguments = match.groups()
        types = [x.split()[0] for x in arguments.split(", ") if x]
        key = result, assembly, ", ".join(types)
        if key not in functions:
            name = f"assembly{len(functions)}"
            if assembly not in texts:
                texts.append(assembly)
            functions[key] = _function(name, result, assembly, types, texts.index(assembly))
        name = f"assembly{list(functions).index(key)}"
        return f"call {result} @{name}({arguments})"

    text = _CALL.sub(replaced, text)
    return text, "\n".join([*_DECLARED, *functions.values()]) if functions else "", texts


def _function(name: str, result: str, assembly: str, types: list[str], number: int) -> str:
    """The function of an instruction: operands first, then the sums that it changes."""
    head = f"define internal {result} @{name}({', '.join(f'{t} %a{i}' for i, t in enumerate(types))}) #0 {{"
    # An address needs no order of threads, so that the service is not asked for it.
    if assembly == ADDRESS:
        return (
            f"{head}\n  %x = call i64 @penstock.emulator.shared_address(ptr %a0)\n  ret i64 %x\n}}"
        )
    parts = [] if result == VOID else result.strip("{} ").split(", ")
    operands = len(types) - len(parts)
    lines = [f"%operands = alloca [{operands + 1} x i64], align 8"]
    for i, ty in enumerate(types[:operands]):
        x = f"%a{i}"
        if ty != I64:
            lines.append(f"%wide{i} = {_WIDENED[ty].format(x)}")
            x = f"%wide{i}"
        lines += [
            f"%operand{i} = getelementptr i64, ptr %operands, i64 {i}",
            f"store i64 {x}, ptr %operand{i}",
        ]
    ty = parts[0] if parts else I64
    lines.append(f"%sums = alloca [{len(parts) + 1} x {ty}], align 8")
    for i in range(len(parts)):
        lines += [
            f"%sum{i} = getelementptr {ty}, ptr %sums, i64 {i}",
            f"store {ty} %a{operands + i}, ptr %sum{i}",
        ]
    status = state.IN_WARPGROUP if _TOGETHER.search(assembly) else state.REQUESTS_ALONE
    lines.append(
        f"call void @penstock.emulator.assembly(i64 {number}, ptr %operands, ptr %sums, i64 {status})"
    )
    last = "poison"
    for i in range(len(parts)):
        lines += [
            f"%found{i} = load {ty}, ptr %sum{i}",
            f"%result{i} = insertvalue {result} {last}, {ty} %found{i}, {i}",
        ]
        last = f"%result{i}"
    lines.append("ret void" if result == VOID else f"ret {result} {last}")
    return "\n  ".join([head, *lines]) + "\n}"
