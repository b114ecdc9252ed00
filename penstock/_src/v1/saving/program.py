"""Loads a SavedModel of TensorFlow 1, a graph and the values of its variables, as an object with functions.

The graph is imported into a function. Stateful objects (variables, tables) are created once outside and captured, so
that all signatures share them; restoring and initializing run the graph's own operations.
"""

import itertools
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.calls.consent import Consent, asked_for
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.registry import raw
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.asset import Asset
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.eager.variable import Variable
from penstock._src.filesystems.files import exists
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.graph.serialize.graph_defs import add_graph_def
from penstock._src.graph.trace import recording
from penstock._src.ops.io.bundle import index_name
from penstock._src.proto.graph import GraphDef
from penstock._src.proto.saved import AssetFileDef, VariableDef
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.load import empty_variable
from penstock._src.util import nest
from penstock._src.v1.saving.signature_defs import get_tensor_from_tensor_info
from penstock._src.v1.saving.wrapped import UnliftableError, WrappedFunction

# The result of initializing that a session can fetch.
_ANCHOR = "dummy_fetch"
_LOADED = itertools.count()
# Assignments to reference variables, and to resource variables.
_ASSIGNMENTS = {
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
}


class Initializer(TrackableResource):
    """Fills the tables of a program; `loaded.initializer`."""

    def __init__(self, function: WrappedFunction, assets: list[Asset]) -> None:
        super().__init__()
        self._run, self._assets = function, assets

    def _create_resource(self) -> Any:
        return convert_to_tensor(1.0)  # a SavedModel expects a result

    def _initialize(self) -> Any:
        return self._run(*[asset.asset_path for asset in self._assets])


class _Shared(TrackableResource):
    """A resource that an operation of a program makes, such as a lookup table.

    Args:
      node: the operation.
    """

    def __init__(self, node: Operation) -> None:
        super().__init__()
        self._type = node.type
        self._attributes = {name: node.raw_op.attrs[name] for name in type(node.raw_op).attributes}
        if "shared_name" in self._attributes:  # programs that are loaded twice share nothing
            name = self._attributes["shared_name"] or node.name
            self._attributes["shared_name"] = f"{name}_load_{next(_LOADED)}"

    def _create_resource(self) -> Any:
        return getattr(raw, self._type)(**self._attributes)


