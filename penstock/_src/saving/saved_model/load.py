"""tf.saved_model.load."""

import functools
import itertools
import os
import sys
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.consent import Consent, consent_for
from penstock._src.core.calls.loading_limits import loading_limit
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.data_structures import ListWrapper, _TupleWrapper
from penstock._src.core.tracking.trackable import AutoTrackable, Trackable, wrap
from penstock._src.eager.asset import Asset
from penstock._src.eager.context import init_scope
from penstock._src.eager.execute import is_unobserved
from penstock._src.eager.restored_variables import variable_holding
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization
from penstock._src.filesystems.damaged import count_of, dtype_of
from penstock._src.filesystems.files import exists, matching_prefix, status
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.graph.func_graph import leave_out_names
from penstock._src.graph.serialize.attributes import shape_from_proto
from penstock._src.graph.serialize.importer import Library
from penstock._src.ops.io.bundle import index_name
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.saving import metrics
from penstock._src.saving.checkpoint import read_objects, reader_of_values
from penstock._src.saving.registered import get_registered_class, get_registered_saver_name
from penstock._src.saving.saved_model import (
    constants,
    custom_gradients,
    fingerprints,
    revived_types,
)
from penstock._src.saving.saved_model.files import of_file, pack_in, parsed
from penstock._src.saving.saved_model.object_values import WHOLE, Pair, RestoredSaveables
from penstock._src.saving.saved_model.objects import SignatureMap
from penstock._src.saving.saved_model.revived.functions import (
    RestoredFunction,
    RevivedConcreteFunction,
    python_signature,
    revive_concrete,
    structured_or_flat,
)
from penstock._src.saving.saved_model.revived.planned_calls import PlannedCalls
from penstock._src.saving.saved_model.selection import Selection, Setter
from penstock._src.util.export import export
from penstock._src.util.process import collector, forks
from penstock._src.util.signatures import hiding
from penstock._src.util.slots import above

_LOADED = itertools.count()


class _UserObject(AutoTrackable):
    """An object of a SavedModel, with the saved attributes."""


class _CallableUserObject(_UserObject):
    """An object of a SavedModel with a saved function `__call__`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the saved function `__call__`."""
        return self.__dict__["__call__"](*args, **kwargs)


class RestoredResource(TrackableResource):
    """A resource, such as a lookup table, that the functions saved with it make, fill and free."""

    def __init__(self, device: str = "") -> None:
        super().__init__(device)
        self._setattr_tracking = False

    def _create_resource(self) -> Any:
        raise RuntimeError("A resource of a SavedModel was used before its functions were loaded.")

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == "savedmodel":
            kinds = Function, Trackable  # a table's initializer has its vocabulary
            children.update(
                (n, value) for n, value in vars(self).items() if isinstance(value, kinds)
            )
        return children

    def __del__(self) -> None:
        destroy = self.__dict__.get("_destroy_resource")
        if destroy is not None and STATE.graph is None and not sys.is_finalizing():
            destroy()


@export("saved_model.load", v1=["saved_model.load_v2"])
@shortening
@hiding("allow")
def load(
    export_dir: Any,
    tags: Any = None,
    options: constants.LoadOptions | None = None,
    *,
    allow: str | Iterable[str] = (),
) -> Any:
    """Returns the object of a SavedModel, with its variables and functions, which may compute and read the model's files.

    Args:
      export_dir: the folder.
      tags: select one of several programs; by default the only one.
      options: LoadOptions.
      allow: what else its functions may do; see tf.saved_model.experimental.allow.

    Returns:
      An object with the saved attributes; its `signatures` are functions of named tensors.

    Raises:
      PermissionDeniedError: the model does something else while it is loaded; its functions raise this when they are called.

    >>> class Double(tf.Module):
    ...     @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    ...     def __call__(self, x):
    ...         return x * 2.0
    >>> tf.saved_model.save(Double(), "double")
    >>> tf.saved_model.load("double")(tf.constant(4.0)).numpy()
    np.float32(8.0)
    """
    return _load(export_dir, None, tags, options, allow)["root"]


