"""Adds the nodes of a GraphDef to a graph: tf.import_graph_def."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.core.calls.consent import Consent, consent_of_program
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.graph.graph import Graph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.serialize.exporter import functions_by_name
from penstock._src.graph.serialize.importer import Library, NodeImporter, graph_input
from penstock._src.util.export import export
from penstock._src.version import GRAPH_DEF_VERSION, VERSION

# Since this version of GraphDefs a Placeholder without dimensions is a scalar; before, it had any shape.
FIRST_OF_SCALARS = 22


@export("import_graph_def", "graph_util.import_graph_def")
def import_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> Any:
    """Adds the nodes of a GraphDef to the current graph.

    Args:
      graph_def: a GraphDef; its nodes may call functions of the current graph, too.
      input_map: tensors of the current graph to use in place of tensors of the GraphDef, by name.
      return_elements: names of operations and tensors of the GraphDef to return.
      name: a scope for the nodes; "import" by default, "" for none.
      op_dict, producer_op_list: accepted for compatibility; no effect.

    Returns:
      The operations and tensors of `return_elements`, or None.

    Raises:
      NotFoundError, UnimplementedError: the graph has an operation that is not implemented; the error is both.
      ValueError: the GraphDef has nothing of a name in `input_map` or `return_elements`.
      TypeError: an argument is not what it is to be.

    >>> graph = tf.Graph()
    >>> with graph.as_default():
    ...     two = tf.constant(2, name="two")
    >>> with tf.Graph().as_default():
    ...     (found,) = tf.import_graph_def(graph.as_graph_def(), return_elements=["two:0"])
    >>> found.name
    'import/two:0'
    """
    _check_arguments(graph_def, input_map, return_elements)
    mapped = {_text(key): tensor for key, tensor in (input_map or {}).items()}
    elements = None if return_elements is None else [_text(name) for name in return_elements]
    known = None if STATE.graph is None else functions_by_name(STATE.graph)
    return add_graph_def(graph_def, mapped, elements, name, known, consent=consent_of_program())


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _check_arguments(graph_def: Any, input_map: Any, return_elements: Any) -> None:
    if getattr(getattr(graph_def, "DESCRIPTOR", None), "name", None) != "GraphDef":
        raise TypeError("Argument `graph_def` must be a GraphDef proto.")
    if not isinstance(input_map or {}, Mapping):
        raise TypeError(
            f"Argument `input_map` must be a dictionary. Obtained {type(input_map).__name__}"
        )
    keys = list(input_map or {})
    if not all(isinstance(key, (str, bytes)) for key in keys):
        raise TypeError(f"All keys for argument `input_map` must be strings. Obtained keys: {keys}")
    elements = list(return_elements or ())
    if isinstance(return_elements, (str, bytes)) or not all(
        isinstance(element, (str, bytes)) for element in elements
    ):
        raise TypeError(
            f"Argument `return_elements` must be a list of strings. Obtained {return_elements}."
        )


def _as_tensors(graph: Graph, input_map: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what replaces tensors of a GraphDef, with numbers and arrays as constants."""
    if all(isinstance(tensor, SymbolicTensor) for tensor in input_map.values()):
        return input_map
    if not graph.get_name_scope():
        raise ValueError(
            "tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values. Try "
            "calling tf.convert_to_tensor() on `input_map` values before calling tf.import_graph_def()."
        )
    with graph.name_scope("_inputs"):
        return {key: convert_to_tensor(tensor) for key, tensor in input_map.items()}


def add_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    known: Mapping[str, GraphFunction] | None = None,
    *,
    consent: Consent | None,
) -> Any:
    """Adds the nodes of a GraphDef to the current graph, with the permissions of `consent`; see `import_graph_def`.

    The nodes may refer to functions in `known` besides those of the GraphDef.
    """
    graph = STATE.graph
    if graph is None:
        raise RuntimeError("import_graph_def: enter a graph first (with tf.Graph().as_default()).")
    library = Library(graph_def.library, known, consent=consent)
    importer = NodeImporter(graph, library, graph_input)
    _check_versions(graph_def.versions)
    graph.imported_versions.append(graph_def.versions)
    importer.scalars_are_unknown = graph_def.versions.producer < FIRST_OF_SCALARS
    importer.device = STATE.device
    with graph.name_scope("import" if name is None else name) as prefix:
        for key, tensor in _as_tensors(graph, input_map or {}).items():
            text = key if ":" in key else f"{key}:0"
            importer.known[text] = tensor
            if text.endswith(":0"):
                importer.known[text[:-2]] = tensor
    with graph.name_scope(None):  # the prefix is a full name
        importer.add_all(graph_def.node, prefix)
    read = {text.removesuffix(":0") for node in graph_def.node for text in node.input}
    absent = [
        key
        for key in input_map or {}
        if key.removesuffix(":0") not in read and not importer.has(key)
    ]
    if absent:
        shown = ", ".join(key if ":" in key else f"{key}:0" for key in sorted(absent))
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{shown}]")
    return None if return_elements is None else list(map(importer.returned, return_elements))


def _check_versions(versions: Any) -> None:
    """Raises ValueError if a graph declares that this version must not read it."""
    if versions.min_consumer > GRAPH_DEF_VERSION:
        raise ValueError(
            f"GraphDef min consumer version {versions.min_consumer} above current version {GRAPH_DEF_VERSION} for "
            f"TensorFlow {VERSION}.  Please upgrade TensorFlow."
        )
    if GRAPH_DEF_VERSION in versions.bad_consumers:
        raise ValueError(
            f"GraphDef disallows consumer version {GRAPH_DEF_VERSION}.  Please upgrade TensorFlow: this version is "
            "likely buggy."
        )