class Program:
    """One program of a SavedModel of TensorFlow 1.

    Args:
      meta: its MetaGraphDef.
      folder: the folder of the SavedModel.
      consent: permissions beyond computing, such as reading files.
    """

    def __init__(self, meta: Any, folder: str, consent: Consent) -> None:
        self.meta, self.folder = meta, folder
        self.variables: list[Variable] = []
        self.local: list[Variable] = []
        self.resources: list[_Shared] = []
        self.graph = FuncGraph("saved_model")
        with recording(self.graph):
            add_graph_def(without_references(meta.graph_def), name="", consent=consent)
            self.graph.constant(np.zeros((), np.float32), dtypes.float32, _ANCHOR)
        self._saved = self._saved_variables()
        for node in self.graph.get_operations():
            if not node._inputs and [t.dtype for t in node._outputs] == [dtypes.resource]:
                self._lift(node)
        for variable in self.variables:
            self.graph.watch_variable(variable)
        self.wrapped = WrappedFunction(self.graph, [])
        # Keeps them alive.
        self.wrapped._attributes["variables"] = self.variables, self.resources

    def load(
        self, signature_map: Callable[[dict[str, Any]], Any], restores: bool = True
    ) -> AutoTrackable:
        """Returns the object, restored and initialized.

        Args:
          signature_map: creates `signatures` from the functions by name.
          restores: whether variables get their saved values.
        """
        root = AutoTrackable()
        restore = self._restorer()
        if restore is not None:
            root.restore = partial(_restored, restore)
            prefix = os.path.join(
                self.folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME
            )
            if restores and exists(index_name(prefix)):
                self._in_graph("saved_model_initializers", root.restore(prefix)[0], self.variables)
        root.initializer, root.asset_paths = self._initializer()
        self._in_graph("table_initializer", root.initializer._initialize()[0], self.local)
        signatures = {
            key: self._signature(key, definition)
            for key, definition in self.meta.signature_def.items()
            if key != constants.INIT_OP_KEY
        }
        root.signatures = signature_map(signatures)
        root.variables, root.graph, root.prune = self._listed(), self.graph, self.wrapped.prune
        if self.resources:
            root._resources = self.resources
        return root

    @staticmethod
    def _in_graph(collection: str, done: Any, variables: list[Variable]) -> None:
        """In a graph, register the operation that restores or initializes variables for sessions."""
        if isinstance(done, SymbolicTensor):
            done.graph.add_to_collection(collection, done)
            for variable in variables:
                variable._initializer = done.op

    def _lift(self, node: Operation) -> None:
        """Creates the variable or table of a node, and captures it in place of the node."""
        (output,) = node._outputs
        if node.type == "VarHandleOp":
            handle = self._variable(node).handle
        else:
            self.resources.append(_Shared(node))
            handle = self.resources[-1].resource_handle
        self.graph._captured[handle._id] = (handle, output)
        self.graph.inputs.append(output)

    def _variable(self, node: Operation) -> Variable:
        attrs = node.raw_op.attrs
        name, trainable, is_local = self._saved.get(node.name, (node.name, True, False))
        variable = empty_variable(attrs["dtype"], attrs["shape"], name, trainable)
        self.variables.append(variable)
        if is_local:
            self.local.append(variable)
        if in_v1_graph():  # whether to train it is for those who build on it
            for key in ("variables", "trainable_variables"):
                collection = STATE.graph.get_collection_ref(key)
                collection[:] = [other for other in collection if other is not variable]
            STATE.graph.add_to_collection("local_variables" if is_local else "variables", variable)
        return variable

    def _listed(self) -> list[Variable]:
        """The variables that the object shows: as in TensorFlow, not those that were references."""
        nodes = [n.name for n in self.meta.graph_def.node if n.op == "VarHandleOp"]
        shown = {self._saved.get(name, (name,))[0] for name in nodes}
        return [v for v in self.variables if v.name.partition(":")[0] in shown]

    def _saved_variables(self) -> dict[str, tuple[str, bool, bool]]:
        """The names of variables, whether they are trainable, and local, by the operations of their handles."""
        descriptions = {}
        for key in ("variables", "local_variables"):
            for data in self.meta.collection_def[key].bytes_list.value:
                saved = VariableDef.FromString(data)
                holder = (saved.snapshot_name or saved.variable_name).partition(":")[0]
                holder = holder.removesuffix("/Read/ReadVariableOp")
                name = saved.variable_name.partition(":")[0]
                described = name, saved.trainable, key == "local_variables"
                descriptions[holder] = descriptions[name] = described
        return descriptions

    def _restorer(self) -> Any:
        """The function of a path that restores the variables, and returns the path; None if there are none."""
        saver = self.meta.saver_def
        if not saver.restore_op_name:
            # Modules of TensorFlow Hub have no saver: their variables are restored by name.
            saved = [
                variable
                for variable in self.variables
                if all(variable is not other for other in self.local)
            ]
            return partial(_restored_by_name, saved) if saved else None
        path = saver.filename_tensor_name
        return self.wrapped.prune([path], [path, saver.restore_op_name])

    def _initializer(self) -> tuple[Initializer, list[Asset]]:
        feeds, assets = [], []
        for described in asset_files(self.meta):
            feeds.append(described.tensor_info.name)
            path = os.path.join(self.folder, constants.ASSETS_DIRECTORY, described.filename)
            assets.append(Asset(path))
        operations = main_operations(self.meta)
        if not operations:
            operations = list(self.meta.collection_def["table_initializer"].node_list.value)
        fetches = [f"{_ANCHOR}:0", *operations]
        return Initializer(self.wrapped.prune(feeds, fetches), assets), assets

    def _signature(self, key: str, definition: Any) -> WrappedFunction:
        """Creates the function of a SignatureDef, from named tensors to a dict of tensors."""
        names, feeds = [], []
        for name in sorted(definition.inputs):
            tensor = get_tensor_from_tensor_info(definition.inputs[name], self.graph)
            names += _argument_names(name, tensor)
            feeds += nest.flatten(tensor, expand_composites=True)
        fetches = {
            name: get_tensor_from_tensor_info(info, self.graph)
            for name, info in definition.outputs.items()
        }
        try:
            function = self.wrapped.prune(feeds, fetches)
        except UnliftableError as error:
            raise UnliftableError(
                f"{self.folder}: A SavedModel signature needs an input for each placeholder the signature's outputs use. "
                f"An output for signature '{key}' depends on a placeholder which is not an input (i.e. the placeholder is "
                f"not fed a value).\n\n{error}"
            ) from None
        function.name_inputs(names)
        return function


