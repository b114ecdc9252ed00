"""The graph of a SavedModel, which servers run without the objects: their state, the signatures and the saver."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from penstock._src.autodiff.control_flow import call_function, inline
from penstock._src.core import dispatch, dtypes
from penstock._src.core.registry import raw
from penstock._src.eager.asset import Asset
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize.exporter import graph_def
from penstock._src.proto import saved as messages
from penstock._src.saving.object_graph import give_values, key_of, values_of
from penstock._src.saving.registered import get_registered_saver_name
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.assets import AssetFolder
from penstock._src.saving.saved_model.context import get_save_options
from penstock._src.saving.saved_model.object_values import WHOLE, Pair, acts_as_variable, names_for
from penstock._src.saving.saved_model.objects import (
    Constant,
    ModelObjects,
    is_resource,
    is_variable,
    traces_of,
)
from penstock._src.saving.saved_model.signatures import node_name
from penstock._src.saving.saved_model.writing.tensor_infos import info_of
from penstock._src.saving.saved_model.writing.variables import handle_of
from penstock._src.saving.serialized import tensor_of
from penstock._src.util import nest


class Program:
    """The graph of a SavedModel, which servers run without the objects."""

    def __init__(
        self, objects: ModelObjects, assets: AssetFolder, further: list[GraphFunction]
    ) -> None:
        self.objects, self._folder = objects, assets
        self.assets: dict[int, str] = {}  # number of an asset -> the name of its file
        self.further = further  # functions that belong to no object
        self.initializers: list[Any] = []
        self.graph = Graph()
        self.tensors: dict[int, Any] = {}  # number of an object -> its tensor in the graph
        self.names: dict[int, str] = {}
        self.exported: dict[int, Any] = {}  # number of an object -> its copy in the graph

    def fill(self, meta: Any) -> None:
        """Writes the graph, the signatures and the saver."""
        with dispatch.building(self.graph):
            # The function that creates a resource may use constants.
            for number, trackable in sorted(
                enumerate(self.objects.objects), key=lambda entry: is_resource(entry[1])
            ):
                self._add(number, trackable)
            for name, function in self.objects.signatures.functions.items():
                self._call(name, function, meta.signature_def[name])
            for number, trackable in enumerate(self.objects.objects):
                if is_resource(trackable):
                    self._initialize(number)
            with self.graph.control_dependencies(self.initializers):
                nothing = raw.NoOp(name="NoOp")
            self._saver(meta.saver_def)
        init = meta.signature_def[constants.INIT_OP_KEY]
        init.outputs[constants.INIT_OP_KEY].name = nothing.name
        init.outputs[constants.INIT_OP_KEY].tensor_shape.unknown_rank = True
        meta.collection_def[constants.MAIN_OP_KEY].node_list.value.append(nothing.name)
        for at, entry in self.assets.items():
            described = meta.asset_file_def.add(filename=entry)
            described.tensor_info.name = self.tensors[at].name
        functions = [f.graph_function for f in self.objects.concrete_functions()] + self.further
        meta.graph_def.CopyFrom(graph_def(self.graph, functions=functions))

    def _add(self, number: int, trackable: Any) -> None:
        if isinstance(trackable, Constant):
            self.tensors[number] = self.graph.constant(trackable.value, trackable.dtype, "Const")
            self.names[number] = self.tensors[number].op.name
        elif is_variable(trackable):
            handle = handle_of(trackable)
            name = self.graph.unique_name(_legal(handle.name or "Variable"), False)
            keeps_device = get_save_options().experimental_variable_policy._save_variable_devices()
            with dispatch.device(trackable.device if keeps_device else None):
                self.tensors[number] = raw.VarHandleOp(
                    dtype=handle.dtype, shape=handle.shape, shared_name=name, name=name
                )

        elif isinstance(trackable, Asset):
            path = os.fsdecode(Constant(trackable.asset_path).value[()])
            self.assets[number] = self._folder.add(path)
            value = _strings([path]).reshape(())
            self.tensors[number] = self.graph.constant(value, dtypes.string, "asset_path")
        elif acts_as_variable(trackable):
            copies: dict[Any, Any] = {}
            trackable._export_to_saved_model_graph(copies, {}, get_save_options())
            self.exported[number] = copies[trackable]
        elif is_resource(trackable):
            create = self._part(number, "_create_resource")
            # In the graph itself, where readers look for tables, not in a call.
            (self.tensors[number],) = inline(create.graph, self._captured(create), self.graph)

    def _part(self, number: int, name: str) -> ConcreteFunction:
        """The trace of an object's function."""
        return traces_of(dict(self.objects.children[number])[name])[0]

    def _captured(self, function: ConcreteFunction) -> list[Any]:
        """The tensors of the graph for what a function captured."""
        numbers = [self.objects.captured(t, function) for t in function.captured_inputs]
        return [self.tensors[number] for number in numbers]

    def _run(self, function: ConcreteFunction, arguments: list[Any]) -> Any:
        return call_function(function.graph_function, [*arguments, *self._captured(function)])

    def _initialize(self, number: int) -> None:
        self.initializers.extend(self._run(self._part(number, "_initialize"), []))

    def _call(self, name: str, function: ConcreteFunction, definition: Any) -> None:
        """Adds the call of a signature and describes it."""
        arguments = []
        for argument, model in zip(function.argument_names, function.inputs):
            placeholder = raw.Placeholder(
                dtype=model.dtype, shape=model.shape, name=node_name(f"{name}_{argument}")
            )
            definition.inputs[argument].CopyFrom(info_of(placeholder))
            arguments.append(placeholder)
        outputs = self._run(function, arguments)
        results = nest.pack_sequence_as(
            function.structured_outputs, list(outputs), expand_composites=True
        )
        for key, result in results.items():
            definition.outputs[key].CopyFrom(info_of(result))
        definition.method_name = constants.PREDICT_METHOD_NAME

    def _saver(self, definition: Any) -> None:
        """Adds the operations that save and restore the values of objects by checkpoint keys."""
        prefix = raw.Placeholder(dtype=dtypes.string, shape=[], name="saver_filename")
        saved = [
            entry
            for path, trackable in self.objects.view().items()
            for entry in self._values(path, trackable)
        ]
        savers = self.objects.savers
        path = self._joined(prefix, "_temp/part") if savers else prefix
        written = [self._write(path, saved)] if saved else []
        if savers:
            written = [self._merge(prefix, path, savers, written)]
        with self.graph.control_dependencies(written):
            done = raw.Identity(input=prefix)
        restored = [
            *self._read(prefix, saved),
            *(self._run_done(p.restore, [prefix]) for p in savers),
        ]
        with self.graph.control_dependencies(restored):
            finished = raw.NoOp(name="restore_all")
        definition.filename_tensor_name = prefix.name
        definition.save_tensor_name = done.name
        definition.restore_op_name = finished.name
        definition.version = messages.SaverDef.V2

    def _joined(self, prefix: Any, text: str) -> Any:
        end = self.graph.constant(_strings([text]).reshape(()), dtypes.string, "Const")
        return raw.StringJoin(inputs=[prefix, end])

    def _write(self, path: Any, saved: list[_Values]) -> Any:
        """The operation that writes values into one file."""
        keys = [key for entry in saved for key in entry.keys]
        return raw.SaveV2(
            prefix=path,
            tensor_names=_strings(keys),
            shape_and_slices=_strings([""] * len(keys)),
            tensors=[tensor for entry in saved for tensor in entry.tensors],
        )

    def _merge(self, prefix: Any, path: Any, savers: list[Pair], written: list[Any]) -> Any:
        """The operation that merges the file of values with those of registered savers."""
        parts = [path] if written else []
        for number, pair in enumerate(savers):
            parts += self._run(pair.save, [self._joined(prefix, f"_temp/saver_{number}")])
        with self.graph.control_dependencies(written):
            return raw.MergeV2Checkpoints(
                checkpoint_prefixes=raw.Pack(values=parts),
                destination_prefix=prefix,
                delete_old_dirs=True,
            )

    def _read(self, prefix: Any, saved: list[_Values]) -> list[Any]:
        """The operations that restore values from a file."""
        keys = [key for entry in saved for key in entry.keys]
        if not keys:
            return []
        restored = iter(
            raw.RestoreV2(
                prefix=prefix,
                tensor_names=_strings(keys),
                shape_and_slices=_strings([""] * len(keys)),
                dtypes=[tensor.dtype for entry in saved for tensor in entry.tensors],
            )
        )
        return [entry.restore([next(restored) for _ in entry.keys]) for entry in saved]

    def _values(self, path: Any, trackable: Any) -> Iterator[_Values]:
        """The values of an object in the graph."""
        number = self.objects.add(trackable)
        if get_registered_saver_name(trackable) is not None:
            return
        if number in self.exported:
            yield self._values_of_exported(path, self.exported[number])
        elif is_variable(trackable):
            handle = self.tensors[number]
            value = raw.ReadVariableOp(resource=handle, dtype=handle_of(trackable).dtype)

            def assign(tensors: list[Any]) -> Any:
                return raw.AssignVariableOp(resource=handle, value=tensors[0])

            yield _Values([key_of(path, "VARIABLE_VALUE")], [value], assign)
        for name, pair in self.objects.value_functions.get(number, {}).items():
            restore = functools.partial(self._run_done, pair.restore)
            if name == WHOLE:
                names = sorted(pair.save.graph.structured_outputs)
                tensors = self._run(pair.save, [])
                yield _Values([key_of(path, n) for n in names], list(tensors), restore)
            else:
                key = key_of(path, name)
                keys = [text for text, _ in names_for(pair.save, key)]
                outputs = self._run(
                    pair.save,
                    [self.graph.constant(_strings([key]).reshape(()), dtypes.string, "Const")],
                )
                forms = nest.pack_sequence_as(pair.save.graph.structured_outputs, list(outputs))
                yield _Values(keys, [entry["tensor"] for entry in forms], restore)

    @staticmethod
    def _values_of_exported(path: Any, trackable: Any) -> _Values:
        """The values of an object that put itself into the graph."""
        values = values_of(trackable)

        def restore(tensors: list[Any]) -> Any:
            return give_values(trackable, dict(zip(values, tensors, strict=True))).op

        keys = [key_of(path, name) for name in values]
        return _Values(keys, [tensor_of(name, value) for name, value in values.items()], restore)

    def _run_done(self, function: ConcreteFunction, arguments: list[Any]) -> Any:
        """The operation that calls a function."""
        return self._run(function, arguments)[0].op


class _Values(NamedTuple):
    """Values in a graph by keys of checkpoints, and their restore operations."""

    keys: list[str]
    tensors: list[Any]
    restore: Callable[[list[Any]], Any]


def _strings(texts: list[str]) -> np.ndarray:
    array = np.empty(len(texts), object)
    array[:] = [text.encode() for text in texts]
    return array


def _legal(name: str) -> str:
    cleaned = "".join(c if c.isalnum() or c in "._-/" else "_" for c in name)
    return cleaned if cleaned[:1].isalnum() else f"v{cleaned}"
