"""The effects of loading Keras's files: `.keras` archives and HDF5 files."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from penstock._src.bridge.python.tools.audit.findings import LOADING, Deed, Findings
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.util.files.hdf5 import check_hdf5

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
# Modules whose classes come with Keras.
_KERAS = ("keras", "tf_keras", "builtins", "tensorflow")
_BYTECODE = ("__lambda__", "function_type", "residual_fn_type")
# Errors of zipfile, json and h5py for damaged files; RuntimeError also for nesting that is too deep.
_DAMAGES = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError,
)  # fmt: skip
# A configuration may be larger than the file by this factor, plus _SPARE.
_EXPANSION, _SPARE = 100, 1 << 20


def audit_archive(findings: Findings, path: str) -> None:
    """Adds what a `.keras` file holds.

    Raises:
      DataLossError: it is not an archive, or its configuration is not JSON.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                findings.sizes[entry.filename] = entry.file_size
                if os.path.isabs(entry.filename) or ".." in entry.filename.split("/"):
                    where = f"the entry {entry.filename}"
                    findings.deeds.append(Deed("write_files", "archive", where, LOADING))
            if _CONFIG in archive.namelist():
                longest = _EXPANSION * os.path.getsize(path) + _SPARE
                if archive.getinfo(_CONFIG).file_size > longest:
                    raise ValueError(f"{_CONFIG} is longer than {longest} bytes.")
                add_config(findings, json.loads(archive.read(_CONFIG)))
    except _DAMAGES as error:
        raise DataLossError(f"{path}: {error}") from error


def audit_hdf5(findings: Findings, path: str) -> None:
    """Adds what an HDF5 file of Keras holds.

    Raises:
      DataLossError: it is not such a file.
      UnimplementedError: h5py is not installed.
    """
    try:
        import h5py  # type: ignore[import-not-found,import-untyped]
    except ImportError as error:
        raise UnimplementedError(f"{path}: HDF5 files need the package h5py.") from error
    try:
        check_hdf5(path)
        with h5py.File(path, "r") as file:
            if "model_config" in file.attrs:
                add_config(findings, json.loads(file.attrs["model_config"]))
            for name, files in _elsewhere(h5py, file, "/", set()):
                findings.deeds.append(Deed("read_files", "HDF5", name, LOADING, files))
            sizes = findings.sizes
            file.visititems(lambda name, entry: _count(sizes, entry))
    except _DAMAGES as error:
        raise DataLossError(f"{path}: {error}") from error


def _count(sizes: dict[str, int], entry: Any) -> None:
    if hasattr(entry, "shape"):
        sizes["arrays"] = sizes.get("arrays", 0) + 1
        sizes["elements"] = sizes.get("elements", 0) + int(entry.size)


def _elsewhere(h5py: Any, group: Any, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """The names of links and arrays whose data is in other files, with the files. Links may lead to a group many times."""
    place = h5py.h5o.get_info(group.id).addr
    if place in seen:
        return
    seen.add(place)
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield path + name, link.filename
            continue
        item = group.get(name)
        if isinstance(item, h5py.Group):
            yield from _elsewhere(h5py, item, f"{path}{name}/", seen)
        elif isinstance(item, h5py.Dataset) and item.external:
            yield path + name, ", ".join(str(entry[0]) for entry in item.external)


def add_config(findings: Findings, config: Any) -> None:
    """Adds the Python code and the custom objects that a configuration names."""
    for where, part in _parts(config):
        class_name = part.get("class_name")
        if class_name == "Lambda" or any(key in part or class_name == key for key in _BYTECODE):
            if class_name == "Lambda" and not _holds_code(part):
                continue
            findings.deeds.append(Deed("python", f"bytecode of {class_name}", where, LOADING))
        module = str(part.get("module") or "")
        if class_name and module and module.partition(".")[0] not in _KERAS:
            findings.custom_objects.append(f"{module}.{class_name}")
        elif class_name and part.get("registered_name") and not module:
            findings.custom_objects.append(str(part["registered_name"]))
    findings.custom_objects[:] = dict.fromkeys(findings.custom_objects)
    findings.deeds[:] = dict.fromkeys(findings.deeds)


def _holds_code(part: Any) -> bool:
    """True if the function of a Lambda layer is bytecode, not a name."""
    config = part.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    return isinstance(function, list) or (
        isinstance(function, dict) and function.get("class_name") == "__lambda__"
    )


def _parts(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """All dicts of a configuration with their paths, without recursion: files nest as deep as they like."""
    waiting = [("", config)]
    while waiting:
        where, part = waiting.pop()
        if isinstance(part, dict):
            yield where or "/", part
            waiting += [(f"{where}/{name}", value) for name, value in part.items()]
        elif isinstance(part, list):
            waiting += [(f"{where}/{at}", value) for at, value in enumerate(part)]
