"""Signatures: functions of named tensors to a dict of named tensors, for serving."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from penstock._src.autodiff.control_flow import call_function
from penstock._src.core import dispatch, dtypes
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.function.types.attributes import PUBLIC
from penstock._src.function.types.function_type import sanitized_name
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.saving.saved_model.objects import SavedChildren
from penstock._src.util import nest


def canonical(obj: Any, signatures: Any, children: SavedChildren) -> dict[str, ConcreteFunction]:
    """The signatures by name.

    Raises:
      ValueError: a value is not a function or has no fixed types.
    """
    if signatures is None:
        signatures = _default(obj, children) or {}
    if not isinstance(signatures, Mapping):
        signatures = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: signatures}
    return {name: _concrete(function) for name, function in signatures.items()}


def _default(obj: Any, children: SavedChildren) -> Any:
    """The object's default signature, or the only one of its functions that has fixed types; else None."""
    named = children.functions_of(obj)
    if "_default_save_signature" in named:
        return named["_default_save_signature"]
    served = [trace for trace in map(_of_fixed_types, named.values()) if trace is not None]
    return served[0] if len(served) == 1 else None


def _of_fixed_types(function: Any) -> Any:
    """The trace of a function that can be a signature, or None."""
    if isinstance(function, Function):
        has_types = function.input_signature is not None
        function = function._get_concrete_function_for_serialization() if has_types else None
    try:
        return function if function is not None and named_results("", function) else None
    except ValueError:
        return None


def _concrete(function: Any) -> ConcreteFunction:
    """The trace to serve: a given one, or that of a function's input signature."""
    if isinstance(function, Function) and function.input_signature is not None:
        return function._get_concrete_function_for_serialization()
    if not isinstance(function, ConcreteFunction):
        raise ValueError(
            f"Expected a TensorFlow function for which to generate a signature, but got {function}. Only `tf.functions` "
            "with an input signature or concrete functions can be used as a signature."
        )
    return function


def wrapped(signatures: dict[str, ConcreteFunction]) -> dict[str, ConcreteFunction]:
    """The signatures as functions of keyword arguments that return dicts."""
    return {name: _wrap(name, function) for name, function in signatures.items()}


def _wrap(name: str, function: ConcreteFunction) -> ConcreteFunction:
    results = named_results(name, function)
    graph = FuncGraph("signature_wrapper")
    graph.enclosing = dispatch.STATE.graph
    models = dict(zip(function.argument_names, function.inputs, strict=False))
    if any(model.dtype is dtypes.resource for model in models.values()):
        raise ValueError(
            f"Unable to serialize concrete_function '{function.graph_function.name}' with tf.Variable input. Functions "
            "that expect tf.Variable inputs cannot be exported as signatures."
        )
    # In the order in which TensorFlow flattens keywords.
    specs = {n: TensorSpec(models[n].shape, models[n].dtype, n) for n in sorted(models)}
    with dispatch.building(graph):
        placeholders = {
            n: graph.placeholder(spec.dtype, spec.shape, node_name(n)) for n, spec in specs.items()
        }
        graph.inputs.extend(placeholders.values())
        arguments = [placeholders[argument] for argument in models]
        captured = [graph.capture(tensor) for tensor in function.captured_inputs]
        outputs = call_function(function.graph_function, [*arguments, *captured])
        by_model = dict(zip((t._id for t in function.outputs), outputs, strict=True))
        graph.structured_outputs = nest.map_structure(
            lambda tensor: raw.Identity(input=by_model[tensor._id]),
            {key: results[key] for key in sorted(results)},
            expand_composites=True,
        )
    graph.outputs = nest.flatten(graph.structured_outputs, expand_composites=True)
    graph.structured_input_signature = ((), specs)
    parameters = [(sanitized_name(name), spec) for name, spec in specs.items()]
    kind = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(name, kind) for name, _ in parameters])
    wrapper = ConcreteFunction(graph, parameters, signature=signature)
    wrapper._function.attributes = {
        key: value
        for key, value in function.graph_function.attributes.items()
        if key in PUBLIC and key != "_noinline"
    }
    wrapper._num_positional_args = 1 if len(specs) == 1 else 0  # several specs are unordered
    return wrapper


def named_results(name: str, function: ConcreteFunction) -> dict[str, Any]:
    """The results by name: those of a dict, else output_0, output_1, ..."""
    results = function.graph.structured_outputs
    if isinstance(results, Mapping):
        named = dict(results)
    elif hasattr(results, "_asdict"):
        named = results._asdict()
    elif isinstance(results, (list, tuple)):
        named = {f"output_{at}": value for at, value in enumerate(results)}
    else:
        named = {"output_0": results}
    for key, value in named.items():
        if not isinstance(key, str):
            raise ValueError(
                f"Got a dictionary with a non-string key {key!r} in the output of the function {function.graph_function.name} used to "
                f"generate the SavedModel signature '{name}'."
            )
        if not isinstance(value, Tensor) and not nest.is_composite(value):
            raise ValueError(
                f"Got a non-Tensor value {value!r} for key {key!r} in the output of the function "
                f"{function.graph_function.name} used to generate the SavedModel signature '{name}'. Outputs for "
                "functions used as signatures must be a single Tensor, a sequence of Tensors, or a "
                "dictionary from string to Tensor."
            )
    return named


def node_name(text: str) -> str:
    """Returns the name that TensorFlow gives a placeholder for a text of any characters."""
    legal = re.sub(r"[^\w.\\-]", "_", text, flags=re.ASCII)
    return re.sub("^[^A-Za-z0-9.]+", "", legal) or "Placeholder"
