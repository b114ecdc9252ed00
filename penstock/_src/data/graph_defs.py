"""Datasets as graphs: the operations that recreate a dataset.

A dataset remembers the op that created it and the values of its inputs (`Pipeline.made_by`), so its graph is found by
walking back from it: arrays become constants, ragged and sparse tensors operations on constants, and sources of seeds and caches are created
again.
"""

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.api.io import gfile
from penstock._src.core import dispatch, dtypes
from penstock._src.core.calls.consent import Consent, consent_of_program
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    FailedPreconditionError,
    NotFoundError,
    UnimplementedError,
)
from penstock._src.core.registry import find, raw
from penstock._src.core.values.resources import Resource, VariableHandle
from penstock._src.eager.asset import Asset
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.function import run as _runs_graph_functions  # noqa: F401
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize.exporter import graph_def
from penstock._src.graph.serialize.graph_defs import add_graph_def
from penstock._src.ops.data.iteration.seeds import SeedGenerator
from penstock._src.ops.data.pipeline import Pipeline, external_state
from penstock._src.ops.data.prefetch import MemoryCache
from penstock._src.ops.lookup.table_resources import DenseTable, StaticTable, Table
from penstock._src.ops.sparse.constants import composite, is_composite
from penstock._src.proto.graph import GraphDef
from penstock._src.util import nest

# The node whose input is the dataset.
_RESULT = "_Retval"


def dataset_graph(dataset: Pipeline) -> bytes:
    """Returns the serialized GraphDef of a dataset, with the values of the variables and tables that it reads.

    Raises:
      UnimplementedError: the dataset reads a resource of another kind, or calls Python.
    """
    graph = Graph()
    with dispatch.building(graph):
        handle = _Rebuilding(graph, _with_value, numbered=True).dataset(dataset)
    message = graph_def(graph)
    result = message.node.add(name="dataset", op=_RESULT, input=[handle.op.name])
    result.attr["T"].type = dtypes.variant.as_datatype_enum
    result.attr["index"].i = 0
    return message.SerializeToString()


def dataset_of_graph(serialized: bytes, consent: Consent | None = None) -> Pipeline:
    """Returns the dataset of a serialized GraphDef that `dataset_graph` or TensorFlow wrote.

    Args:
      serialized: the GraphDef.
      consent: what its operations may do besides computing; by default, what graphs that the program imports may.

    Raises:
      NotFoundError: it is not a GraphDef, or makes no dataset.
    """
    try:
        message = GraphDef.FromString(serialized)
    except DecodeError as error:
        raise NotFoundError(f"DatasetFromGraph: `graph_def` is not a GraphDef: {error}") from error
    results = [node.input[0] for node in message.node if node.op == _RESULT and node.input]
    if not results:
        raise NotFoundError(f"DatasetFromGraph: the graph has no node of type {_RESULT}.")
    nodes = GraphDef(library=message.library, versions=message.versions)
    nodes.node.extend(node for node in message.node if node.op != _RESULT)
    name = results[0] if ":" in results[0] else f"{results[0]}:0"
    graph = FuncGraph("dataset")
    with dispatch.building(graph):
        permissions = consent or consent_of_program()
        graph.outputs = add_graph_def(nodes, None, [name], "", consent=permissions)
    (dataset,) = GraphFunction(graph, why_host="the graph of a dataset runs once").run([])
    return dataset


def rebuilt(variant: EagerTensor, assets: Mapping[str, Asset]) -> Any:
    """Returns a new dataset made by the same operations, as a tensor of the function that is traced.

    The function captures the variables and tables that the dataset reads.

    Args:
      variant: the dataset.
      assets: files to take in place of those of the same names.

    Raises:
      FailedPreconditionError: a function of the dataset calls Python.
    """
    if _calls_python(variant._value):
        raise FailedPreconditionError(
            "Failed to serialize the input pipeline graph: "
            f"{external_state(variant._value)} is stateful."
        )
    return _Rebuilding(dispatch.STATE.graph, _captured, assets=assets).dataset(variant._value)


def is_rebuildable(dataset: Pipeline) -> bool:
    """True if the values that a dataset consists of can be stored as constants."""
    if dataset.made_by is None:
        return _calls_python(dataset)  # `rebuilt` gives the reason otherwise
    for value in nest.flatten(list(dataset.made_by[1])):
        if isinstance(value, Pipeline):
            if not is_rebuildable(value):
                return False
        elif is_composite(value):
            continue
        elif isinstance(value, np.ndarray) and value.dtype == object:
            if any(not isinstance(item, bytes) for item in value.ravel()):
                return False
    return True


def _calls_python(dataset: Pipeline) -> bool:
    stateful = external_state(dataset)
    return stateful is not None and "python" in find(stateful).permissions.capabilities


def files_of(dataset: Pipeline) -> list[str]:
    """Returns the paths of the files that a dataset reads."""
    if dataset.made_by is None:
        return []
    op, values = dataset.made_by
    touched = op.touched_files(values) if op.permissions.capabilities == "read_files" else None
    inner = (value for value in nest.flatten(list(values)) if isinstance(value, Pipeline))
    names = [*(touched or ()), *(name for source in inner for name in files_of(source))]
    return [name for name in names if gfile.exists(name) and not gfile.isdir(name)]


def _captured(graph: Any, resource: Resource) -> Any:
    return graph.local(EagerTensor(resource, dtypes.resource))


