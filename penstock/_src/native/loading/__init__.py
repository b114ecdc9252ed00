"""Loading object code into this process.

In: object code, ELF or the system's own, and the names of its functions. Out: a `Library` with their addresses. Read `library.py` first.

    library.py    Library, and the symbols that object code may refer to
    elf.py        links by ourselves: Linux, x86-64 and aarch64
    jit_link.py   links by LLVM: other systems
    image.py      memory that is first written, then mapped as code: never both at a time

Two linkers: LLVM's knows all systems and formats, but comes with its compiler, 170 MB that an installation which only runs does without, and that take a
process 50 MB of memory as soon as they are loaded. So what a process finds in the kernel cache or in packs is linked by ourselves on Linux. Tests hold our linker
to LLVM's, kernel by kernel. The alternative, shared objects to be opened by dlopen, would need a linker for every target where a model is packed.
"""

from .library import Library, provide

__all__ = ["Library", "provide"]
