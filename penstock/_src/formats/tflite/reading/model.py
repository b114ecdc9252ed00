"""Reads a `.tflite` file as a Model."""

import collections
import math
from typing import Any

import numpy as np

from penstock._src.api.variables import Variable
from penstock._src.filesystems import files
from penstock._src.formats.model import Model
from penstock._src.formats.tflite.reading.contents import (
    Contents,
    Graph,
    Signature,
    read_contents,
)
from penstock._src.formats.tflite.reading.state import State
from penstock._src.formats.tflite.reading.tracing import signature_function
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY


def read(path: str, trainable: bool = False) -> Model:
    """Returns the signatures of a TFLite file as functions.

    Args:
      path: the file.
      trainable: whether float constants with two or more dimensions, and vectors of several elements, become variables.

    Returns:
      A Model. A file without signatures has one, with the names of its tensors.

    Raises:
      NotFoundError: there is no such file.
      ModelFileError: it is damaged.
      UnimplementedError: it has an op that is not implemented.
    """
    contents = read_contents(files.read(path), path)
    state = State()
    signatures = contents.signatures or (_of_first_graph(contents),)
    weights: dict[int, dict[int, Any]] = {}
    if trainable:
        for graph in contents.graphs:
            weights[graph.index] = _variables(graph)
        state.weights = [v for graph in weights.values() for v in graph.values()]
    functions = {
        signature.key: signature_function(
            contents, signature, state, weights.get(signature.graph, {})
        )
        for signature in signatures
    }
    return Model(functions, state, path, _details(contents))


def _of_first_graph(contents: Contents) -> Signature:
    graph = contents.graphs[0]
    named = [
        {_name(graph, index, kind, at): index for at, index in enumerate(indices)}
        for kind, indices in (("input", graph.inputs), ("output", graph.outputs))
    ]
    return Signature(DEFAULT_SERVING_SIGNATURE_DEF_KEY, 0, *named)


def _name(graph: Graph, index: int, kind: str, at: int) -> str:
    """The tensor's name if it is the only one so called."""
    name = graph.tensors[index].name
    same = [i for i in (*graph.inputs, *graph.outputs) if graph.tensors[i].name == name]
    return name if name and len(same) == 1 else f"{kind}_{at}"


def _variables(graph: Graph) -> dict[int, Variable]:
    variables = {}
    for info in graph.tensors:
        if info.constant is None or not info.dtype.is_floating or info.constant.size < 2:
            continue
        variables[info.index] = Variable(np.array(info.constant), name=info.name or "weight")
    return variables


def _details(contents: Contents) -> dict[str, Any]:
    operations = [o for graph in contents.graphs for o in graph.operations]
    counts = collections.Counter(o.custom_code or o.name for o in operations)
    constants = sum(
        math.prod(t.shape) for g in contents.graphs for t in g.tensors if t.constant is not None
    )
    details = {"operators": dict(counts.most_common()), "constants": constants}
    if contents.description:
        details["description"] = contents.description
    if contents.metadata:
        details["metadata"] = sorted(contents.metadata)
    return details
