"""Prints the tag-sets, signatures, operations and functions of a SavedModel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from penstock._src.bridge.internals.saved_model import (
    get_meta_graph_def,
    get_saved_model_tag_sets,
    parse_saved_model,
)
from penstock._src.bridge.python.framework.meta_graph import ops_used_by_graph_def
from penstock._src.bridge.python.tools.saved_models.tags import clean_tags
from penstock._src.core.specs import TensorSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.proto.tensor import DataType
from penstock._src.saving.saved_model.constants import LoadOptions
from penstock._src.saving.saved_model.load import load
from penstock._src.saving.saved_model.objects import traces_of


def show(
    folder: str, everything: bool, tag_set: str | None, signature: str | None, list_ops: bool
) -> None:
    """Prints what a SavedModel holds.

    Args:
      folder: of the SavedModel.
      everything: whether to print all that is known; the other arguments are not used then.
      tag_set: "tag,tag" of a MetaGraphDef. Without it the tag-sets are printed.
      signature: the key of a signature, whose inputs and outputs are printed. Without it the keys are.
      list_ops: whether the operations of the MetaGraphDef are printed as well.

    Raises:
      OSError: there is no SavedModel.
      RuntimeError: it has no such tag-set.
      ValueError: it has no such signature.
    """
    if everything:
        show_all(folder)
        return
    if tag_set is None:
        if list_ops:
            print("--list_ops must be paired with a tag-set or with --all.")
        _show_tag_sets(folder)
        return
    if list_ops:
        _show_ops(get_meta_graph_def(folder, clean_tags(tag_set)))
    if signature is None:
        _show_signature_keys(get_meta_graph_def(folder, tag_set))
    else:
        _show_signature(get_meta_graph_def(folder, clean_tags(tag_set)), signature)


def show_all(folder: str) -> None:
    """Prints the signatures and operations of each MetaGraphDef, and the functions of the root object."""
    graphs = parse_saved_model(folder).meta_graphs
    for meta in sorted(graphs, key=lambda meta: list(meta.meta_info_def.tags)):
        tags = ", ".join(meta.meta_info_def.tags)
        print(f"\nMetaGraphDef with tag-set: '{tags}' contains the following SignatureDefs:")
        for key in sorted(meta.signature_def):
            print(f"\nsignature_def['{key}']:")
            _show_signature(meta, key, indent=1)
        _show_ops(meta)
    if any(meta.HasField("object_graph_def") for meta in graphs):
        _show_functions(folder, graphs)


def signature_of(meta: Any, key: str) -> Any:
    """Returns the SignatureDef of a MetaGraphDef.

    Raises:
      ValueError: there is none of this key.
    """
    if key not in meta.signature_def:
        raise ValueError(
            f'Could not find signature "{key}". Please choose from: {", ".join(meta.signature_def)}'
        )
    return meta.signature_def[key]


def print_tensor_info(tensor_info: Any, indent: int = 0) -> None:
    """Prints the dtype, shape and name of a TensorInfo, `indent` steps of two spaces further to the right."""
    shape = "unknown_rank"
    if not tensor_info.tensor_shape.unknown_rank:
        shape = f"({', '.join(str(dim.size) for dim in tensor_info.tensor_shape.dim)})"
    margin = "  " * (indent + 2)
    print(f"{margin}dtype: {DataType.Name(tensor_info.dtype)}")
    print(f"{margin}shape: {shape}")
    print(f"{margin}name: {tensor_info.name}")


def _show_tag_sets(folder: str) -> None:
    tag_sets = get_saved_model_tag_sets(folder)
    print("The given SavedModel contains the following tag-sets:")
    for tags in sorted(tag_sets):
        print(repr(", ".join(sorted(tags))))


def _show_ops(meta: Any) -> None:
    print(
        f"The MetaGraph with tag set {meta.meta_info_def.tags} contains the following ops:",
        set(ops_used_by_graph_def(meta.graph_def)),
    )


def _show_signature_keys(meta: Any) -> None:
    print("The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:")
    for key in sorted(meta.signature_def):
        print(f'SignatureDef key: "{key}"')


def _show_signature(meta: Any, key: str, indent: int = 0) -> None:
    signature = signature_of(meta, key)
    margin = "  " * indent
    for word, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        print(f"{margin}The given SavedModel SignatureDef contains the following {word}(s):")
        for name in sorted(tensors):
            print(f"{margin}  {word}s['{name}'] tensor_info:")
            print_tensor_info(tensors[name], indent + 1)
    print(f"{margin}Method name is: {signature.method_name}")


def _show_functions(folder: str, graphs: Iterable[Any]) -> None:
    """Prints how the functions of the root object can be called."""
    print("\nConcrete Functions:", end="")
    try:
        root = load(folder, options=LoadOptions(experimental_skip_checkpoint=True))
    except Exception as error:  # whatever hinders loading, all else has been shown
        custom = "Op type not registered" in str(error)
        cause = "the existence of custom ops in the SavedModel" if custom else "unknown reasons"
        print(f" N/A (could not be listed due to {cause})")
        return
    for name, function in sorted(_functions(root, graphs)):
        print(f"\n  Function Name: '{name}'")
        for number, trace in enumerate(sorted(traces_of(function), key=lambda t: t.name), 1):
            _show_trace(number, trace)


def _functions(root: Any, graphs: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The names and values of the root's attributes that are functions."""
    children = root._trackable_children()
    for meta in graphs:
        nodes = meta.object_graph_def.nodes
        for child in nodes[0].children if nodes else ():
            kind = nodes[child.node_id].WhichOneof("kind")
            if kind in ("function", "bare_concrete_function"):
                name = child.local_name
                yield name, children[name] if name in children else getattr(root, name)


def _show_trace(number: int, trace: ConcreteFunction) -> None:
    args: Iterable[Any] = trace._arg_keywords
    kwargs: Mapping[str, Any] = {}
    if trace.structured_input_signature:
        args, kwargs = trace.structured_input_signature
    if args:
        print(f"    Option #{number}")
        print("      Callable with:")
        _show_arguments("Argument", args)
    _show_arguments("Named Argument", kwargs)


def _show_arguments(word: str, arguments: Iterable[Any]) -> None:
    for number, argument in enumerate(arguments, 1):
        print(f"        {word} #{number}")
        for line in _described(argument):
            print(f"          {line}")


def _described(argument: Any) -> list[str]:
    """The lines that describe an argument of a trace."""
    if isinstance(argument, str):
        return [argument]
    if isinstance(argument, TensorSpec):
        return [f"{argument.name}: {argument!r}"]
    # A terminal's backspaces take the last comma away, as TensorFlow prints it.
    if isinstance(argument, dict):
        parts = "".join(f"'{key}': {_quoted(value)}, " for key, value in argument.items())
        value = f"{{{parts}\b\b}}"
    elif isinstance(argument, Iterable):
        value = f"[{''.join(f'{_quoted(part)}, ' for part in argument)}\b\b]"
    else:
        value = str(argument)
    return [f"DType: {type(argument).__name__}", f"Value: {value}"]


def _quoted(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
