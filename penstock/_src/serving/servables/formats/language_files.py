"""Language models: GGUF files, and Hugging Face folders with safetensors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from penstock._src.filesystems import files
from penstock._src.function.function import Function
from penstock._src.language import files as language
from penstock._src.language.encoder import load_encoder
from penstock._src.language.files import LanguageFiles
from penstock._src.language.model import assemble
from penstock._src.language.network.needs import needs
from penstock._src.language.network.program import Program
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.serving.servables import generation
from penstock._src.serving.servables.formats.functions import definition_of, signature_of_function
from penstock._src.serving.servables.generation import Generation
from penstock._src.serving.servables.servable import ROOM, Room, Servable, Signature

# Tokens of a prompt that are computed at once, and how many times as many where that delays nobody: products of 128 rows are up to 1.3 times as fast
# for each, those of 256 no faster.
_CHUNK, _CHUNKS_ALONE = 64, 2
# The name of an encoder's output.
_VECTORS = "vectors"


def matches(path: str) -> bool:
    """True if a path is a GGUF file, a folder with one, or a Hugging Face folder."""
    return _place(path) is not None


def size(path: str, room: Room = ROOM) -> int:
    """Returns the bytes of the weights, of the cache, of the intermediates, and of cached prefixes of prompts."""
    about = language.read(_place(path) or path)
    a = about.architecture
    if not a.is_causal:
        return about.weights.bytes
    memory = needs(about, min(room.length, a.context), room.slots, True, room.cache)
    return memory.total + room.prefix_bytes


def load(path: str, allow: Iterable[str] = (), room: Room = ROOM) -> Servable:
    """Returns the loaded model; such a file can only compute.

    Args:
      path: the file or folder.
      allow: nothing is asked for.
      room: of the cache, at most the model's own limit.
    """
    place = _place(path) or path
    architecture = language.read(place).architecture
    if not architecture.is_causal:
        return _encoder(path, place)
    context = architecture.context
    most = min(room.length, context)
    about, program, length = assemble(place, most, True, room.activations, room.cache, room.slots)
    names = (*generation.INPUTS, generation.READ, generation.WRITE, generation.SCORE)
    signatures = {name: _signature(name, getattr(program, name)) for name in names}
    signatures[generation.RESET] = replace(signatures[generation.RESET], run=_allocating(program))
    definitions = {name: definition_of(signature) for name, signature in signatures.items()}
    described = Generation(
        slots=room.slots,
        length=length,
        vocabulary=about.architecture.vocabulary,
        bytes_per_place=program.cache.bytes_per_place,
        chunk=_CHUNK,
        chunks_alone=_CHUNKS_ALONE,
        stop_tokens=about.stop_tokens,
    )
    guarded = generation.guarded(signatures, path)
    language_files = about.without_weights()
    return Servable(path, _title(about), guarded, definitions, program, described, language_files)


def _allocating(program: Program) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
    """Empties the cache as `reset` does, in memory whose pages are allocated as tokens are written: few sequences are as long as they may be."""

    def reset(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        slots, length = arrays
        program.cache.allocate(int(slots), int(length))
        return [slots]

    return reset


def _encoder(path: str, place: str) -> Servable:
    """Returns a model that makes vectors of texts."""
    encoder = load_encoder(place)
    signature = _signature(DEFAULT_SERVING_SIGNATURE_DEF_KEY, encoder.vectors)
    signatures = {signature.name: signature}
    definitions = {signature.name: definition_of(signature)}
    title = _title(language.read(place))
    return Servable(path, title, signatures, definitions, encoder, encoder=encoder)


def _signature(name: str, function: Function) -> Signature:
    traced = function.get_concrete_function()
    results = traced.graph.structured_outputs
    results = dict(results) if isinstance(results, Mapping) else {_VECTORS: results}
    return signature_of_function(name, traced, traced.argument_names, results)


def _title(about: LanguageFiles) -> str:
    return "GGUF" if about.is_gguf else "Hugging Face"


def _place(path: str) -> str | None:
    """The file or folder of a path, or None."""
    if language.is_language_model(path):
        return path
    if not files.is_folder(path):
        return None
    models = [name for name in files.names(path) if name.endswith(language.GGUF_SUFFIX)]
    return os.path.join(path, models[0]) if len(models) == 1 else None
