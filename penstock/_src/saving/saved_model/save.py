"""tf.saved_model.save."""

import inspect
import logging
import os
import re
from enum import Enum
from typing import Any

import numpy as np

from penstock._src.api.config.build import GIT_VERSION
from penstock._src.core import dispatch, dtypes
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.asset import Asset
from penstock._src.eager.variable import VariableAggregation, VariableSynchronization
from penstock._src.function import structured_values
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.serialize.attributes import shape_to_proto
from penstock._src.graph.serialize.exporter import graph_def
from penstock._src.ops.io.bundle import write_bundle
from penstock._src.proto import saved as messages
from penstock._src.saving import metrics
from penstock._src.saving.object_graph import ObjectView, key_of
from penstock._src.saving.registered import get_registered_class_name
from penstock._src.saving.saved_model import constants, fingerprints
from penstock._src.saving.saved_model import signatures as signature_tools
from penstock._src.saving.saved_model.assets import AssetFolder
from penstock._src.saving.saved_model.context import save_context
from penstock._src.saving.saved_model.custom_gradients import (
    CapturedTensor,
    SavedGradient,
    traced,
)
from penstock._src.saving.saved_model.objects import (
    Constant,
    ModelObjects,
    handle_of,
    identifier_of,
    is_resource,
    is_variable,
    traces_of,
)
from penstock._src.saving.saved_model.tensor_infos import info_of
from penstock._src.saving.serialized import registered_arrays, serialized
from penstock._src.saving.sharding import stored
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.files.whole import written_whole
from penstock._src.version import VERSION

# Where TensorFlow logs what it says about saving.
log = logging.getLogger("absl")
_AUTO, _NONE = VariableSynchronization.AUTO, VariableAggregation.NONE


@export("saved_model.save", v1=["saved_model.save", "saved_model.experimental.save"])
def save(
    obj: Any, export_dir: Any, signatures: Any = None, options: constants.SaveOptions | None = None
) -> None:
    """Writes an object with its variables and tf.functions into a folder.

    Args:
      obj: a Trackable: tf.Module, a Keras model, tf.train.Checkpoint.
      export_dir: the folder.
      signatures: the functions for serving: a tf.function with an input signature, a ConcreteFunction, or a dict of them.
      options: SaveOptions.

    Raises:
      ValueError: `obj` is not a Trackable, or a signature has no fixed types.
      AssertionError: called in a graph, or a function uses a variable that is not reachable from `obj`.
    """
    if STATE.graph is not None and STATE.graph.building_function:
        raise AssertionError(
            "tf.saved_model.save is not supported inside a traced @tf.function. Move the call to "
            "the outer eagerly-executed context."
        )
    if not isinstance(obj, Trackable):
        raise ValueError(
            f"Expected an object of type `Trackable`, such as `tf.Module` or a subclass of the `Trackable` class, for export. Got {obj} with type {type(obj)}."
        )
    save_and_return_nodes(obj, export_dir, signatures, options)


def save_and_return_nodes(
    obj: Any,
    export_dir: Any,
    signatures: Any = None,
    options: constants.SaveOptions | None = None,
    experimental_skip_checkpoint: bool = False,
) -> tuple[list[Any], dict[Any, tuple[Any, ...]]]:
    """Writes a SavedModel; returns its objects in the order of their numbers, and the path to each.

    Args:
      obj, export_dir, signatures, options: as of `save`.
      experimental_skip_checkpoint: whether the values of variables are left out.
    """
    options = options or constants.SaveOptions()
    metrics.COUNTS["write_api", metrics.SAVE_V2] += 1
    with save_context(options):
        objects = _save(
            obj, os.fsdecode(export_dir), signatures, options, not experimental_skip_checkpoint
        )
    metrics.COUNTS["write", "2"] += 1
    metrics.LATEST["write_path"] = os.fsdecode(export_dir)
    return objects.objects, objects.node_paths()


