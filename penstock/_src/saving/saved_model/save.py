"""tf.saved_model.save."""

import logging
import os
import re
from typing import Any

from penstock._src.api.config.build import GIT_VERSION
from penstock._src.core import dispatch
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.dispatch import STATE
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.filesystems.files import make_folders
from penstock._src.filesystems.transaction import Transaction, tidy
from penstock._src.filesystems.whole import write_whole
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.graph.serialize.default_attributes import strip_default_attributes
from penstock._src.graph.serialize.op_definitions import used_ops
from penstock._src.ops.io.bundle import write_shards
from penstock._src.proto import saved as messages
from penstock._src.saving import metrics
from penstock._src.saving.object_graph import ObjectView
from penstock._src.saving.saved_model import constants, fingerprints
from penstock._src.saving.saved_model import signatures as signature_tools
from penstock._src.saving.saved_model.assets import AssetFolder
from penstock._src.saving.saved_model.context import save_context
from penstock._src.saving.saved_model.custom_gradients import (
    SavedGradient,
    name_unsaved,
    traced,
)
from penstock._src.saving.saved_model.objects import (
    ModelObjects,
    SavedChildren,
    traces_of,
)
from penstock._src.saving.saved_model.writing import debug_info
from penstock._src.saving.saved_model.writing.checked_graph import (
    check_namespaces,
    strip_debug_nodes,
)
from penstock._src.saving.saved_model.writing.object_messages import fill_objects
from penstock._src.saving.saved_model.writing.program import Program
from penstock._src.saving.serialized import registered_arrays, serialized
from penstock._src.saving.sharding import stored
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.slots import above
from penstock._src.version import VERSION

# The logger of TensorFlow's messages about saving.
log = logging.getLogger("absl")


@export("saved_model.save", v1=["saved_model.save", "saved_model.experimental.save"])
@shortening
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

    >>> class Double(tf.Module):
    ...     @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    ...     def __call__(self, x):
    ...         return x * 2.0
    >>> model = Double()
    >>> tf.saved_model.save(model, "double", signatures=model.__call__)
    >>> sorted(tf.saved_model.load("double").signatures)
    ['serving_default']
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
    if options is not None and options.pack_key is not None:
        above("pack_saved_model")(export_dir, options.pack_key)


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
    with save_context(options), dispatch.device(None):  # traces are for any device
        objects = _save(
            obj, os.fsdecode(export_dir), signatures, options, not experimental_skip_checkpoint
        )
    metrics.COUNTS["write", "2"] += 1
    metrics.LATEST["write_path"] = os.fsdecode(export_dir)
    return objects.objects, objects.node_paths()


def export_meta_graph(
    obj: Any,
    filename: Any,
    signatures: Any = None,
    options: constants.SaveOptions | None = None,
) -> None:
    """Writes only the MetaGraphDef of a SavedModel to a file.

    Args:
      obj, signatures, options: as of `save`.
      filename: of the file; assets are written into its folder.
    """
    options = options or constants.SaveOptions()
    path = os.fsdecode(filename)
    meta = messages.MetaGraphDef()
    with save_context(options), dispatch.device(None):
        assets = AssetFolder(os.path.dirname(path))
        _fill_meta_graph(meta, obj, assets, signatures, options)
    write_whole(path, meta.SerializeToString(deterministic=True))


def _save(
    obj: Any, folder: str, signatures: Any, options: constants.SaveOptions, with_values: bool
) -> ModelObjects:
    saved = messages.SavedModel(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
    meta = saved.meta_graphs.add()
    parts = [
        os.path.join(folder, name)
        for name in (constants.VARIABLES_DIRECTORY, constants.ASSETS_DIRECTORY)
    ]
    for part in (folder, *parts):
        tidy(part)
    with Transaction(folder) as transaction:
        assets = AssetFolder(folder, transaction=transaction)
        objects = _fill_meta_graph(meta, obj, assets, signatures, options)
        for part in parts:
            make_folders(part)
        prefix = os.path.join(parts[0], constants.VARIABLES_FILENAME)
        if with_values:
            _write_values(objects.view(), prefix, transaction)
        data = saved.SerializeToString(deterministic=True)
        fingerprints.write(folder, meta, data, transaction)
        if options.save_debug_info:
            debug_info.write(folder, objects.concrete_functions(), transaction)
        # The last: with it, the model is there.
        with transaction.open(os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)) as file:
            file.write(data)
    _report_untraced(objects)
    _report_renamed(objects)
    return objects


def _fill_meta_graph(
    meta: Any, obj: Any, assets: AssetFolder, signatures: Any, options: constants.SaveOptions
) -> ModelObjects:
    """Writes the graph, the signatures and the objects; returns the objects."""
    children = SavedChildren()
    chosen = signature_tools.canonical(obj, signatures, children)
    objects = ModelObjects(obj, signature_tools.wrapped(chosen), children)
    meta.meta_info_def.tags.append(constants.SERVING)
    meta.meta_info_def.tags.extend(options.extra_tags or ())
    meta.meta_info_def.tensorflow_version = VERSION
    meta.meta_info_def.tensorflow_git_version = GIT_VERSION
    for alias, aliased in options.function_aliases.items():
        for function in aliased if isinstance(aliased, list | tuple) else [aliased]:
            if not isinstance(function, Function | ConcreteFunction):
                raise TypeError(
                    f"Unsupported type {type(function)}. Functions in `function_aliases` should be created by "
                    "tf.function, or be concrete functions, or lists of these."
                )
            for concrete in traces_of(function):
                meta.meta_info_def.function_aliases[concrete.graph_function.name] = alias
    gradients: list[SavedGradient] = []
    if options.experimental_custom_gradients:
        gradients = traced(objects.concrete_functions(), objects.captured)
    else:
        name_unsaved(objects.concrete_functions())
    program = Program(objects, assets, [g.function for g in gradients])
    program.fill(meta)
    check_namespaces(meta.graph_def, options.namespace_whitelist)
    fill_objects(meta.object_graph_def, objects, program)
    for gradient in gradients:
        gradient.fill(meta)
    if options.experimental_debug_stripper:
        strip_debug_nodes(meta.graph_def)
    meta.meta_info_def.stripped_op_list.op.extend(used_ops(meta.graph_def))
    strip_default_attributes(meta.graph_def)
    meta.meta_info_def.stripped_default_attrs = True
    return objects


def _report_renamed(objects: ModelObjects) -> None:
    """Logs names of inputs that the format cannot store."""
    for function in objects.objects:
        specs = function.input_signature if isinstance(function, Function) else None
        names = [s.name for s in nest.flatten(specs) if isinstance(s, TensorSpec) and s.name]
        renamed = {n: new for n in names if (new := re.sub(r"\W", "_", n).lower()) != n}
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


def _write_values(view: ObjectView, prefix: str, transaction: Transaction) -> None:
    """Writes the variables as a checkpoint, under their objects' names in the SavedModel."""
    contents = serialized(view)
    tensors = {**contents.arrays(), **registered_arrays(contents.registered, prefix)}
    write_shards(prefix, [stored(tensors)], transaction)
