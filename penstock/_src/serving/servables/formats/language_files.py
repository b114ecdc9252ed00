"""Language models: GGUF files, and Hugging Face folders with safetensors."""

from __future__ import annotations

import os
from collections.abc import Iterable

from penstock._src.filesystems import files
from penstock._src.language import files as language
from penstock._src.language.model import assemble
from penstock._src.serving.servables import generation
from penstock._src.serving.servables.formats.functions import definition_of, signature_of_function
from penstock._src.serving.servables.generation import Generation
from penstock._src.serving.servables.servable import ROOM, Room, Servable

# Tokens of a prompt that are computed at once.
_CHUNK = 64


def matches(path: str) -> bool:
    """True if a path is a GGUF file, a folder with one, or a Hugging Face folder."""
    return _place(path) is not None


def size(path: str, room: Room = ROOM) -> int:
    """Returns the bytes of the weights and of the cache."""
    about = language.read(_place(path) or path)
    a = about.architecture
    per_place = 2 * a.layers * a.kv_heads * a.head_size * 4
    return about.weights.bytes + room.slots * min(room.length, a.context) * per_place


def load(path: str, allow: Iterable[str] = (), room: Room = ROOM) -> Servable:
    """Returns the loaded model; nothing in such a file does anything besides computing.

    Args:
      path: the file or folder.
      allow: nothing is asked for.
      room: of the cache, at most what the model was made for.
    """
    place = _place(path) or path
    context = language.read(place).architecture.context
    about, program, length = assemble(place, min(room.length, context), packed=True)
    signatures = {}
    for name in generation.INPUTS:
        traced = getattr(program, name).get_concrete_function()
        results = dict(traced.graph.structured_outputs)
        signatures[name] = signature_of_function(name, traced, traced.argument_names, results)
    definitions = {name: definition_of(signature) for name, signature in signatures.items()}
    described = Generation(
        slots=room.slots,
        length=length,
        vocabulary=about.architecture.vocabulary,
        bytes_per_place=program.cache.bytes_per_place,
        chunk=_CHUNK,
        stop_tokens=about.stop_tokens,
    )
    guarded = generation.guarded(signatures, path)
    title = "GGUF" if about.is_gguf else "Hugging Face"
    return Servable(path, title, guarded, definitions, program, described, about)


def _place(path: str) -> str | None:
    """The file or folder of a path, or None."""
    if language.is_language_model(path):
        return path
    if not files.is_folder(path):
        return None
    found = [name for name in files.names(path) if name.endswith(language.GGUF_SUFFIX)]
    return os.path.join(path, found[0]) if len(found) == 1 else None