def _save(
    obj: Any, folder: str, signatures: Any, options: constants.SaveOptions, with_values: bool
) -> ModelObjects:
    chosen = signature_tools.canonical(obj, signatures)
    objects = ModelObjects(obj, signature_tools.wrapped(chosen))
    saved = messages.SavedModel(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
    meta = saved.meta_graphs.add()
    meta.meta_info_def.tags.append(constants.SERVING)
    meta.meta_info_def.tags.extend(options.extra_tags or ())
    meta.meta_info_def.tensorflow_version = VERSION
    meta.meta_info_def.tensorflow_git_version = GIT_VERSION
    for alias, aliased in options.function_aliases.items():
        for function in aliased if isinstance(aliased, list) else [aliased]:
            for concrete in traces_of(function):
                meta.meta_info_def.function_aliases[concrete.name] = alias
    gradients: list[SavedGradient] = []
    if options.experimental_custom_gradients:
        gradients = traced(objects.concrete_functions(), objects.captured)
    program = _Program(objects, AssetFolder(folder), [g.function for g in gradients])
    program.fill(meta)
    _fill_objects(meta.object_graph_def, objects, program)
    for gradient in gradients:
        gradient.fill(meta)
    for part in (constants.VARIABLES_DIRECTORY, constants.ASSETS_DIRECTORY):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    prefix = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    if with_values:
        _write_values(objects.view(), prefix)
    data = saved.SerializeToString(deterministic=True)
    path = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)
    with written_whole(path) as file:
        file.write(data)
    fingerprints.write(folder, meta, data)
    _report_untraced(objects)
    _report_renamed(objects)
    return objects


def _report_renamed(objects: ModelObjects) -> None:
    """Logs which names of inputs the format has no room for."""
    for function in objects.objects:
        specs = function.input_signature if isinstance(function, Function) else None
        given = [s.name for s in nest.flatten(specs) if isinstance(s, TensorSpec) and s.name]
        renamed = {n: new for n in given if (new := re.sub(r"\W", "_", n).lower()) != n}
        if renamed:
            log.info(
                "Function `%s` contains input name(s) %s with unsupported characters which will be renamed to %s in the "
                "SavedModel.",
                function._name,
                ", ".join(renamed),
                ", ".join(renamed.values()),
            )


def _report_untraced(objects: ModelObjects) -> None:
    """Logs which functions cannot be called after loading."""
    names = [f._name for f in objects.objects if isinstance(f, Function) and not traces_of(f)]
    if names:
        log.info(
            "Found untraced functions such as %s while saving (showing %d of %d). These functions will not be directly "
            "callable after loading.",
            ", ".join(names[:5]),
            min(5, len(names)),
            len(names),
        )


def _write_values(view: ObjectView, prefix: str) -> None:
    """Writes the variables as a checkpoint, under their objects' names in the SavedModel."""
    found = serialized(view)
    tensors = {**found.arrays(), **registered_arrays(found.registered, prefix)}
    write_bundle(prefix, stored(tensors))