@export("__internal__.saved_model.load_partial", v1=[])
def load_partial(
    export_dir: Any, filters: Any, tags: Any = None, options: constants.LoadOptions | None = None
) -> dict[str, Any]:
    """Returns objects of a SavedModel by their paths.

    Args:
      export_dir: the folder.
      filters: paths as "root.layer"; in a dict, with objects that take the place of the saved
        ones. None for the root.
      tags: select one of several programs; by default the only one.
      options: LoadOptions.

    Returns:
      A dict of the objects.

    Raises:
      ValueError: a function uses an object that is not below the paths, or the model is TensorFlow
        1's.
      AssertionError: the SavedModel lacks values of given objects, and `allow_partial_checkpoint`
        is not set.
    """
    return _load(export_dir, filters, tags, options, ())


def _load(
    export_dir: Any,
    filters: Any,
    tags: Any,
    options: constants.LoadOptions | None,
    allow: str | Iterable[str],
) -> dict[str, Any]:
    """See `load_partial` and `load`."""
    folder = os.fsdecode(export_dir)
    with loading_limit(f"the SavedModel {folder}"):
        return _loaded(folder, filters, tags, options or constants.LoadOptions(), allow)


def _loaded(
    folder: str,
    filters: Any,
    tags: Any,
    options: constants.LoadOptions,
    allow: str | Iterable[str],
) -> dict[str, Any]:
    consent = consent_for(f"the SavedModel {folder}", folder, allow)
    saved, digest = parsed(folder)
    meta = _chosen(saved, tags)
    of_objects = bool(meta.object_graph_def.nodes)
    metrics.COUNTS["read_api", metrics.LOAD_V2] += 1
    if not of_objects:
        metrics.COUNTS["read_api", metrics.LOAD_V1_IN_V2] += 1
        if filters:
            raise ValueError("Only the whole of a SavedModel of TensorFlow 1 can be loaded.")
    with collector.paused(), init_scope(), of_file(consent.origin, folder):
        if of_objects:
            objects = _load_objects(meta, digest, folder, options, filters, consent)
        else:
            restores = not options.experimental_skip_checkpoint
            objects = {"root": above("Program")(meta, folder, consent).load(SignatureMap, restores)}
    metrics.COUNTS["read", "2" if of_objects else "1"] += 1
    metrics.LATEST["read_path"] = folder
    fingerprints.note_read(folder)
    root = objects.get("root")
    if root is not None:
        root.tensorflow_version = meta.meta_info_def.tensorflow_version
        root.tensorflow_git_version = meta.meta_info_def.tensorflow_git_version
        root.graph_debug_info = None
    return objects


def _load_objects(
    meta: Any,
    digest: str,
    folder: str,
    options: constants.LoadOptions,
    filters: Any,
    consent: Consent,
) -> dict[str, Any]:
    selection = Selection(meta.object_graph_def, filters)
    loader = _Loader(meta, digest, folder, selection, consent)
    prefix = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    reader = None
    if not options.experimental_skip_checkpoint:
        if not exists(index_name(prefix)):
            raise FileNotFoundError(
                f"The SavedModel {folder} has no values of its variables: {index_name(prefix)} is missing."
            )
        reader = reader_of_values(prefix)
        if filters is None:
            reader.read_ahead()  # while the objects are made
    root = loader.load()
    if reader is not None:
        if in_v1_graph():
            loader.refuse_registered_savers()
        status = read_objects(root, {}, prefix, label="saved_model", reader=reader)
        if selection.given and not options.allow_partial_checkpoint:
            status.assert_existing_objects_matched()
        for trackable, restored in status.operations:
            if isinstance(trackable, Variable):
                trackable._initializer = restored.op  # a session that initializes it restores it
    if options.experimental_load_function_aliases:
        if hasattr(root, "function_aliases"):
            raise ValueError(
                "Could not load with experimental_load_function_aliases option because the top-level object already has "
                "an attribute with name 'function_aliases'."
            )
        root._setattr_tracking = False
        root.function_aliases = loader.aliases()
        root._setattr_tracking = True
    return {path: loader.objects[number] for path, number in selection.paths.items()}