def _with_value(graph: Any, resource: Resource) -> Any:
    """A variable or table of the graph, initialized with the current contents of this one."""
    if isinstance(resource, Table):
        return _with_items(graph, resource)
    if not isinstance(resource, VariableHandle):
        raise UnimplementedError(
            f"A dataset that reads {resource!r} cannot be written as a graph: only variables and "
            "tables can."
        )
    handle = raw.VarHandleOp(dtype=resource.dtype, shape=resource.shape)
    value = graph.constant(resource.read(), resource.dtype, None)
    with graph.control_dependencies([raw.AssignVariableOp(resource=handle, value=value)]):
        return raw.Identity(input=handle)


def _with_items(graph: Any, table: Table) -> Any:
    types: dict[str, Any] = {"value_dtype": table.value_dtype}
    if isinstance(table, DenseTable):
        reserved = [
            graph.constant(np.array(key, table.key_dtype.np), table.key_dtype, None)
            for key in (table.empty_key, table.deleted_key)
        ]
        handle = raw.MutableDenseHashTableV2(
            empty_key=reserved[0],
            deleted_key=reserved[1],
            value_shape=table.value_shape,
            initial_num_buckets=table.buckets,
            max_load_factor=table.load_factor,
            **types,
        )
    else:
        types["key_dtype"] = table.key_dtype
        if isinstance(table, StaticTable):
            handle = raw.HashTableV2(**types)
        elif table.value_shape:
            handle = raw.MutableHashTableOfTensorsV2(value_shape=table.value_shape, **types)
        else:
            handle = raw.MutableHashTableV2(**types)
    if not table.initialized:
        return handle
    keys, values = table.export()
    items = {
        "keys": graph.constant(keys, table.key_dtype, None),
        "values": graph.constant(values, table.value_dtype, None),
    }
    with graph.control_dependencies([raw.LookupTableImportV2(table_handle=handle, **items)]):
        return raw.Identity(input=handle)


class _Rebuilding:
    """Adds the operations of datasets to a graph.

    Args:
      graph: the graph.
      place: returns the tensor of a resource in the graph.
      numbered: whether operations are named by their types and numbers.
      assets: files that replace those of the same names.
    """

    def __init__(
        self,
        graph: Any,
        place: Callable[[Any, Resource], Any],
        numbered: bool = False,
        assets: Mapping[str, Asset] = MappingProxyType({}),
    ) -> None:
        self.graph, self._place, self._numbered, self._assets = graph, place, numbered, assets
        self._tensors: dict[int, Any] = {}

    def dataset(self, dataset: Pipeline) -> Any:
        """Returns the tensor of a dataset.

        Raises:
          UnimplementedError: no op made it.
        """
        tensor = self._tensors.get(id(dataset))
        if tensor is None:
            if dataset.made_by is None:
                raise UnimplementedError(f"{dataset.kind}: no operation can rebuild this dataset.")
            op, values = dataset.made_by
            inputs = [self._value(value) for value in nest.flatten(list(values))]
            tensor = self.graph.add(op, inputs, self._name(op.op_type)).outputs[0]
            self._tensors[id(dataset)] = tensor
        return tensor

    def _value(self, value: Any) -> Any:
        if isinstance(value, Pipeline):
            return self.dataset(value)
        if isinstance(value, Resource):
            if id(value) not in self._tensors:
                self._tensors[id(value)] = self._resource(value)
            return self._tensors[id(value)]
        if is_composite(value):
            return composite(value, self._constant)
        array = np.asarray(value, object if isinstance(value, bytes) else None)
        if self._assets and array.dtype == object and array.ndim < 2:
            paths = [self._assets.get(os.fsdecode(item)) for item in array.ravel()]
            if paths and all(paths):
                tensors = [self.graph.local(path.asset_path) for path in paths if path]
                return raw.Pack(values=tensors) if array.ndim else tensors[0]
        return self._constant(array)

    def _constant(self, array: np.ndarray) -> Any:
        return self.graph.constant(array, _dtype_of(array), self._name("Const"))

    def _resource(self, value: Resource) -> Any:
        if isinstance(value, MemoryCache):
            return raw.AnonymousMemoryCache()[0]
        if isinstance(value, SeedGenerator):
            numbers = [self._value(np.array(n, np.int64)) for n in value.given]
            again = self._value(np.array(value.reshuffle))
            return raw.AnonymousSeedGenerator(
                seed=numbers[0], seed2=numbers[1], reshuffle=again
            ).handle
        return self._place(self.graph, value)

    def _name(self, kind: str) -> str | None:
        return f"{kind}/_{len(self.graph._operations)}" if self._numbered else None


def _dtype_of(array: np.ndarray) -> DType:
    if array.dtype != object:
        return dtypes.as_dtype(array.dtype)
    items = array.ravel()
    if items.size and not isinstance(items[0], bytes):
        raise UnimplementedError(f"A graph cannot hold {items[0]!r}.")
    return dtypes.string


class VariantTracker(TrackableResource):
    """The variant of a dataset, which loading a SavedModel makes again."""

    def __init__(self, variant: EagerTensor) -> None:
        super().__init__()
        self._resource_handle = variant
        self._assets = {name: Asset(name) for name in files_of(variant._value)}

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        return children | {f"asset_{at}": asset for at, asset in enumerate(self._assets.values())}

    def _create_resource(self) -> Any:
        return rebuilt(self.resource_handle, self._assets)