class _Program:
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

    def fill(self, meta: Any) -> None:
        """Writes the graph, the signatures and the saver."""
        with dispatch.building(self.graph):
            for number, found in enumerate(self.objects.objects):
                self._add(number, found)
            for name, function in self.objects.signatures.functions.items():
                self._call(name, function, meta.signature_def[name])
            for number, found in enumerate(self.objects.objects):
                if is_resource(found):
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

    def _add(self, number: int, found: Any) -> None:
        if isinstance(found, Constant):
            self.tensors[number] = self.graph.constant(found.value, found.dtype, "Const")
            self.names[number] = self.tensors[number].op.name
        elif is_variable(found):
            handle = handle_of(found)
            name = self.graph.unique_name(_legal(handle.name or "Variable"), False)
            self.tensors[number] = raw.VarHandleOp(
                dtype=handle.dtype, shape=handle.shape, shared_name=name, name=name
            )

        elif isinstance(found, Asset):
            path = os.fsdecode(Constant(found.asset_path).value[()])
            self.assets[number] = self._folder.add(path)
            value = _strings([path]).reshape(())
            self.tensors[number] = self.graph.constant(value, dtypes.string, "asset_path")
        elif is_resource(found):
            create = self._part(number, "_create_resource")
            (self.tensors[number],) = self._run(create, [])

    def _part(self, number: int, name: str) -> ConcreteFunction:
        """The trace of an object's function."""
        return traces_of(dict(self.objects.children[number])[name])[0]

    def _run(self, function: ConcreteFunction, arguments: list[Any]) -> Any:
        captured = [
            self.tensors[self.objects.captured(tensor, function)]
            for tensor in function.captured_inputs
        ]
        return raw.StatefulPartitionedCall(
            args=[*arguments, *captured],
            Tout=[t.dtype for t in function.outputs],
            f=function.graph_function,
            name="StatefulPartitionedCall",
        )

    def _initialize(self, number: int) -> None:
        self.initializers.extend(self._run(self._part(number, "_initialize"), []))

    def _call(self, name: str, function: ConcreteFunction, definition: Any) -> None:
        """Adds the call of a signature and describes it."""
        arguments = []
        for argument, model in zip(function.argument_names, function.inputs):
            placeholder = raw.Placeholder(
                dtype=model.dtype, shape=model.shape, name=f"{name}_{argument}"
            )
            definition.inputs[argument].CopyFrom(info_of(placeholder))
            arguments.append(placeholder)
        results = nest.pack_sequence_as(
            function.structured_outputs, self._run(function, arguments), expand_composites=True
        )
        for key, value in results.items():
            definition.outputs[key].CopyFrom(info_of(value))
        definition.method_name = constants.PREDICT_METHOD_NAME

    def _saver(self, definition: Any) -> None:
        """Adds the operations that save and restore the variables by checkpoint keys."""
        view = self.objects.view()
        keys, handles = [], []
        for path, found in view.items():
            if is_variable(found):
                keys.append(key_of(path, "VARIABLE_VALUE"))
                handles.append(self.objects.add(found))
        prefix = raw.Placeholder(dtype=dtypes.string, shape=[], name="saver_filename")
        names, slices = _strings(keys), _strings([""] * len(keys))
        types = [handle_of(self.objects.objects[n]).dtype for n in handles]
        values = [
            raw.ReadVariableOp(resource=self.tensors[n], dtype=dtype)
            for n, dtype in zip(handles, types)
        ]
        if keys:
            written = raw.SaveV2(
                prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=values
            )
            with self.graph.control_dependencies([written]):
                done = raw.Identity(input=prefix)
            restored = raw.RestoreV2(
                prefix=prefix, tensor_names=names, shape_and_slices=slices, dtypes=types
            )
            assigned = [
                raw.AssignVariableOp(resource=self.tensors[n], value=value)
                for n, value in zip(handles, restored, strict=True)
            ]
        else:
            done, assigned = raw.Identity(input=prefix), []
        with self.graph.control_dependencies(assigned):
            finished = raw.NoOp(name="restore_all")
        definition.filename_tensor_name = prefix.name
        definition.save_tensor_name = done.name
        definition.restore_op_name = finished.name
        definition.version = messages.SaverDef.V2


def _strings(texts: list[str]) -> np.ndarray:
    made = np.empty(len(texts), object)
    made[:] = [text.encode() for text in texts]
    return made


def _legal(name: str) -> str:
    cleaned = "".join(c if c.isalnum() or c in "._-/" else "_" for c in name)
    return cleaned if cleaned[:1].isalnum() else f"v{cleaned}"


def _fill_objects(graph: Any, objects: ModelObjects, program: _Program) -> None:
    for number, found in enumerate(objects.objects):
        node = graph.nodes.add()
        for name, child in objects.children[number]:
            node.children.add(node_id=objects.add(child), local_name=name)
        if get_registered_class_name(found) is not None:
            needed = found._deserialization_dependencies(dict(objects.children[number]))
            for name, child in needed.items():
                node.dependencies.add(node_id=objects.add(child), local_name=name)
        _fill_object(node, number, found, program)
    for function in objects.concrete_functions():
        entry = graph.concrete_functions[function.name]
        for tensor in function.captured_inputs:
            entry.bound_inputs.append(objects.captured(tensor, function))
        entry.canonicalized_input_signature.CopyFrom(
            structured_values.encode(_input_signature(function))
        )
        outputs = _output_signature(function)
        entry.output_signature.CopyFrom(structured_values.encode(outputs))


