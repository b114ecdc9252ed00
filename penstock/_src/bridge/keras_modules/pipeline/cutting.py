"""Divides the operations of a Keras model into stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock._src.bridge.keras_modules.pipeline.balance import costs, positions
from penstock._src.distribute.workers.pipeline.callables import variables_of
from penstock._src.distribute.workers.pipeline.strategy import PipelineStrategy


@dataclass(frozen=True)
class StageGraph:
    """The part of a model's graph that a stage computes.

    nodes    calls of operations, in an order in which they can run
    inputs   symbolic tensors that the stage before gives, or the model's inputs
    outputs  symbolic tensors for the following stage, or the model's outputs
    """

    nodes: list[Any]
    inputs: list[Any]
    outputs: list[Any]

    @property
    def layers(self) -> list[Any]:
        """The operations that are called, each once."""
        return list({id(node.operation): node.operation for node in self.nodes}.values())


def cut(model: Any, strategy: PipelineStrategy) -> list[StageGraph]:
    """Returns the stages of a model.

    Args:
      model: Sequential or Functional.
      strategy: says how many there are, and where one ends, if it does not leave that open.

    Raises:
      ValueError: the model has no graph, or cannot be cut in that way; the layer is named.
    """
    graph = _graph_of(model)
    nodes = [
        node
        for depth in sorted(graph._nodes_by_depth, reverse=True)
        for node in graph._nodes_by_depth[depth]
        if node.operation is not None and not node.is_input
    ]
    stages = strategy.num_stages
    if strategy.cuts is not None:
        stage_of = _named(nodes, strategy.cuts)
    else:
        stage_of = _balanced(graph, nodes, stages, strategy.balance)
    graphs = [
        StageGraph([node for node in nodes if stage_of[id(node)] == stage], inputs, outputs)
        for stage, (inputs, outputs) in enumerate(_boundaries(graph, nodes, stage_of, stages))
    ]
    _check_shared(graphs)
    return graphs


def _graph_of(model: Any) -> Any:
    """The Functional model of a model.

    Raises:
      ValueError: it has none.
    """
    if hasattr(model, "_nodes_by_depth"):
        return model
    if hasattr(model, "_functional"):
        if model._functional is not None:
            return model._functional
        first = model.layers[0].name if model.layers else ""
        raise ValueError(
            f"PipelineStrategy: the shape of what the layer '{first}' of the model '{model.name}' takes is unknown, so it cannot be cut "
            "into stages. Give it an Input, or build the model."
        )
    raise ValueError(
        f"PipelineStrategy cuts Sequential and Functional models. Received: '{model.name}', a {type(model).__name__}; "
        "`strategy.pipeline` takes functions."
    )


def _named(nodes: Sequence[Any], cuts: Sequence[str]) -> dict[int, int]:
    """The stage of each node: the first whose last layer needs it."""
    stage_of: dict[int, int] = {}
    for stage, name in enumerate(cuts):
        last = [node for node in nodes if node.operation.name == name]
        if not last:
            known = ", ".join(dict.fromkeys(node.operation.name for node in nodes))
            raise ValueError(
                f"PipelineStrategy: no layer is named '{name}'. The layers are: {known}."
            )
        before = len(stage_of)
        todo = [last[-1]]
        while todo:
            node = todo.pop()
            if id(node) not in stage_of and not node.is_input:
                stage_of[id(node)] = stage
                todo += node.parent_nodes
        if len(stage_of) == before:
            raise ValueError(
                f"PipelineStrategy: the cut after the layer '{name}' leaves nothing for stage {stage}: a cut before it needs that layer."
            )
    for node in nodes:
        stage_of.setdefault(id(node), len(cuts))
    if len(cuts) not in stage_of.values():
        raise ValueError(
            f"PipelineStrategy: nothing is left for the last stage after the layer '{cuts[-1]}'."
        )
    return stage_of


def _balanced(graph: Any, nodes: Sequence[Any], stages: int, balance: str) -> dict[int, int]:
    if len(nodes) < stages:
        raise ValueError(
            f"PipelineStrategy: the model '{graph.name}' has {len(nodes)} layers for {stages} stages."
        )
    if stages == 1:
        return {id(node): 0 for node in nodes}
    crossing = [
        len(_crossing(graph, nodes, set(map(id, nodes[: at + 1])))) for at in range(len(nodes) - 1)
    ]
    shared = _apart(nodes)
    allowed = [at for at in range(len(nodes) - 1) if at not in shared]
    if len(allowed) < stages - 1:
        names = sorted({nodes[at].operation.name for at in shared})
        raise ValueError(
            f"PipelineStrategy: the model '{graph.name}' cannot be cut into {stages} stages: layers that are called several times or share "
            f"variables ({', '.join(names)}) have to stay in one."
        )
    ends = positions(costs(nodes, balance), crossing, allowed, stages)
    return {id(node): sum(end < at for end in ends) for at, node in enumerate(nodes)}


def _apart(nodes: Sequence[Any]) -> set[int]:
    """Positions after which no stage may end, since both sides share variables."""
    spans: dict[int, list[int]] = {}
    for at, node in enumerate(nodes):
        for variable in variables_of(node.operation):
            spans.setdefault(id(variable), []).append(at)
    return {at for span in spans.values() for at in range(span[0], span[-1])}


def _boundaries(
    graph: Any, nodes: Sequence[Any], stage_of: dict[int, int], stages: int
) -> list[tuple[list[Any], list[Any]]]:
    """The inputs and outputs of each stage."""
    boundary_tensors = [list(graph.inputs)]
    for stage in range(stages - 1):
        done = {id(node) for node in nodes if stage_of[id(node)] <= stage}
        boundary_tensors.append(_crossing(graph, nodes, done))
    boundary_tensors.append(list(graph.outputs))
    return list(zip(boundary_tensors, boundary_tensors[1:]))


def _crossing(graph: Any, nodes: Sequence[Any], done: set[int]) -> list[Any]:
    """The tensors that are there when some nodes have run, and are needed later, each once."""
    there = list(graph.inputs)
    needed = {id(tensor) for tensor in graph.outputs}
    for node in nodes:
        if id(node) in done:
            there += node.outputs
        else:
            needed |= {id(tensor) for tensor in node.input_tensors}
    return list({id(tensor): tensor for tensor in there if id(tensor) in needed}.values())


def _check_shared(stages: Sequence[StageGraph]) -> None:
    """Raises ValueError if layers of two stages have a variable in common."""
    seen: dict[int, tuple[int, str]] = {}
    for stage, part in enumerate(stages):
        for operation in part.layers:
            for variable in variables_of(operation):
                other, name = seen.setdefault(id(variable), (stage, operation.name))
                if other != stage:
                    raise ValueError(
                        f"PipelineStrategy: the layer '{operation.name}' of stage {stage} shares the variable {variable.path} with the layer "
                        f"'{name}' of stage {other}. Layers that share variables have to be in one stage."
                    )
