"""Runs a signature of a SavedModel, prints its results and writes them to files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.bridge.internals.saved_model import get_meta_graph_def
from penstock._src.bridge.python.tools.saved_models.show import signature_of
from penstock._src.bridge.python.tools.saved_models.tags import clean_tags
from penstock._src.graph.graph import Graph
from penstock._src.v1.graphs.session import Session
from penstock._src.v1.saving import saved_model


def run_signature(
    folder: str,
    tag_set: str,
    signature: str,
    feed: Mapping[str, Any],
    outdir: str | None = None,
    overwrite: bool = False,
    target: str | None = None,
    allow: Sequence[str] = (),
) -> None:
    """Prints the results of a signature.

    Args:
      folder: of the SavedModel.
      tag_set: "tag,tag" of a MetaGraphDef.
      signature: the key of the signature.
      feed: values by the keys of inputs.
      outdir: where each result is written as `<key>.npy`, or None. The folder is made if it is not there.
      overwrite: whether files that are there are overwritten.
      target: what the session connects to; this process by default.
      allow: what the graph may do besides computing and reading the model's files.

    Raises:
      ValueError: there is no such signature or input.
      RuntimeError: there is no such tag-set, or a file is there already.
    """
    tags = clean_tags(tag_set)
    definition = signature_of(get_meta_graph_def(folder, tags), signature)
    for key in feed:
        if key not in definition.inputs:
            known = ", ".join(f'"{name}"' for name in definition.inputs)
            raise ValueError(
                f'"{key}" is not a valid input key. Please choose from {known}, or use --show option.'
            )
    keys = sorted(definition.outputs)
    with Session(target or "", graph=Graph()) as session:
        saved_model.load(session, tags.split(","), folder, allow=allow)
        results = session.run(
            [definition.outputs[key].name for key in keys],
            feed_dict={definition.inputs[key].name: value for key, value in feed.items()},
        )
    for key, result in zip(keys, results, strict=True):
        print(f"Result for output key {key}:\n{result}")
        if outdir:
            _write(outdir, key, result, overwrite)


def _write(outdir: str, key: str, result: Any, overwrite: bool) -> None:
    os.makedirs(outdir, exist_ok=True)
    path = os.path.join(outdir, f"{key}.npy")
    if not overwrite and os.path.exists(path):
        raise RuntimeError(
            f'Output file {path} already exists. Add "--overwrite" to overwrite the existing output files.'
        )
    np.save(path, result)
    print(f"Output {key} is saved to {path}")
