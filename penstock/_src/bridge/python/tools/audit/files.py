"""The format of a path, and its audit."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from penstock._src.bridge.python.tools.audit import graphs, keras_files
from penstock._src.bridge.python.tools.audit.findings import Findings
from penstock._src.core.errors import DataLossError, NotFoundError
from penstock._src.ops.io.bundle import BundleReader, index_name
from penstock._src.proto.graph import GraphDef
from penstock._src.proto.saved import MetaGraphDef
from penstock._src.saving.saved_model.files import contains_saved_model, parse

_HDF5 = b"\x89HDF\r\n\x1a\n"


def audit(path: str) -> Findings:
    """Returns what a model would do besides computing, without loading it.

    Args:
      path: a SavedModel's folder or file, a GraphDef or MetaGraphDef (binary or text), a `.keras` or HDF5 file, or the prefix or
        index of a checkpoint.

    Raises:
      NotFoundError: there is no such file.
      DataLossError: it is damaged, or of no known format.
    """
    if os.path.basename(path) in ("saved_model.pb", "saved_model.pbtxt"):
        path = os.path.dirname(path) or "."
    if os.path.isdir(path):
        return _folder(path)
    prefix = path.removesuffix(".index")
    if os.path.exists(index_name(prefix)):
        return _checkpoint(prefix)
    if not os.path.exists(path):
        raise NotFoundError(f"{path}: there is no such file, folder or checkpoint.")
    with open(path, "rb") as file:
        start = file.read(8)
    findings = Findings(path, "", {"bytes": os.path.getsize(path)})
    if start.startswith(b"PK"):
        findings.kind = "Keras archive"
        keras_files.audit_archive(findings, path)
    elif start == _HDF5:
        findings.kind = "HDF5 file"
        keras_files.audit_hdf5(findings, path)
    else:
        _graph(findings, path)
    return findings


def _folder(path: str) -> Findings:
    if not contains_saved_model(path):
        raise NotFoundError(f"{path}: the folder holds no saved_model.pb or saved_model.pbtxt.")
    findings = Findings(path, "SavedModel")
    findings.sizes["bytes"] = sum(
        os.path.getsize(os.path.join(folder, name))
        for folder, _, names in os.walk(path)
        for name in names
    )
    graphs.audit_saved_model(findings, parse(path), path)
    return findings


def _checkpoint(prefix: str) -> Findings:
    reader = BundleReader(prefix)
    findings = Findings(prefix, "checkpoint")
    findings.sizes["tensors"] = len(reader.entries)
    findings.sizes["bytes"] = sum(entry.size for entry in reader.entries.values())
    return findings


def _graph(findings: Findings, path: str) -> None:
    with open(path, "rb") as file:
        data = file.read()
    meta = _parsed(MetaGraphDef, data)
    if meta is not None and (meta.graph_def.node or meta.graph_def.library.function):
        findings.kind = "MetaGraphDef"
        graphs.audit_meta_graph(findings, meta)
        return
    definition = _parsed(GraphDef, data)
    if definition is None or not (definition.node or definition.library.function):
        raise DataLossError(
            f"{path}: neither a SavedModel, GraphDef, MetaGraphDef, Keras file nor checkpoint."
        )
    findings.kind = "GraphDef"
    graphs.audit_graph_def(findings, definition)


def _parsed(kind: Any, data: bytes) -> Any:
    """The message in binary or text; None if there is none."""
    try:
        return kind.FromString(data)
    except DecodeError:
        pass
    try:
        return text_format.Parse(data.decode(), kind())
    except (text_format.ParseError, UnicodeDecodeError):
        return None
