"""The folder of a model: `model.json` and the files in its manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError
from penstock._src.filesystems import files
from penstock._src.filesystems.transaction import Transaction, recover
from penstock._src.formats.tfjs import weights
from penstock._src.version import OWN_VERSION

NAME = "model.json"


def write_folder(
    path: str, head: Mapping[str, Any], values: Mapping[str, np.ndarray], quantize: str = ""
) -> None:
    """Writes a model's folder, all files together.

    Args:
      path: the folder to make.
      head: what `model.json` says besides its weights.
      values: the weights by name.
      quantize: how floats are stored; see `weights.QUANTIZATIONS`.
    """
    entries, parts = [], []
    for name, value in values.items():
        entry, data = weights.stored(name, value, quantize)
        entries.append(entry)
        parts.append(data)
    shards = weights.shards(parts)
    described = {
        **head,
        "generatedBy": f"Penstock {OWN_VERSION}",
        "convertedBy": f"Penstock {OWN_VERSION}",
        "weightsManifest": [{"paths": list(shards), "weights": entries}],
    }
    contents = {**shards, NAME: json.dumps(described, allow_nan=False).encode()}
    files.make_folders(path)
    with Transaction(os.path.join(path, NAME)) as transaction:
        for name, data in contents.items():
            with transaction.open(os.path.join(path, name)) as file:
                file.write(data)


def is_head(path: str) -> bool:
    """True if a file has the structure of `model.json`: packages hold several models in a folder, under other names.

    Args:
      path: an existing file.
    """
    if not path.endswith(".json"):
        return False
    try:
        head = json.loads(files.read(path))
    except (ValueError, RecursionError):  # not JSON, and so not a model
        return False
    return isinstance(head, dict) and "weightsManifest" in head and "modelTopology" in head


def read_folder(path: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns the content of `model.json`, and the weights by name.

    Args:
      path: the folder, or its `model.json`, whatever that is called.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: a file is damaged, or the manifest names files outside of the folder.
    """
    place = os.path.join(path, NAME) if files.is_folder(path) else path
    folder = os.path.dirname(place)
    recover(place)
    try:
        head = json.loads(files.read(place))
    except (ValueError, RecursionError) as error:
        raise DataLossError(f"{place} is not JSON: {error}.") from error
    manifest = head.get("weightsManifest") if isinstance(head, dict) else None
    try:
        names = [name for group in manifest or () for name in group["paths"]]
        outside = [name for name in names if os.path.basename(name) != name or not name]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataLossError(f"{place}: its weightsManifest is damaged ({error}).") from error
    if manifest is None or outside:
        wrong = (
            f"names the file {outside[0]!r}, which is not beside it" if outside else "is missing"
        )
        raise DataLossError(f"{place}: its weightsManifest {wrong}.")
    contents = {name: files.read(os.path.join(folder, name)) for name in names}
    try:
        return head, weights.restored(manifest, contents, place)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataLossError(f"{place}: its weightsManifest is damaged ({error}).") from error
