"""A GPU kernel as one for this CPU: the same LLVM IR, with every load and store checked.

The differences are the calling convention, the location of shared memory and the functions for intrinsics. Each is a text pattern that our own
generators write in one form only.
"""

import re

from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu.emulator.asynchronous.assembly import without_assembly
from penstock._src.devices.gpu.families.table import FAMILIES
from penstock._src.devices.gpu.target import ARCHITECTURES, WARP
from penstock._src.native import WrittenCode, host
from penstock._src.native.language.types import size_of

_SHARED = re.compile(
    r"^@shared = internal addrspace\(3\) global \[(\d+) x i8\] undef, align 16$", re.M
)
_DYNAMIC = re.compile(r"^@shared = external addrspace\(3\) global \[0 x i8\], align 1024$", re.M)
_NOTES = re.compile(r"^!.*$", re.M)
_ATTRIBUTES = re.compile(r"^attributes #0 = .*$", re.M)
_LOAD = re.compile(r"^(\s*%\S+ = load )([^,]+), ptr ([^,]+)(,.*)?$")
_STORE = re.compile(r"^(\s*store )(<[^>]+>|\S+) (.+), ptr ([^,]+)(, align.*)?$")
_ALIGNED = re.compile(r", align (\d+)$")
_CONTEXT = re.compile(r"getelementptr (?:inbounds )?i64, ptr (?:%ctx|@table_\w+),")
_MAPS = re.compile(r" byval\(\[16 x i64\]\) align 64")
_INTRINSICS = re.compile(r"@llvm\.(nvvm|amdgcn)\.")
# for AMD's kernels: converts their context to a generic pointer
_ENTRY = (
    "%ctx = addrspacecast ptr addrspace(4) %words to ptr",
    "%ctx = getelementptr i8, ptr %words, i64 0",
)
_GENERIC = "addrspacecast (ptr addrspace(3) @shared to ptr)"


class EmulatedKernel:
    """A kernel's code for this CPU.

    name      of the function
    code      which takes the address of its context, the number of blocks, and where a check puts its code
    words     of the context
    threads   of a block
    wavefront threads that go together
    maps      number of its tensor maps
    shared    bytes of shared memory that it has without asking; the function "shared_memory" gives its address
    assembly  texts of inline assembly, by the number that the kernel passes
    """

    def __init__(self, text: str, name: str):
        heads = {m["name"]: m for family in FAMILIES.values() for m in family.heads.finditer(text)}
        if name not in heads:
            raise InternalError(None, None, f"No kernel {name!r} among {sorted(heads)}.")
        self.name = name
        head = heads[name].groupdict()
        self.words, self.threads = int(head["words"]), int(head["threads"])
        self.maps = head["maps"].count("%map")
        self.wavefront = int(head.get("wavefront", WARP))
        shared = _SHARED.search(text)
        self.shared = int(shared[1]) if shared else 0
        text, functions, self.assembly = without_assembly(text)
        whole = f"{translated(text)}\n{functions}"
        self.code = WrittenCode(whole, (*heads, "shared_memory"), host())


def _head(match: re.Match[str]) -> str:
    context = "%ctx" if "%ctx" in match[0] else "%words"
    maps = _MAPS.sub("", match["maps"])
    return f"define void @{match['name']}(ptr {context}, i64 %tasks, ptr %ended{maps}) #0"


def translated(text: str) -> str:
    """The IR of a GPU's module, without assembly, as IR for this CPU."""
    for family in FAMILIES.values():
        text = family.heads.sub(_head, text)
    text = text.replace(*_ENTRY)
    has_shared = bool(_SHARED.search(text) or _DYNAMIC.search(text))
    text = _SHARED.sub(r"@shared = internal global [\1 x i8] undef, align 128", text)
    # The launch gives the size of dynamic shared memory: there is room for any.
    most = max(a.most_shared for a in ARCHITECTURES.values())
    text = _DYNAMIC.sub(f"@shared = internal global [{most} x i8] undef, align 1024", text)
    text = _NOTES.sub("", text)
    text = text.replace(_GENERIC, "@shared")
    text = _INTRINSICS.sub(r"@penstock.\1.", text)
    text = _ATTRIBUTES.sub(lambda _: host().attributes, text)
    # The context is the launch's own memory, written by no thread: its loads are not checked.
    lines, contexts = [], {"%ctx"}
    for number, line in enumerate(text.split("\n")):
        if _CONTEXT.search(line):
            contexts.add(line.split("=")[0].strip())
        elif line.startswith("define"):
            contexts = {"%ctx"}
        lines += _watched(line, number, contexts)
    place = "@shared" if has_shared else "null"
    lines += [
        "declare ptr @penstock.emulator.access(ptr, i64, i64, i64)",
        f"define ptr @shared_memory() #0 {{\nentry:\n  ret ptr {place}\n}}",
    ]
    return "\n".join(lines)


def _watched(line: str, number: int, contexts: set[str]) -> list[str]:
    """A line, preceded by a call that checks the address that it loads or stores."""
    load, store = _LOAD.match(line), _STORE.match(line)
    if load:
        ty, place = load[2], load[3]
    elif store:
        ty, place = store[2], store[4]
    else:
        return [line]
    if place in contexts or place.startswith("@table_"):  # parameters of the kernel, and constants
        return [line]
    # Without a note LLVM assumes the alignment of the type.
    aligned = _ALIGNED.search(line)
    align = int(aligned[1]) if aligned else size_of(ty)
    safe = f"%watched{number}"
    numbers = f"i64 {size_of(ty)}, i64 {align}, i64 {int(bool(store))}"
    call = f"{safe} = call ptr @penstock.emulator.access(ptr {place}, {numbers})"
    if load:
        return [call, f"{load[1]}{ty}, ptr {safe}{load[4] or ''}"]
    assert store is not None
    return [call, f"{store[1]}{ty} {store[3]}, ptr {safe}{store[5] or ''}"]