def _chosen(saved: Any, tags: Any) -> Any:
    if tags is None:
        if len(saved.meta_graphs) != 1:
            raise ValueError(
                "tf.saved_model.load needs `tags=` where a SavedModel has more than one MetaGraph. Received none, and "
                f"there are {len(saved.meta_graphs)} MetaGraphs, with the tags "
                f"{[sorted(meta.meta_info_def.tags) for meta in saved.meta_graphs]}."
            )
        return saved.meta_graphs[0]
    wanted = {tags} if isinstance(tags, str) else set(tags)
    for meta in saved.meta_graphs:
        if set(meta.meta_info_def.tags) == wanted:
            return meta
    available = [sorted(meta.meta_info_def.tags) for meta in saved.meta_graphs]
    if len(available) != 1 or not saved.meta_graphs[0].object_graph_def.nodes:
        raise RuntimeError(
            f"MetaGraphDef associated with tags {sorted(wanted)} could not be found in SavedModel, with "
            f"available tags '{available}'."
        )
    raise ValueError(
        f"Got an incompatible argument to `tags`: {tags}. The SavedModel has {available}."
    )


class _Loader:
    """Loads the objects of one program."""

    def __init__(
        self, meta: Any, digest: str, folder: str, selection: Selection, consent: Consent
    ) -> None:
        """`digest` is that of the file with the program."""
        self.meta, self.folder, self.selection = meta, folder, selection
        self.nodes = meta.object_graph_def.nodes
        # Bytes of the files with the values, if there are any.
        self.stored = _bytes_of_values(folder)
        self.saved_functions = meta.object_graph_def.concrete_functions
        _rename_resources(meta.graph_def.library)
        pack = pack_in(folder)
        self.library = Library(meta.graph_def.library, consent=consent, pack=pack, model=digest)
        leave_out_names(self.library.definitions)
        # The maker of a pack has loaded this very file by these very sources: its functions can be imported, and are when they are used.
        self.is_known = pack is not None and pack.manifest.model == digest and not in_v1_graph()
        self.objects: dict[int, Any] = {n: target for n, (target, _) in selection.given.items()}
        # Setters of attributes for objects that need a special one.
        self.setters: dict[int, Setter] = {n: setter for n, (_, setter) in selection.given.items()}
        self.concrete: dict[str, RevivedConcreteFunction] = {}
        # The names of the inputs of functions that have some of their own.
        self.keywords: dict[str, list[str]] = {}
        self.importing = forks.freed_in_child(threading.RLock())
        self.graph_nodes = {node.name: node for node in meta.graph_def.node}

    def load(self) -> Any:
        """The root, with everything below it that is selected."""
        nodes = [(n, node) for n, node in self.selection.items() if n not in self.selection.given]
        for number, node in nodes:
            kind = node.WhichOneof("kind")
            late = self._class_of(node) is not None
            if not late and kind not in ("function", "bare_concrete_function", "resource"):
                revived = revived_types.deserialize(node.user_object)
                if revived is None:
                    self.objects[number] = self._make(kind, node)
                else:
                    self.objects[number], self.setters[number] = revived
        for number, node in nodes:
            if self._class_of(node) is not None and number not in self.objects:
                self._make_registered(number)
        for number, node in nodes:
            if node.WhichOneof("kind") == "resource":
                self._make_resource(number, node)
        for number, node in nodes:
            kind = node.WhichOneof("kind")
            if kind == "function":
                self.objects[number] = self._function(node.function)
            elif kind == "bare_concrete_function":
                self.objects[number] = self._bare(node.bare_concrete_function)
        for number, _ in nodes:
            self._make_tuple(number)
        custom_gradients.restore(self.meta, self.library, self._captured)
        for number, node in self.selection.items():
            self._connect(number, node)
        for number, node in self.selection.items():
            if node.WhichOneof("kind") == "resource":
                self._initialize(self.objects[number])
        for number, node in nodes:
            if node.saveable_objects:
                self._give_value_functions(self.objects[number], node.saveable_objects)
        return self.objects[0] if self.selection.has_root else self._stem()

    def refuse_registered_savers(self) -> None:
        """Raises NotImplementedError if an object is saved in its own way, which is not part of a graph."""
        for trackable in self.objects.values():
            saver = get_registered_saver_name(trackable)
            if saver is not None:
                raise NotImplementedError(
                    "Loading a SavedModel that uses registered checkpoint saver is not supported in graph mode. The "
                    f"loaded object {trackable} uses the saver registered with the name {saver}."
                )

    def _stem(self) -> Any:
        """A root that has only the selected objects, for checkpoints."""
        root = _UserObject()
        for path, number in self.selection.paths.items():
            parent = root
            *names, last = path.split(".")[1:]
            for name in names:
                if not hasattr(parent, name):
                    setattr(parent, name, _UserObject())
                parent = getattr(parent, name)
            setattr(parent, last, self.objects[number])
        return root

    def _give_value_functions(self, trackable: Any, saved: Any) -> None:
        """Make an object save and restore its values by the functions saved with it."""
        pairs = {
            name: Pair(self.objects[entry.save_function], self.objects[entry.restore_function])
            for name, entry in saved.items()
        }
        if set(pairs) == {WHOLE}:
            attributes = {
                "_serialize_to_tensors": pairs[WHOLE].save,
                "_restore_from_tensors": pairs[WHOLE].restore,
            }
        else:
            factories = {name: RestoredSaveables(pair) for name, pair in pairs.items()}
            attributes = {"_self_saveable_object_factories": factories}
        trackable.__dict__.update(attributes)  # neither tracked nor children

    def aliases(self) -> dict[str, Any]:
        """The functions by their alias names: tf.functions, or lists of traces of functions that are not saved."""
        traces: dict[str, list[ConcreteFunction]] = {}
        for name, alias in self.meta.meta_info_def.function_aliases.items():
            traces.setdefault(alias, []).append(self._concrete(name))
        functions = [f for f in self.objects.values() if isinstance(f, RestoredFunction)]
        return {
            alias: next((f for f in functions if f.has_traces(traces_of_alias)), traces_of_alias)
            for alias, traces_of_alias in traces.items()
        }

    def _make(self, kind: str | None, node: Any) -> Any:
        if kind == "variable":
            return self._variable(node.variable)
        if kind == "constant":
            definition = self.graph_nodes[node.constant.operation]
            value = from_proto(definition.attr["value"].tensor)
            dtype = dtypes.as_dtype(definition.attr["dtype"].type)
            if in_v1_graph():
                return STATE.graph.constant(value, dtype, None)
            return EagerTensor(value, dtype)
        if kind == "asset":
            entry = self.meta.asset_file_def[node.asset.asset_file_def_index]
            asset = Asset(os.path.join(self.folder, constants.ASSETS_DIRECTORY, entry.filename))
            if in_v1_graph():
                STATE.graph.add_to_collection("asset_filepaths", asset.asset_path)
            return asset
        if kind == "captured_tensor":
            return None
        identifier = node.user_object.identifier
        if identifier == "signature_map":
            return SignatureMap()
        if identifier == "trackable_list_wrapper":
            return ListWrapper([])
        if identifier == "trackable_dict_wrapper":
            return wrap({})
        if any(child.local_name == "__call__" for child in node.children):
            return _CallableUserObject()
        return _UserObject()

    def _make_tuple(self, number: int) -> None:
        """Makes a tuple, after those that it contains."""
        node = self.nodes[number]
        if node.user_object.identifier != "trackable_tuple_wrapper":
            return
        if isinstance(self.objects[number], tuple):
            return
        values: list[Any] = []
        for child in node.children:
            self._make_tuple(child.node_id)
            # Elements of named tuples are also saved under their field names.
            if child.local_name.isdigit():
                _set_item(values, int(child.local_name), self.objects[child.node_id])
        self.objects[number] = _TupleWrapper(values)

    @staticmethod
    def _class_of(node: Any) -> Any:
        """The class registered under the name of an object, or None."""
        return get_registered_class(node.registered_name) if node.registered_name else None

    def _make_registered(self, number: int) -> None:
        """Makes an object of a registered class, after those that it depends on."""
        node, needed = self.nodes[number], {}
        for dependency in node.dependencies:
            if dependency.node_id not in self.objects:
                self._make_registered(dependency.node_id)
            needed[dependency.local_name] = self.objects[dependency.node_id]
        self.objects[number] = self._class_of(node)._deserialize_from_proto(
            proto=node.serialized_user_proto,
            object_proto=node,
            dependencies=needed,
            export_dir=self.folder,
            asset_file_def=self.meta.asset_file_def,
            operation_attributes=self.graph_nodes,
        )

    def _variable(self, saved: Any) -> Variable:
        shape = shape_from_proto(saved.shape)
        self._check_size(saved, shape)
        variable = empty_variable(
            saved.dtype,
            shape,
            saved.name or None,
            saved.trainable,
            VariableSynchronization(saved.synchronization),
            VariableAggregation(saved.aggregation),
        )
        if in_v1_graph():  # users of the model decide whether to train it
            trained = STATE.graph.get_collection_ref("trainable_variables")
            trained[:] = [other for other in trained if other is not variable]
        return variable

    def _check_size(self, saved: Any, shape: TensorShape) -> None:
        """Raises DataLossError if a variable is larger than the file with its value, before it takes memory."""
        if self.stored is None or not shape.is_fully_defined():
            return
        where = f"{self.folder}: variable '{saved.name}'"
        dtype = dtype_of(saved.dtype, where)
        least = 1 if dtype is dtypes.string else dtype.size
        if count_of([extent or 0 for extent in shape.as_list()], where) * least > self.stored:
            raise DataLossError(
                f"{where} of shape {shape} is larger than the files with all values."
            )

    def _make_resource(self, number: int, node: Any) -> None:
        """Creates a resource, such as a lookup table, with its saved function."""
        resource = self.objects[number] = RestoredResource(node.resource.device)
        children = {child.local_name: child.node_id for child in node.children}
        if "_create_resource" not in children:
            raise UnimplementedError("tf.saved_model.load: a resource without `_create_resource`.")
        names = self.nodes[children["_create_resource"]].function.concrete_functions
        resource._resource_handle = self._concrete(names[0])()

    def _initialize(self, resource: Any) -> None:
        initialize = resource.__dict__.get("_initialize")
        if initialize is not None:
            done = initialize()
            if in_v1_graph():
                STATE.graph.add_to_collection("table_initializer", done.op)

    def _function(self, saved: Any) -> RestoredFunction:
        names = list(saved.concrete_functions)
        traces = [self._concrete(name) for name in names]
        label = names[0].removeprefix("__inference_").rpartition("_")[0] if names else "function"
        return RestoredFunction(saved.function_spec, label or "function", traces)

    def _bare(self, saved: Any) -> RevivedConcreteFunction:
        """A concrete function without the tf.function that it is a trace of."""
        name = saved.concrete_function_name
        self.keywords[name] = list(saved.argument_keywords)
        concrete = self._concrete(name)
        concrete.when_made(lambda trace: _name_arguments(trace, saved))
        return concrete

    def _concrete(self, name: str) -> RevivedConcreteFunction:
        if name not in self.concrete:
            if self.is_known:
                make = functools.partial(self._imported_later, name)
                plan = functools.cache(functools.partial(self._planned, name))
                concrete = RevivedConcreteFunction.later(make, plan)
            else:
                concrete = self._imported(name)
            self.concrete[name] = concrete
        return self.concrete[name]

    def _planned(self, name: str) -> PlannedCalls | None:
        """The calls of a function that its pack can answer; None if it is to be imported for all."""
        saved, library = self.saved_functions[name], self.library
        if not saved.HasField("canonicalized_input_signature"):  # it is only called by others
            return None
        captured = [self._captured(number) for number in saved.bound_inputs]
        planned = PlannedCalls(
            library.definitions[name], saved, captured, library.pack, library.model, self.keywords.get(name)
        )  # fmt: skip
        return planned if planned.is_plain else None

    def _imported(self, name: str) -> RevivedConcreteFunction:
        saved = self.saved_functions[name]
        captured = [self._captured(number) for number in saved.bound_inputs]
        concrete = revive_concrete(self.library.get(name), saved, captured)
        for number in saved.bound_inputs:
            if isinstance(self.objects[number], Variable):
                concrete.graph.watch_variable(self.objects[number])
        return concrete

    def _imported_later(self, name: str) -> RevivedConcreteFunction:
        """A function that is imported when it is first used, by whatever is used then."""
        consent = self.library.consent
        origin = self.folder if consent is None else consent.origin
        with self.importing, collector.paused(), init_scope(), of_file(origin, self.folder):
            concrete = self._imported(name)
            custom_gradients.restore(self.meta, self.library, self._captured)
        return concrete

    def _captured(self, number: int) -> Any:
        captured = self.objects[number]
        if isinstance(captured, Variable):
            return captured.handle
        if isinstance(captured, Tensor):
            return captured
        if isinstance(captured, Asset):
            return captured.asset_path
        handle = getattr(captured, "_resource_handle", None)
        if handle is None:
            raise UnimplementedError(
                f"tf.saved_model.load: a function captures an object of kind {type(captured).__name__}."
            )
        return handle

    def _connect(self, number: int, node: Any) -> None:
        parent = self.objects[number]
        for child in node.children:
            child_object, name = self.objects[child.node_id], child.local_name
            if number in self.setters:
                self.setters[number](parent, name, child_object)
            elif isinstance(parent, SignatureMap):
                parent.functions[name] = child_object
            elif isinstance(parent, ListWrapper):
                _set_item(parent, int(name), child_object)
            elif isinstance(parent, dict):
                parent[name] = child_object
            elif (
                isinstance(parent, _UserObject | RestoredResource)
                or self._class_of(node) is not None
            ):
                setattr(parent, name, child_object)


