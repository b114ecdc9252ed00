"""The signatures of SavedModels, as TFLite's converter reads them: `tensorflow.lite.python.convert_saved_model`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock._src.bridge.internals.saved_model import parse_saved_model


def get_meta_graph_def(saved_model_dir: Any, tag_set: Iterable[str]) -> Any:
    """Returns the MetaGraphDef of a SavedModel that has these tags and no others.

    Raises:
      OSError: there is no SavedModel.
      RuntimeError: no MetaGraphDef has the tags.
    """
    meta_graphs = parse_saved_model(saved_model_dir).meta_graphs
    known = [set(meta.meta_info_def.tags) for meta in meta_graphs]
    wanted = set(tag_set)
    if wanted not in known:
        raise RuntimeError(
            f"MetaGraphDef associated with tags {tag_set} could not be found in SavedModel, with "
            f"available tags '{known}'. `saved_model_cli show` prints them."
        )
    return meta_graphs[known.index(wanted)]


def get_signature_def(meta_graph: Any, signature_key: str) -> Any:
    """Returns the SignatureDef of that name.

    Raises:
      ValueError: there is none.
    """
    signatures = meta_graph.signature_def
    if signature_key not in signatures:
        raise ValueError(
            f"No '{signature_key}' in the SavedModel's SignatureDefs. Possible values are "
            f"'{','.join(signatures)}'."
        )
    return signatures[signature_key]


def get_inputs_outputs(signature_def: Any) -> tuple[list[str], list[str]]:
    """Returns the names of the tensors that a signature takes and returns."""
    return (
        [info.name for info in signature_def.inputs.values()],
        [info.name for info in signature_def.outputs.values()],
    )
