"""Packs: machine code that travels, signed by its maker.

In: the bytes of a pack, and the keys that the user trusts. Out: object code by the identity of what it computes, or `PackRefused` with the reason.
Read `format.py` first: the file. `ed25519.py` verifies signatures, `trust.py` has the user's keys, `pack.py` the packs in use.

Decisions:

Identity   A kernel is looked up by its *identity*, the hash of its signature and target: what its text is a function of, besides the sources that
           write it. A pack names the hash of those sources' contents and holds for an installation with the same (`sources.py`), so a second machine
           writes no text to find a kernel, and another version of Penstock never takes it for its own.
Levels     Code is for x86-64-v2, v3, v4 and aarch64 (`LEVELS` in native/target.py), not for one processor: a model with a pack is planned for the best
           level that both have, and for a number of threads that the pack has code for. Programs without a pack are planned for this processor as ever.
Signature  Ed25519 over the manifest, which has the SHA-256 of each object. Nothing of the manifest is parsed before its signature is verified, and no
           object is loaded before its hash is. Verification is ours (RFC 8032, a page of integers), so that a machine that only runs needs no package
           for it; signing takes the `cryptography` package (`penstock-tensors[pack]`), which guards the secret.
Objects    They are relocatable ELF, as in the user's cache, and not shared libraries: the machine that packs needs no linker for each target, equal
           kernels of several programs are stored once, and LLVM's linker and ours (native/loading) take the same bytes.
Plans      Records of programs, by target, number of threads and section of the graph (compiler/blocks/recorded/planned.py). They are among the objects, signed and
           verified as these; a record's numbers are held to what they count before it is used. A process that finds its plan neither lowers nor plans.
Model      The pack names the SavedModel's file, by its digest, that its maker has loaded: from that file, functions are imported when they are used.
Refusal    A pack that is damaged, unsigned, of an unknown maker, for other processors or of other sources is left out with a warning; the model then
           runs by compiling. Code that no trusted key has signed never runs.
"""

from .format import PackRefused
from .pack import Pack, PackedCode, open_pack, packs_in_use, use_for_process

__all__ = ["Pack", "PackRefused", "PackedCode", "open_pack", "packs_in_use", "use_for_process"]