def _name_arguments(concrete: RevivedConcreteFunction, saved: Any) -> None:
    """Gives a concrete function the names of arguments that were saved for it."""
    keywords = list(saved.argument_keywords)
    if len(keywords) == concrete.arity:
        concrete._arguments = keywords
        concrete._num_positional_args = saved.allowed_positional_arguments
    if saved.HasField("function_spec"):
        signature = python_signature(saved.function_spec)
        concrete.take_signature(signature)
        concrete._binder = structured_or_flat(signature)


def _bytes_of_values(folder: str) -> int | None:
    prefix = os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)
    paths = matching_prefix(prefix, ".data-")
    return sum(status(path).length for path in paths) if paths else None


def _rename_resources(library: Any) -> None:
    """Rename resources that functions find by name, so that a model loaded twice shares nothing with itself."""
    number = next(_LOADED)
    for function in library.function:
        for node in function.node_def:
            if "shared_name" in node.attr and node.attr["shared_name"].s:
                node.attr["shared_name"].s += f"_load_{number}".encode()


def _set_item(values: list[Any], index: int, value: Any) -> None:
    """Sets an element; those before it that were not saved are None."""
    if index == len(values):
        values.append(value)
        return
    values.extend([None] * (index + 1 - len(values)))
    values[index] = value


def empty_variable(
    dtype: Any,
    shape: TensorShape,
    name: str | None,
    trainable: bool,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Variable:
    """Returns an uninitialized variable, to be restored."""
    dtype = dtypes.as_dtype(dtype)
    extents = [n or 0 for n in shape.as_list()] if shape.rank else []
    # The system commits zero pages at the first write: never, for values that are restored.
    zeros = np.zeros(extents, dtype.np)
    if dtype is dtypes.string:
        zeros[...] = b""
    if not STATE.variable_creators and STATE.left_graph is None and is_unobserved():
        return variable_holding(zeros, dtype, shape, name, trainable, synchronization, aggregation)
    return Variable(
        zeros if in_v1_graph() else EagerTensor(zeros, dtype),
        trainable=trainable,
        name=name,
        dtype=dtype,
        shape=shape,
        synchronization=synchronization,
        aggregation=aggregation,
    )
