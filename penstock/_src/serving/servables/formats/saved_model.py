"""SavedModels, of TensorFlow 1 and 2."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.filesystems import files
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.control import changes_state, is_steady
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.saving.saved_model.constants import SERVING, VARIABLES_DIRECTORY
from penstock._src.saving.saved_model.files import contains_saved_model, parse
from penstock._src.saving.saved_model.load import load as load_saved_model
from penstock._src.serving.servables import generation
from penstock._src.serving.servables.formats.functions import extents, preparer, prover, runner
from penstock._src.serving.servables.formats.packed import (
    calls_of_pack,
    defaults_of,
    packed_signature,
)
from penstock._src.serving.servables.servable import ROOM, Room, Servable, Signature, TensorInfo

# Begins the names of signatures that run when a model is loaded.
_HIDDEN = "__saved_model_"


def matches(path: str) -> bool:
    """True if a path is a SavedModel's folder."""
    return contains_saved_model(path)


def size(path: str, room: Room = ROOM) -> int:
    """The bytes of the files with the graph and with the values of variables, and of the cache of a model that generates, with prompts' beginnings."""
    folders = [path, os.path.join(path, VARIABLES_DIRECTORY)]
    paths = [
        os.path.join(f, name) for f in folders if files.is_folder(f) for name in files.names(f)
    ]
    generating = generation.read(path)
    cache = generating.cache_bytes + room.prefix_bytes if generating is not None else 0
    return cache + sum(files.status(each).length for each in paths if files.is_file(each))


def load(path: str, allow: Iterable[str] = (), room: Room = ROOM) -> Servable:
    """Returns the loaded model: the program with the tag "serve", or else the first."""
    metas = parse(path).meta_graphs
    serving = [meta for meta in metas if set(meta.meta_info_def.tags) == {SERVING}]
    meta = (serving or list(metas))[0]
    tags = None if len(metas) == 1 else sorted(meta.meta_info_def.tags)
    root = load_saved_model(path, tags, allow=tuple(allow))
    definitions = {
        name: definition
        for name, definition in meta.signature_def.items()
        if not name.startswith(_HIDDEN)
    }
    signatures = {
        name: _signature(name, root.signatures[name], definition)
        for name, definition in definitions.items()
    }
    generating = generation.read(path)
    if generating is not None:
        signatures = generation.guarded(signatures, path)
    return Servable(path, "SavedModel", signatures, definitions, root, generating)


def _signature(name: str, function: ConcreteFunction, definition: Any) -> Signature:
    planned = calls_of_pack(function, definition)
    if planned is not None:
        return packed_signature(name, function, planned, definition)
    names = function.argument_names
    inputs = {
        key: TensorInfo(t.dtype, extents(t.shape), definition.inputs[key].name)
        for key, t in zip(names, function.inputs[: len(names)], strict=True)
        if key in definition.inputs
    }
    results = dict(function.graph.structured_outputs)
    plain = {key: t for key, t in results.items() if isinstance(t, SymbolicTensor)}
    refusal = ""
    if len(inputs) < len(names) or len(plain) < len(results):
        refusal = "takes or returns sparse or ragged tensors, which requests cannot hold"
    outputs = {
        key: TensorInfo(t.dtype, extents(t.shape), definition.outputs[key].name)
        for key, t in plain.items()
    }
    run = runner(function, list(plain.values()))
    return Signature(
        name=name,
        method_name=definition.method_name,
        inputs=inputs,
        outputs=outputs,
        run=run,
        defaults=defaults_of(definition),
        refusal=refusal,
        changes_state=changes_state(function.graph),
        is_steady=is_steady(function.graph),
        prove=prover(function, len(names)) if len(inputs) == len(names) else None,
        prepare=preparer(function),
    )
