"""Packing: the machine code of a model for other machines, in a file beside its weights that its maker signs.

In: a model's folder, runs of the model that show which programs it needs, and the maker's key. Out: `assets.extra/penstock.pack` (native/cache/packs).
Read `recorder.py` first.

    recorder.py   notes what runs in this process plan, plans it for other processors and numbers of threads, compiles that, and keeps plans of whole sections
    signing.py    the maker's key, by the cryptography package
    writing.py    packs as files beside models
    transfer.py   this user's cache of kernels as a file, and back

Programs are planned from the same schedule for each target, as kernels depend on it. Where a section of a graph is one program without variables to assign, the pack
has its plan as a record (runtime/packed), with the conditions about extents under which it is right; other programs are planned anew by the machine that runs them. Code of the process itself, such as the thread pool, comes along: all modules that the process has needed so far.
"""

from .recorder import Recorder
from .signing import Maker, new_key
from .writing import pack_saved_model

__all__ = ["Maker", "Recorder", "new_key", "pack_saved_model"]
