"""Objects and functions as the messages of a SavedModel's object graph."""

import inspect
from typing import Any

from penstock._src.core.specs import TensorSpec
from penstock._src.eager.asset import Asset
from penstock._src.function import structured_values
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.function import Function
from penstock._src.saving.registered import get_registered_class_name
from penstock._src.saving.saved_model import revived_types
from penstock._src.saving.saved_model.context import get_save_options
from penstock._src.saving.saved_model.custom_gradients import (
    CapturedTensor,
)
from penstock._src.saving.saved_model.object_values import acts_as_variable
from penstock._src.saving.saved_model.objects import (
    Constant,
    ModelObjects,
    identifier_of,
    is_resource,
    is_variable,
    traces_of,
)
from penstock._src.saving.saved_model.writing.program import Program
from penstock._src.saving.saved_model.writing.variables import fill_variable
from penstock._src.util.nest_paths import map_structure_with_tuple_paths


def fill_objects(graph: Any, objects: ModelObjects, program: Program) -> None:
    for number, trackable in enumerate(objects.objects):
        node = graph.nodes.add()
        for name, child in objects.children[number]:
            node.children.add(node_id=objects.add(child), local_name=name)
        if get_registered_class_name(trackable) is not None:
            needed = trackable._deserialization_dependencies(dict(objects.children[number]))
            for name, child in needed.items():
                node.dependencies.add(node_id=objects.add(child), local_name=name)
        _fill_object(node, number, trackable, program)
        for name, pair in objects.value_functions.get(number, {}).items():
            entry = node.saveable_objects[name]
            entry.save_function = objects.add(pair.save)
            entry.restore_function = objects.add(pair.restore)
    for function in objects.concrete_functions():
        entry = graph.concrete_functions[function.graph_function.name]
        for tensor in function.captured_inputs:
            entry.bound_inputs.append(objects.captured(tensor, function))
        entry.canonicalized_input_signature.CopyFrom(
            structured_values.encode(_input_signature(function))
        )
        outputs = _output_signature(function)
        entry.output_signature.CopyFrom(structured_values.encode(outputs))


def _fill_object(node: Any, number: int, trackable: Any, program: Program) -> None:
    if isinstance(trackable, Constant):
        node.constant.operation = program.names[number]
    elif isinstance(trackable, CapturedTensor):
        node.captured_tensor.name = trackable.name
        node.captured_tensor.concrete_function = trackable.concrete_function
    elif isinstance(trackable, Function):
        node.function.concrete_functions.extend(f.graph_function.name for f in traces_of(trackable))
        _fill_spec(node.function.function_spec, trackable)
    elif isinstance(trackable, ConcreteFunction):
        bare = node.bare_concrete_function
        bare.concrete_function_name = trackable.graph_function.name
        bare.argument_keywords.extend(trackable.argument_names)
        bare.allowed_positional_arguments = trackable._num_positional_args
        _fill_spec_of_trace(bare.function_spec, trackable)
    elif isinstance(trackable, Asset):
        node.asset.asset_file_def_index = list(program.assets).index(number)
    elif is_resource(trackable):
        node.resource.device = getattr(trackable, "_resource_device", "")
    elif is_variable(trackable):
        fill_variable(node.variable, trackable)
    elif acts_as_variable(trackable):
        trackable._write_object_proto(node, get_save_options())
    elif (described := revived_types.serialize(trackable)) is not None:
        node.user_object.CopyFrom(described)
    else:
        node.user_object.identifier = identifier_of(trackable)
        node.user_object.version.producer = 1
        node.user_object.version.min_consumer = 1
    name = get_registered_class_name(trackable)
    if name is not None:
        node.registered_name = name
        message = trackable._serialize_to_proto(object_proto=node)
        if message is not None:
            node.serialized_user_proto.Pack(message)


def _input_signature(function: ConcreteFunction) -> tuple[Any, Any]:
    """(positional, keyword) arguments, where tensors have the names of the function's inputs."""
    args, kwargs = function.structured_input_signature
    return tuple(args), dict(kwargs)


def _output_signature(function: ConcreteFunction) -> Any:
    """The structure of the results, with a TensorSpec for every tensor, named after its position."""

    def spec(path: tuple[Any, ...], value: Any) -> Any:
        if hasattr(value, "_type_spec"):
            return value._type_spec
        return None if value is None else TensorSpec(value.shape, value.dtype, _name_of(path))

    return map_structure_with_tuple_paths(spec, function.graph.structured_outputs)


def _name_of(path: tuple[Any, ...]) -> str:
    """The name of a result at a position in a structure."""
    legal = "".join(c if c.isalnum() else "_" for c in "_".join(map(str, path)).lower())
    if not legal:
        return "unknown"
    return legal if legal[0].isalpha() else f"tensor_{legal}"


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
    signature = function.input_signature
    spec.input_signature.CopyFrom(structured_values.encode(signature))


def _fill_spec_of_trace(spec: Any, function: ConcreteFunction) -> None:
    """Fills in the parameters of a trace: those of the Python function, without defaults."""
    parameters = function.function_type.parameters.values()
    keywords = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    names = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    described = inspect.FullArgSpec(names, None, None, None, keywords, None, {})
    spec.fullargspec.CopyFrom(structured_values.encode(described))
    spec.input_signature.CopyFrom(structured_values.encode(None))


def _default(value: Any) -> Any:
    """A default value in a form that the format supports."""
    try:
        structured_values.encode(value)
    except TypeError:
        return None
    return value
