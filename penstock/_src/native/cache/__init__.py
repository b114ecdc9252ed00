"""Object code on disk: `objects.py` stores it by key, `signing.py` has the user's key that signs it, `places.py` the locations of both.

`recently_used.py` is the cache in memory, `sources.py` has digests of the sources that write code, `packs/` has code that others have signed.

In: a key and object code. Out: the object code of a key, if this user's processes have written it.

The kernel cache holds object code in the user's cache folder (`PENSTOCK_CACHE_DIR`), by the hash of its IR, the CPU, the version of LLVM and the sources
that call it. So that a kernel that is there is not written as IR again, most have a name too: the hash of the kernel's signature and of the contents
of the sources (`compiler/codegen/names.py`; `native/builtins.py` for functions of this layer), under which is kept which IR that gives (`NamedCode`
in `native/code.py`). With other sources the IR is written anew, and LLVM compiles what differs. Files are written to a temporary name and renamed, signed by the user's key
(`native/cache/signing.py`): code that others left there does not run.

Other records lie beside the kernels, under names of their own: what LLVM says of itself and the processor (`native/llvm/records.py`), and programs with their
constants (`devices/cpu/kept_plans.py`).
"""

from .objects import ObjectCache
from .places import default_folder

__all__ = ["ObjectCache", "default_folder"]
