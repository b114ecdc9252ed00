"""Does ops, and graphs of them, on the shards of this process.

Before: y = MatMul(x, w)                            x ["b", unsharded], w [unsharded, "m"], whole shapes
After:  y = MatMul(x, w)                            shapes of shards; y ["b", "m"]
Before: z = MatMul(y, v)                            v ["m", unsharded]
After:  z = _ClusterReduce(MatMul(y, v))            z ["b", unsharded]
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.calls.binding import complete
from penstock._src.core.dispatch import building_unrecorded
from penstock._src.core.registry import find
from penstock._src.core.shapes import TensorShape
from penstock._src.distribute.dtensor.layout import UNSHARDED
from penstock._src.distribute.dtensor.mesh import Mesh
from penstock._src.distribute.dtensor.spmd.plans import Call, Plan, Shape, Specs, run_op, whole
from penstock._src.distribute.dtensor.spmd.relayout import combined, relaid
from penstock._src.distribute.dtensor.spmd.rules import state
from penstock._src.distribute.dtensor.spmd.rules.table import plan_of
from penstock._src.graph.control import add_control_dependencies
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation

# keys of `GraphFunction.derived`
_PARTITIONS = "functions on shards"
_LAYOUTS = "layouts of results"


@dataclasses.dataclass(frozen=True)
class Part:
    """A tensor of this process, and its relation to the whole tensor.

    tensor  the shard, or the handle of a variable
    specs   how the whole tensor (or the variable) is divided
    shape   the whole static shape
    """

    tensor: Any
    specs: Specs
    shape: Shape


@dataclasses.dataclass(frozen=True)
class Partitioned:
    """A function on shards.

    specs     those of its results
    gathered  ops without a rule that took inputs which had to be made whole
    """

    function: GraphFunction
    specs: tuple[Specs, ...]
    gathered: tuple[str, ...]


def done_on_shards(call: Call, plan: Plan, parts: Sequence[Part]) -> list[Part]:
    """Runs an op on shards by a plan; returns its results."""
    tensors = [
        part.tensor
        if part.tensor.dtype in (dtypes.resource, dtypes.variant)
        else relaid(part.tensor, part.specs, specs, call.mesh)
        for part, specs in zip(parts, plan.inputs, strict=True)
    ]
    results = run_op(call.op, tensors) if plan.run is None else plan.run(call, tensors)
    for dimension in plan.sums:
        results = [combined(t, dimension, plan.merge, call.mesh) for t in results]
    shapes = call.out_shapes if plan.shapes is None else plan.shapes
    return [Part(*each) for each in zip(results, plan.outputs, shapes, strict=True)]


def partitioned(
    function: GraphFunction,
    inputs: Sequence[Specs],
    mesh: Mesh,
    outputs: Sequence[Specs] | None = None,
    data: str = UNSHARDED,
) -> Partitioned:
    """Returns a function on the shards of this process.

    Args:
      function: over whole tensors.
      inputs: the specs of its inputs; of handles those of the variables.
      mesh: of processes.
      outputs: the specs of its results; by default those that follow.
      data: the mesh dimension along which elements of iterators are divided.
    """
    known = function.derived.setdefault(_PARTITIONS, {})
    key = (mesh.to_string(), tuple(inputs), None if outputs is None else tuple(outputs), data)
    if key not in known:
        known[key] = _Partitioner(mesh, data).function(function, inputs, outputs)
    return known[key]


class _Partitioner:
    """Rewrites graphs of whole tensors."""

    def __init__(self, mesh: Mesh, data: str) -> None:
        self.mesh, self.data = mesh, data
        self.gathered: list[str] = []

    def function(
        self,
        function: GraphFunction,
        inputs: Sequence[Specs],
        outputs: Sequence[Specs] | None,
    ) -> Partitioned:
        """Rewrites a function; see `partitioned`."""
        graph = FuncGraph(function.graph.name)
        graph.enclosing = None
        graph.keeps_program_order = function.graph.keeps_program_order
        with building_unrecorded(graph):
            arguments = [
                self._argument(graph, t, specs)
                for t, specs in zip(function.inputs, inputs, strict=True)
            ]
            results = self.copy(function, arguments)
            if outputs is not None:
                results = [self.relaid(part, specs) for part, specs in zip(results, outputs)]
            graph.outputs = [graph.local(part.tensor) for part in results]
        add_control_dependencies(graph)
        partitioned_function = GraphFunction(graph, why_host=function.why_host)
        return Partitioned(
            partitioned_function,
            tuple(p.specs for p in results),
            tuple(dict.fromkeys(self.gathered)),
        )

    def _argument(self, graph: FuncGraph, tensor: Any, specs: Specs) -> Part:
        """The input of the new graph for a tensor."""
        is_handle = tensor.dtype is dtypes.resource
        shape = None if is_handle else self._local_shape(tensor.shape._dims, specs)
        placeholder = graph.placeholder(
            tensor.dtype, TensorShape(shape if not is_handle else []), tensor.op.name
        )
        placeholder._handle_data = tensor._handle_data
        known_shape = shape_held(tensor)
        if is_handle and tensor._handle_data and known_shape is not None:
            local = TensorShape(self._local_shape(known_shape, specs))
            placeholder._handle_data = [(local, tensor._handle_data[0][1])]
        graph.inputs.append(placeholder)
        return Part(placeholder, specs, known_shape)

    def _local_shape(self, shape: Shape, specs: Specs) -> Any:
        if shape is None:
            return None
        counts = [1 if spec == UNSHARDED else self.mesh[spec].size for spec in specs]
        return [
            extent if extent is None else extent // count for extent, count in zip(shape, counts)
        ]

    def relaid(self, part: Part, specs: Specs) -> Part:
        """A tensor in another layout."""
        tensor = relaid(part.tensor, part.specs, specs, self.mesh)
        return Part(tensor, specs, part.shape)

    def copy(self, function: GraphFunction, arguments: Sequence[Part]) -> list[Part]:
        """Does the operations of a function on shards; returns its results."""
        table = {t._id: part for t, part in zip(function.inputs, arguments, strict=True)}
        for node in function.graph._operations:
            if node.outputs and all(t._id in table for t in node.outputs):
                continue
            if any(t._id not in table for t in node._inputs):
                continue  # of another function over the same graph
            if node.type.startswith("Placeholder") and not node._inputs:
                continue
            results = self._node(node, [table[t._id] for t in node._inputs], table)
            table.update((t._id, part) for t, part in zip(node.outputs, results, strict=True))
        return [table[t._id] for t in function.outputs]

    def _node(self, node: Operation, parts: list[Part], table: dict[int, Part]) -> list[Part]:
        op = node.raw_op
        if op.flow.control == "call":
            return self.copy(op.attrs["f"].stand_in or op.attrs["f"], parts)
        if op.flow.control in ("if", "case"):
            return self._conditional(node, parts)
        if op.flow.control == "while":
            return self._loop(node, parts)
        call = self._call(node, parts, table)
        plan = plan_of(call)
        if not plan.is_by_rule and any(set(specs) - {UNSHARDED} for specs in call.specs):
            self.gathered.append(op.op_type)
        results = self._done(call, plan, parts, node)
        if state.takes_elements(op) and self.data != UNSHARDED:
            return [self._divided(part) for part in results]
        return results

    def _done(self, call: Call, plan: Plan, parts: list[Part], node: Operation) -> list[Part]:
        results = done_on_shards(call, plan, parts)
        for old, new in zip(node.outputs, results, strict=True):
            if old.dtype in (dtypes.resource, dtypes.variant):
                new.tensor._handle_data = old._handle_data
        return results

    def _call(self, node: Operation, parts: list[Part], table: dict[int, Part]) -> Call:
        def specs_of(tensor: Any) -> Specs | None:
            part = table.get(tensor._id)
            return None if part is None else part.specs

        return Call(
            node.raw_op,
            node._inputs,
            [part.shape for part in parts],
            [part.specs for part in parts],
            [shape_held(t) for t in node.outputs],
            self.mesh,
            specs_of,
        )

    def _divided(self, part: Part) -> Part:
        """A component of an element: its rows divided."""
        if not part.shape or part.tensor.dtype in (dtypes.resource, dtypes.variant):
            return part
        return self.relaid(part, (self.data, *part.specs[1:]))

    # -- control flow

    def _conditional(self, node: Operation, parts: list[Part]) -> list[Part]:
        op, rest = node.raw_op, parts[1:]
        attrs = dict(op.attrs)
        names = ("then_branch", "else_branch") if "then_branch" in attrs else ("branches",)
        branches = list(attrs["branches"]) if len(names) == 1 else [attrs[name] for name in names]
        inputs = [part.specs for part in rest]
        bodies = [self._body(branch, inputs, None) for branch in branches]
        outputs = _common([each.specs for each in bodies])
        functions = [self._body(branch, inputs, outputs).function for branch in branches]
        if len(names) == 1:
            attrs["branches"] = tuple(functions)
        else:
            attrs.update(zip(names, functions))
        attrs["output_shapes"] = ()
        choice = self.relaid(parts[0], whole(len(parts[0].specs)))
        return self._added(node, attrs, [choice, *rest], outputs)

    def _loop(self, node: Operation, parts: list[Part]) -> list[Part]:
        attrs = dict(node.raw_op.attrs)
        body, condition = attrs["body"], attrs["cond"]
        specs: tuple[Specs, ...] = tuple(part.specs for part in parts)
        while True:
            result_specs = self._body(body, specs, None).specs
            kept = _common([specs, result_specs])
            if kept == specs:
                break
            specs = kept
        attrs["body"] = self._body(body, specs, specs).function
        tested = self._body(condition, specs, None)
        attrs["cond"] = self._body(condition, specs, [whole(len(s)) for s in tested.specs]).function
        if attrs.get("output_shapes"):
            attrs["output_shapes"] = tuple(attrs["body"].output_shapes)
        inputs = [
            part
            if part.tensor.dtype in (dtypes.resource, dtypes.variant)
            else self.relaid(part, cuts)
            for part, cuts in zip(parts, specs)
        ]
        return self._added(node, attrs, inputs, specs)

    def _body(
        self, function: GraphFunction, inputs: Sequence[Specs], outputs: Sequence[Specs] | None
    ) -> Partitioned:
        body = partitioned(function, inputs, self.mesh, outputs, self.data)
        self.gathered += body.gathered
        return body

    def _added(
        self, node: Operation, attrs: dict[str, Any], parts: list[Part], specs: Sequence[Specs]
    ) -> list[Part]:
        tensors = run_op(complete(find(node.type), attrs, True), [part.tensor for part in parts])
        results = []
        for old, new, cuts in zip(node.outputs, tensors, specs, strict=True):
            new._handle_data = old._handle_data
            results.append(Part(new, cuts, shape_held(old)))
        return results


class _Layouts(_Partitioner):
    """Finds the layouts of a function's results, and makes nothing."""

    def function(
        self,
        function: GraphFunction,
        inputs: Sequence[Specs],
        outputs: Sequence[Specs] | None,
    ) -> Partitioned:
        """Follows the layouts through a function."""
        pairs = zip(function.inputs, inputs, strict=True)
        results = self.copy(function, [Part(t, specs, shape_held(t)) for t, specs in pairs])
        return Partitioned(function, tuple(outputs or (part.specs for part in results)), ())

    def relaid(self, part: Part, specs: Specs) -> Part:
        """The same tensor with other specs."""
        return Part(part.tensor, specs, part.shape)

    def _done(self, call: Call, plan: Plan, parts: list[Part], node: Operation) -> list[Part]:
        shapes = call.out_shapes if plan.shapes is None else plan.shapes
        return [Part(*each) for each in zip(node.outputs, plan.outputs, shapes, strict=True)]

    def _body(
        self, function: GraphFunction, inputs: Sequence[Specs], outputs: Sequence[Specs] | None
    ) -> Partitioned:
        return self.function(function, inputs, outputs)

    def _added(
        self, node: Operation, attrs: dict[str, Any], parts: list[Part], specs: Sequence[Specs]
    ) -> list[Part]:
        pairs = zip(node.outputs, specs, strict=True)
        return [Part(t, cuts, shape_held(t)) for t, cuts in pairs]


def layouts_of_results(
    function: GraphFunction, inputs: Sequence[Specs], mesh: Mesh
) -> tuple[Specs, ...]:
    """Returns the specs of a function's results, of those of its inputs."""
    known = function.derived.setdefault(_LAYOUTS, {})
    key = (mesh.to_string(), tuple(inputs))
    if key not in known:
        known[key] = _Layouts(mesh, UNSHARDED).function(function, inputs, None).specs
    return known[key]


def shape_held(tensor: Any) -> Shape:
    """The whole static shape of a tensor; of a variable's handle that of the variable."""
    if tensor.dtype is dtypes.resource:
        data = getattr(tensor, "_handle_data", None)
        return data[0][0]._dims if data else ()
    if tensor.dtype is dtypes.variant:
        return ()
    return tensor.shape._dims


def _common(layouts: Sequence[Sequence[Specs]]) -> tuple[Specs, ...]:
    """Layouts in which all agree: whole where they do not."""
    return tuple(
        each[0] if all(other == each[0] for other in each) else whole(len(each[0]))
        for each in zip(*layouts, strict=True)
    )