def _fill_object(node: Any, number: int, found: Any, program: _Program) -> None:
    if isinstance(found, Constant):
        node.constant.operation = program.names[number]
    elif isinstance(found, CapturedTensor):
        node.captured_tensor.name = found.name
        node.captured_tensor.concrete_function = found.concrete_function
    elif isinstance(found, Function):
        node.function.concrete_functions.extend(f.name for f in traces_of(found))
        _fill_spec(node.function.function_spec, found)
    elif isinstance(found, ConcreteFunction):
        bare = node.bare_concrete_function
        bare.concrete_function_name = found.name
        bare.argument_keywords.extend(found.argument_names)
        bare.allowed_positional_arguments = found._num_positional_args
        _fill_spec_of_trace(bare.function_spec, found)
    elif isinstance(found, Asset):
        node.asset.asset_file_def_index = list(program.assets).index(number)
    elif is_resource(found):
        node.resource.device = getattr(found, "_resource_device", "")
    elif is_variable(found):
        handle = handle_of(found)
        node.variable.dtype = handle.dtype.as_datatype_enum
        node.variable.shape.CopyFrom(shape_to_proto(handle.shape))
        node.variable.trainable = bool(getattr(found, "trainable", True))
        node.variable.synchronization = _policy(found, "synchronization", _AUTO)
        node.variable.aggregation = _policy(found, "aggregation", _NONE)
        node.variable.name = handle.name
    else:
        node.user_object.identifier = identifier_of(found)
        node.user_object.version.producer = 1
        node.user_object.version.min_consumer = 1
    name = get_registered_class_name(found)
    if name is not None:
        node.registered_name = name
        message = found._serialize_to_proto(object_proto=node)
        if message is not None:
            node.serialized_user_proto.Pack(message)


def _policy(variable: Any, attribute: str, default: Enum) -> int:
    """A variable's policy under a strategy as the format's number; Keras's variables have its name."""
    held = getattr(variable, attribute, default)
    return (type(default)[held.upper()] if isinstance(held, str) else held).value


def _input_signature(function: ConcreteFunction) -> tuple[Any, Any]:
    """(positional, keyword) arguments, where tensors have the names of the function's inputs."""
    args, kwargs = function.structured_input_signature
    return tuple(args), dict(kwargs)


def _output_signature(function: ConcreteFunction) -> Any:
    """The structure of the results, with a TensorSpec for every tensor."""

    def spec(value: Any) -> Any:
        if hasattr(value, "_type_spec"):
            return value._type_spec
        if value is None:
            return None
        return TensorSpec(value.shape, value.dtype)

    return nest.map_structure(spec, function.structured_outputs)


def _fill_spec(spec: Any, function: Function) -> None:
    """Fills in the parameters of the Python function, from `inspect.getfullargspec`."""
    called = function.python_function
    while isinstance(called, Function):
        called = called.python_function
    full = inspect.getfullargspec(called)
    names = list(full.args)
    if inspect.ismethod(called) and names:
        names = names[1:]
    defaults = full.defaults if full.defaults is None else tuple(map(_default, full.defaults))
    keyword_defaults = full.kwonlydefaults and {
        k: _default(v) for k, v in full.kwonlydefaults.items()
    }
    described = inspect.FullArgSpec(
        names, full.varargs, full.varkw, defaults, list(full.kwonlyargs), keyword_defaults, {}
    )
    spec.fullargspec.CopyFrom(structured_values.encode(described))
    if function._jit_compile is not None:
        spec.jit_compile = spec.ON if function._jit_compile else spec.OFF
    given = function.input_signature
    spec.input_signature.CopyFrom(structured_values.encode(given))


def _fill_spec_of_trace(spec: Any, function: ConcreteFunction) -> None:
    """Fills in the parameters of a trace: those of the Python function, without defaults."""
    args, kwargs = function.structured_input_signature
    names = [name for name, _ in function.parameters]
    described = inspect.FullArgSpec(
        names[: len(args)], None, None, None, [n for n in names if n in kwargs], None, {}
    )
    spec.fullargspec.CopyFrom(structured_values.encode(described))
    spec.input_signature.CopyFrom(structured_values.encode(None))


def _default(value: Any) -> Any:
    """A default value in a form that the format supports."""
    try:
        structured_values.encode(value)
    except TypeError:
        return None
    return value