def _restored_by_name(variables: list[Variable], path: Any) -> Any:
    """Restores variables from a checkpoint by name; returns the path."""
    path = convert_to_tensor(path)
    values = raw.RestoreV2(
        prefix=path,
        tensor_names=[variable.name.partition(":")[0] for variable in variables],
        shape_and_slices=[""] * len(variables),
        dtypes=[variable.dtype for variable in variables],
    )
    done = [
        variable.assign(value, read_value=False)
        for variable, value in zip(variables, values, strict=True)
    ]
    with control_dependencies([one for one in done if one is not None]):
        return [raw.Identity(input=path)]


def _restored(restore: Any, path: Any) -> Any:
    """Restores the variables from the checkpoint that the caller names."""
    path = convert_to_tensor(path)
    if not isinstance(path, EagerTensor):
        return restore(path)
    with asked_for(os.fsdecode(path.numpy())):
        return restore(path)


def _argument_names(name: str, argument: Any) -> list[str]:
    """The names of the tensors of a signature's input."""
    if isinstance(argument, SparseTensor):
        return [f"{name}_{part}" for part in ("indices", "values", "dense_shape")]
    if not nest.is_composite(argument):
        return [name]
    count = len(nest.flatten(argument, expand_composites=True))
    return [f"{name}_component_{at}" for at in range(count)]


def without_references(graph_def: Any) -> Any:
    """Returns the GraphDef with resource variables in place of reference variables.

    Consumers of a variable's value get an explicit read operation.
    """
    result = GraphDef()
    result.CopyFrom(graph_def)
    holders = {n.name: n for n in result.node if n.op in ("VariableV2", "Variable")}
    for node in list(result.node):
        for at, source in enumerate(node.input):
            name = source.removesuffix(":0")
            if name not in holders or (at == 0 and node.op in _ASSIGNMENTS):
                continue
            if node.op == "Identity":
                node.op = "ReadVariableOp"
                node.attr["dtype"].CopyFrom(node.attr["T"])
                del node.attr["T"]
            else:
                node.input[at] = _read_of(result, holders[name])
    for node in result.node:
        if node.op in _ASSIGNMENTS and node.input[0].removesuffix(":0") in holders:
            node.op = _ASSIGNMENTS[node.op]
            node.attr["dtype"].CopyFrom(node.attr["T"])
            for name in [n for n in node.attr if n not in ("dtype", "validate_shape", "_class")]:
                del node.attr[name]
    for node in holders.values():
        node.op = "VarHandleOp"
    return result


def _read_of(graph: Any, holder: Any) -> str:
    """Returns the name of the operation that reads a variable; adds the operation if it is missing."""
    name = f"{holder.name}/ReadVariableOp"
    if all(node.name != name for node in graph.node):
        read = graph.node.add(name=name, op="ReadVariableOp", input=[holder.name])
        read.attr["dtype"].CopyFrom(holder.attr["dtype"])
    return name


def asset_files(definition: Any) -> list[Any]:
    """The AssetFileDefs of a MetaGraphDef: its own, or those in the collection that older builders fill."""
    assets = list(definition.asset_file_def)
    if not assets and constants.ASSETS_KEY in definition.collection_def:
        for packed in definition.collection_def[constants.ASSETS_KEY].any_list.value:
            assets.append(AssetFileDef.FromString(packed.value))
    return assets


def main_operations(definition: Any) -> list[str]:
    """The names of the operations to run after loading."""
    if constants.INIT_OP_KEY in definition.signature_def:
        return [definition.signature_def[constants.INIT_OP_KEY].outputs[constants.INIT_OP_KEY].name]
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in definition.collection_def:
            return list(definition.collection_def[key].node_list.value)
    return []
