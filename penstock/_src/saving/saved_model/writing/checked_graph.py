"""Checks of the graph of a SavedModel: ops of known namespaces, and no debugging operations if they are to be left out."""

from collections.abc import Sequence
from typing import Any

from penstock._src.graph.serialize.default_attributes import nodes_of


def check_namespaces(graph_def: Any, allowed: Sequence[str] | None) -> None:
    """Raises ValueError for ops of namespaces that are not allowed, as `Addons>Op` of "Addons"; None allows all."""
    if allowed is None:
        return
    functions = {function.signature.name for function in graph_def.library.function}
    used = sorted({node.op for node in nodes_of(graph_def) if ">" in node.op} - functions)
    refused = [op for op in used if op.partition(">")[0] not in allowed]
    if refused:
        names = sorted({op.partition(">")[0] for op in refused})
        raise ValueError(
            f"Attempted to save ops from non-whitelisted namespaces to SavedModel: {refused}. Whoever loads the model needs "
            f"the libraries that define them. To save them, add {names} to `namespace_whitelist` in tf.saved_model.SaveOptions."
        )


def strip_debug_nodes(graph_def: Any) -> None:
    """Turn assertions and prints into no-ops, and checks of numbers into identities."""
    for node in nodes_of(graph_def):
        if node.op in ("Assert", "PrintV2"):
            node.op = "NoOp"
            _keep_attributes(node, lambda name: name.startswith("_"))
            _control_only(node, 0)
        elif node.op in ("CheckNumerics", "Print"):
            node.op = "Identity"
            _keep_attributes(node, lambda name: name == "T")
            _control_only(node, 1)


def _keep_attributes(node: Any, kept: Any) -> None:
    for name in [name for name in node.attr if not kept(name)]:
        del node.attr[name]


def _control_only(node: Any, first: int) -> None:
    """Turns the inputs of a node from number `first` on into control inputs."""
    for at in range(first, len(node.input)):
        if not node.input[at].startswith("^"):
            node.input[at] = f"^{node.input[at].partition(':')[0]}"
