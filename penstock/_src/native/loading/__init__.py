"""Loading object code into this process.

In: object code, ELF or the system's own, and the names of its functions. Out: a `Library` with their addresses. Read `library.py` first.

    library.py    Library, and the symbols that object code may refer to
    jit_link.py   links by LLVM, in processes that have loaded it
    elf.py        links by ourselves: Linux, x86-64 and aarch64
    image.py      memory that is first written, then mapped as code: never both at a time

Two linkers, since LLVM's comes with its compiler, 170 MB that a machine without need of a compiler would carry for this alone, and that a process which only
runs packed or cached code would load first, for some 40 ms. LLVM links what it has compiled, as it knows other systems and formats; ours links code of packs, that of the cache
until LLVM is loaded, and all code where there is no LLVM. Tests hold ours to LLVM's, kernel by kernel. The alternative, shared objects to be opened by dlopen, would need a
linker for every target where a model is packed.
"""

from .library import Library, provide

__all__ = ["Library", "provide"]
