"""Fingerprints: the identity of a SavedModel, beside it in its folder."""

import hashlib
import json
import logging
import os
import re
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.filesystems import files
from penstock._src.filesystems.transaction import Transaction
from penstock._src.ops.io.bundle import index_name
from penstock._src.proto.saved import FingerprintDef
from penstock._src.saving import metrics
from penstock._src.saving.saved_model import constants
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

log = logging.getLogger("tensorflow")
_PARTS = (
    "saved_model_checksum",
    "graph_def_program_hash",
    "signature_def_hash",
    "saved_object_graph_hash",
    "checkpoint_hash",
)
# The counter at the end of a function's name, which differs from run to run.
_COUNTER = re.compile(rb"(__inference_[^\s\"']*?)_\d+(?![A-Za-z0-9_])")


class WRITTEN:
    """Switch: fingerprints are written while it is on."""

    enabled = True


@export("saved_model.experimental.Fingerprint")
@dataclass(eq=False, repr=False)
class Fingerprint:
    """The identity of a SavedModel.

    Args:
      saved_model_checksum: of the whole message.
      graph_def_program_hash, signature_def_hash, saved_object_graph_hash, checkpoint_hash: of its
        parts, as uint64 numbers.
      version: of the way they are computed.
    """

    saved_model_checksum: int | None = None
    graph_def_program_hash: int | None = None
    signature_def_hash: int | None = None
    saved_object_graph_hash: int | None = None
    checkpoint_hash: int | None = None
    version: Any = None

    @classmethod
    def from_proto(cls, proto: Any) -> "Fingerprint":
        """Returns the fingerprint in a FingerprintDef message, or in its bytes.

        Args:
          proto: a FingerprintDef or its bytes.

        Returns:
          A Fingerprint.

        Raises:
          ValueError: the bytes are not such a message.
        """
        try:
            message = FingerprintDef.FromString(proto) if isinstance(proto, bytes) else proto
            return cls(*(getattr(message, name) for name in (*_PARTS, "version")))
        except (DecodeError, AttributeError) as error:
            raise ValueError(
                f"Given proto could not be deserialized as fingerprint.{error}"
            ) from None

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Fingerprint | FingerprintDef):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in _PARTS)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        lines = ["SavedModel Fingerprint"]
        lines += [f"  {name}: {getattr(self, name)}" for name in _PARTS]
        return "\n".join(lines)

    def singleprint(self) -> str:
        """Returns the parts that do not depend on the serialization, as one string.

        Returns:
          A str.

        Raises:
          ValueError: one of them is not known.
        """
        parts = [getattr(self, name) for name in _PARTS[1:]]
        if None in parts:
            raise ValueError(
                f"Encounted invalid fingerprint values when constructing singleprint: {parts}"
            )
        return "/".join(map(str, parts))


@export("saved_model.experimental.read_fingerprint")
def read_fingerprint(export_dir: Any) -> Fingerprint:
    """Returns the fingerprint of a SavedModel.

    Args:
      export_dir: the folder.

    Returns:
      A Fingerprint.

    Raises:
      FileNotFoundError: it has none.
    """
    path = os.path.join(os.fsdecode(export_dir), constants.FINGERPRINT_FILENAME)
    if not files.exists(path):
        raise FileNotFoundError(f"SavedModel Fingerprint Error: {path} does not exist.")
    return Fingerprint.from_proto(files.read(path))


def _hash(data: bytes) -> int:
    """A number of 64 bits for some bytes."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _hash_of_program(graph: Any) -> int:
    """The hash of a GraphDef, without the counters in names of functions."""
    digest = hashlib.blake2b(digest_size=8)
    parts = [graph.node, *(f.node_def for f in graph.library.function)]
    for node in (node for nodes in parts for node in nodes):
        digest.update(f"{node.name}|{node.op}|{list(node.input)}".encode())
        for name, value in sorted(node.attr.items()):
            if name.startswith("_"):  # an attribute of the tracing, not of the operation
                continue
            digest.update(name.encode())
            if value.WhichOneof("value") == "func":
                digest.update(_COUNTER.sub(rb"\1", value.func.name.encode()))
            else:
                digest.update(value.SerializeToString(deterministic=True))
    return int.from_bytes(digest.digest(), "little")


def write(folder: str, meta: Any, data: bytes, transaction: Transaction) -> None:
    """Writes the fingerprint of a SavedModel.

    Args:
      folder: the folder of the SavedModel.
      meta: its MetaGraphDef.
      data: the bytes of its message.
      transaction: which the SavedModel's files are part of.
    """

    if not WRITTEN.enabled:
        return

    def without_counters(message: Any) -> bytes:
        return _COUNTER.sub(rb"\1", str(message).encode())

    signatures = sorted((k, str(v)) for k, v in meta.signature_def.items())
    fingerprint = FingerprintDef(
        saved_model_checksum=_hash(data),
        graph_def_program_hash=_hash_of_program(meta.graph_def),
        signature_def_hash=_hash(without_counters(signatures)),
        saved_object_graph_hash=_hash(without_counters(meta.object_graph_def)),
    )
    prefix = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    index = transaction.written(index_name(prefix))
    if files.exists(index):
        fingerprint.checkpoint_hash = _hash(files.read(index))
    fingerprint.version.producer = 1
    with transaction.open(os.path.join(folder, constants.FINGERPRINT_FILENAME)) as file:
        file.write(fingerprint.SerializeToString())
    _note("write", folder, fingerprint)


def note_read(folder: str) -> None:
    """Records the fingerprint of a SavedModel that was loaded, if it has one."""
    path = os.path.join(folder, constants.FINGERPRINT_FILENAME)
    metrics.LATEST["found_fingerprint"] = "FOUND" if files.exists(path) else "NOT_FOUND"
    if files.exists(path):
        try:
            _note("read", folder, FingerprintDef.FromString(files.read(path)))
        except DecodeError as error:  # the model does not need it
            log.warning("%s: %s. Fingerprint ignored.", path, error)


def _note(what: str, folder: str, message: Any) -> None:
    parts = {name: getattr(message, name) for name in sorted(_PARTS)}
    metrics.LATEST[f"{what}_fingerprint"] = json.dumps(parts, indent=1)
    singleprint = Fingerprint.from_proto(message).singleprint()
    metrics.LATEST[f"{what}_path_and_singleprint"] = f"{folder}:{singleprint}"
