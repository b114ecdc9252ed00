"""Hugging Face folders: `config.json`, and weights in one safetensors file or in shards that an index lists."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from penstock._src.core.errors import DataLossError, NotFoundError
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.formats.safetensors import file as single
from penstock._src.formats.weights.stored import StoredTensor, Weights

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
# The largest shard that is written, in bytes.
SHARD = 5 << 30


def read(path: str) -> Weights:
    """Returns the tensors of a folder or file; the metadata of a folder is its `config.json`.

    Args:
      path: a folder, its index, or a safetensors file.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: a file is damaged.
    """
    if not files.is_folder(path) and not path.endswith(INDEX):
        return single.read(path)
    folder = path if files.is_folder(path) else os.path.dirname(path)
    config = os.path.join(folder, CONFIG)
    metadata = read_object(config) if files.exists(config) else {}
    if files.exists(os.path.join(folder, INDEX)):
        return Weights(path, _of_index(folder), metadata)
    whole = os.path.join(folder, WEIGHTS)
    if not files.exists(whole):
        raise NotFoundError(f"{folder}: there is neither {WEIGHTS} nor {INDEX}.")
    return Weights(path, single.read(whole).tensors, metadata)


def read_object(path: str) -> dict[str, Any]:
    """Returns the object in a file of JSON.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is damaged.
    """
    try:
        content = json.loads(files.read(path))
    except (ValueError, RecursionError) as error:
        raise DataLossError(f"{path}: {error}.") from error
    if not isinstance(content, dict):
        raise DataLossError(f"{path}: expected an object.")
    return content


def _of_index(folder: str) -> dict[str, StoredTensor]:
    path = os.path.join(folder, INDEX)
    places = read_object(path).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(each, str) for each in places.values()):
        raise DataLossError(f"{path}: 'weight_map': expected the names of files by tensors.")
    shards: dict[str, Mapping[str, StoredTensor]] = {}
    tensors = {}
    for name, shard in places.items():
        if os.path.basename(shard) != shard or shard in ("", ".", ".."):
            raise DataLossError(f"{path}: 'weight_map': the file {shard!r} is not beside it.")
        if shard not in shards:
            shards[shard] = single.read(os.path.join(folder, shard)).tensors
        if name not in shards[shard]:
            raise DataLossError(f"{path}: 'weight_map': {shard} has no tensor '{name}'.")
        tensors[name] = shards[shard][name]
    return tensors


def write(weights: Weights, path: str, shard: int = SHARD) -> None:
    """Writes a file, or a folder with `config.json`, if the path lacks the format's suffix.

    Args:
      weights: the tensors, and the facts for `config.json`, or texts for a file's header.
      path: the file or folder to make.
      shard: the most bytes of a file in a folder, if it has more than one tensor.
    """
    if path.endswith(single.SUFFIX):
        single.write(
            weights.tensors,
            path,
            {k: v if isinstance(v, str) else json.dumps(v) for k, v in weights.metadata.items()},
        )
        return
    files.make_folders(path)
    text = json.dumps(dict(weights.metadata), indent=2, ensure_ascii=False)
    write_whole(os.path.join(path, CONFIG), text)
    parts = _shards(weights.tensors, shard)
    if len(parts) == 1:
        single.write(parts[0], os.path.join(path, WEIGHTS), {"format": "pt"})
        return
    places: dict[str, str] = {}
    for at, part in enumerate(parts, 1):
        name = f"model-{at:05}-of-{len(parts):05}.safetensors"
        single.write(part, os.path.join(path, name), {"format": "pt"})
        places |= dict.fromkeys(part, name)
    index = {"metadata": {"total_size": weights.bytes}, "weight_map": places}
    write_whole(os.path.join(path, INDEX), json.dumps(index, indent=2))


def _shards(tensors: Mapping[str, StoredTensor], most: int) -> list[dict[str, StoredTensor]]:
    parts: list[dict[str, StoredTensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if parts[-1] and size + tensor.data.nbytes > most:
            parts.append({})
            size = 0
        parts[-1][name] = tensor
        size += tensor.data.nbytes
    return parts
