"""Loads a SavedModel of TensorFlow 1, a graph and the values of its variables, as an object with functions.

The graph is imported into a function. Stateful objects (variables, tables) are created once outside and captured, so
that all signatures share them; restoring and initializing run the graph's own operations.
"""

import os
from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.asset import Asset
from penstock._src.eager.variable import Variable
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.graph.serialize.importer import import_graph_def
from penstock._src.graph.trace import recording
from penstock._src.ops.io.bundle import index_name
from penstock._src.proto.graph import GraphDef
from penstock._src.proto.saved import VariableDef
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.load import empty_variable
from penstock._src.util import nest, slots
from penstock._src.v1.saving.signature_defs import get_tensor_from_tensor_info
from penstock._src.v1.saving.wrapped import WrappedFunction

# Assignments to reference variables, and to resource variables.
_ASSIGNMENTS = {
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
}


class Initializer(AutoTrackable):
    """Fills the tables of a program; `loaded.initializer`."""

    def __init__(self, function: WrappedFunction, assets: list[Asset]) -> None:
        super().__init__()
        self._run, self._assets = function, assets

    def _initialize(self) -> Any:
        return self._run(*[asset.asset_path for asset in self._assets])


class Program:
    """One program of a SavedModel of TensorFlow 1.

    Args:
      meta: its MetaGraphDef.
      folder: the folder of the SavedModel.
    """

    def __init__(self, meta: Any, folder: str) -> None:
        self.meta, self.folder = meta, folder
        self.variables: list[Variable] = []
        self.graph = FuncGraph("saved_model")
        with recording(self.graph):
            import_graph_def(without_references(meta.graph_def), name="")
        for node in self.graph.get_operations():
            if not node._inputs and [t.dtype for t in node._outputs] == [dtypes.resource]:
                self._lift(node)
        for variable in self.variables:
            self.graph.watch_variable(variable)
        self.wrapped = WrappedFunction(self.graph, [])
        self.wrapped._attributes["variables"] = self.variables  # keeps them alive

    def load(self, signature_map: Callable[[dict[str, Any]], Any]) -> AutoTrackable:
        """Returns the object, restored and initialized.

        Args:
          signature_map: creates `signatures` from the functions by name.
        """
        root = AutoTrackable()
        restore = self._restorer()
        if restore is not None:
            root.restore = lambda path: restore(convert_to_tensor(path))
            prefix = os.path.join(
                self.folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME
            )
            if os.path.exists(index_name(prefix)):
                restore(convert_to_tensor(prefix))
        root.initializer, root.asset_paths = self._initializer()
        root.initializer._initialize()
        signatures = {
            key: self._signature(definition)
            for key, definition in self.meta.signature_def.items()
            if key != constants.INIT_OP_KEY
        }
        root.signatures = signature_map(signatures)
        root.variables, root.graph, root.prune = self.variables, self.graph, self.wrapped.prune
        root._program = self.wrapped
        return root

    def _lift(self, node: Operation) -> None:
        """Creates the variable or table of a node, and captures it in place of the node."""
        (output,) = node._outputs
        attrs = {name: node.raw_op.attrs[name] for name in type(node.raw_op).attributes}
        if node.type == "VarHandleOp":
            name, trainable = self._saved_variables().get(node.name, (node.name, True))
            shape = node.raw_op.attrs["shape"]
            variable = empty_variable(node.raw_op.attrs["dtype"], shape, name, trainable)
            self.variables.append(variable)
            held = variable.handle
        else:
            held = slots.RUN_EAGERLY(type(node.raw_op), (), attrs)
        self.graph._captures[held._id] = (held, output)
        self.graph.inputs.append(output)

    def _saved_variables(self) -> dict[str, tuple[str, bool]]:
        """The names of variables, and whether they are trainable, by the operations of their handles."""
        found = {}
        for key in ("variables", "local_variables"):
            for data in self.meta.collection_def[key].bytes_list.value:
                saved = VariableDef.FromString(data)
                holder = (saved.snapshot_name or saved.variable_name).partition(":")[0]
                holder = holder.removesuffix("/Read/ReadVariableOp")
                name = saved.variable_name.partition(":")[0]
                found[holder] = found[name] = (name, saved.trainable)
        return found

    def _restorer(self) -> WrappedFunction | None:
        saver = self.meta.saver_def
        if not saver.restore_op_name:
            return None
        return self.wrapped.prune([saver.filename_tensor_name], [saver.restore_op_name])

    def _initializer(self) -> tuple[Initializer, list[Asset]]:
        feeds, assets = [], []
        for described in self.meta.asset_file_def:
            feeds.append(described.tensor_info.name)
            path = os.path.join(self.folder, constants.ASSETS_DIRECTORY, described.filename)
            assets.append(Asset(path))
        operations = main_operations(self.meta)
        if not operations:
            operations = list(self.meta.collection_def["table_initializer"].node_list.value)
        return Initializer(self.wrapped.prune(feeds, operations), assets), assets

    def _signature(self, definition: Any) -> WrappedFunction:
        """Creates the function of a SignatureDef, from named tensors to a dict of tensors."""
        names, feeds = [], []
        for key in sorted(definition.inputs):
            found = get_tensor_from_tensor_info(definition.inputs[key], self.graph)
            parts = nest.flatten(found, expand_composites=True)
            of_sparse = [f"{key}_{part}" for part in ("indices", "values", "dense_shape")]
            names += [key] if parts == [found] else of_sparse
            feeds += parts
        fetches = {
            key: get_tensor_from_tensor_info(info, self.graph)
            for key, info in definition.outputs.items()
        }
        made = self.wrapped.prune(feeds, fetches)
        made.name_inputs(names)
        return made


def without_references(graph_def: Any) -> Any:
    """Returns the GraphDef with resource variables in place of reference variables.

    Consumers of a variable's value get an explicit read operation.
    """
    made = GraphDef()
    made.CopyFrom(graph_def)
    holders = {n.name: n for n in made.node if n.op in ("VariableV2", "Variable")}
    for node in list(made.node):
        for at, source in enumerate(node.input):
            name = source.removesuffix(":0")
            if name not in holders or (at == 0 and node.op in _ASSIGNMENTS):
                continue
            if node.op == "Identity":
                node.op = "ReadVariableOp"
                node.attr["dtype"].CopyFrom(node.attr["T"])
                del node.attr["T"]
            else:
                node.input[at] = _read_of(made, holders[name])
    for node in made.node:
        if node.op in _ASSIGNMENTS and node.input[0].removesuffix(":0") in holders:
            node.op = _ASSIGNMENTS[node.op]
            node.attr["dtype"].CopyFrom(node.attr["T"])
            for name in [n for n in node.attr if n not in ("dtype", "validate_shape", "_class")]:
                del node.attr[name]
    for node in holders.values():
        node.op = "VarHandleOp"
    return made


def _read_of(made: Any, holder: Any) -> str:
    """Returns the name of the operation that reads a variable; adds the operation if it is missing."""
    name = f"{holder.name}/ReadVariableOp"
    if all(node.name != name for node in made.node):
        read = made.node.add(name=name, op="ReadVariableOp", input=[holder.name])
        read.attr["dtype"].CopyFrom(holder.attr["dtype"])
    return name


def main_operations(definition: Any) -> list[str]:
    """The names of the operations to run after loading."""
    if constants.INIT_OP_KEY in definition.signature_def:
        return [definition.signature_def[constants.INIT_OP_KEY].outputs[constants.INIT_OP_KEY].name]
    for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
        if key in definition.collection_def:
            return list(definition.collection_def[key].node_list.value)
    return []
