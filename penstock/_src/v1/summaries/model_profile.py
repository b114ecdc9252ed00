"""tf.compat.v1.profiler: parameter and FLOP counts of a graph, by name scope or by operation type."""

from __future__ import annotations

import collections
import copy
import os
import re
from collections.abc import Iterable
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.proto.stats import AdviceProto, GraphNodeProto, MultiGraphNodeProto, OpLogProto
from penstock._src.util.export import export
from penstock._src.v1.graphs.default_graph import get_default_graph
from penstock._src.v1.summaries.operation_counts import count_of
from penstock._src.v1.variables.collections import GraphKeys

_ROOT = "_TFProfRoot"
_TRAINED = "_trainable_variables"
# The supported counts. Times and memory would come from runs, which do not record them.
_KNOWN = {"params": "parameters", "float_ops": "float_ops"}
_FROM_RUNS = {
    "micros",
    "bytes",
    "accelerator_micros",
    "cpu_micros",
    "peak_bytes",
    "residual_bytes",
    "output_bytes",
}


@export(v1=["profiler.ProfileOptionBuilder"])
class ProfileOptionBuilder:
    """Builds the options of `profile`: the selected columns, filters and output.

    Args:
      options: the initial options.
    """

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        self._options = {
            "max_depth": 100,
            "min_bytes": 0,
            "min_micros": 0,
            "min_params": 0,
            "min_float_ops": 0,
            "min_occurrence": 0,
            "order_by": "name",
            "account_type_regexes": [".*"],
            "start_name_regexes": [".*"],
            "trim_name_regexes": [],
            "show_name_regexes": [".*"],
            "hide_name_regexes": [],
            "account_displayed_op_only": False,
            "select": ["micros"],
            "step": -1,
            "output": "stdout",
        }
        if options is not None:
            self._options = copy.deepcopy(options)

    @staticmethod
    def _preset(select: list[str], order_by: str, **rest: Any) -> dict[str, Any]:
        base = ProfileOptionBuilder()._options
        return {
            **base, "max_depth": 10000, "account_displayed_op_only": True, "select": select,
            "order_by": order_by, **rest,
        }  # fmt: skip

    @staticmethod
    def trainable_variables_parameter() -> dict[str, Any]:
        """Options that show the parameters of trainable variables."""
        return ProfileOptionBuilder._preset(["params"], "name", account_type_regexes=[_TRAINED])

    @staticmethod
    def float_operation() -> dict[str, Any]:
        """Options that show FLOP counts."""
        return ProfileOptionBuilder._preset(["float_ops"], "float_ops", min_float_ops=1)

    @staticmethod
    def time_and_memory(
        min_micros: int = 1,
        min_bytes: int = 1,
        min_accelerator_micros: int = 0,
        min_cpu_micros: int = 0,
        min_peak_bytes: int = 0,
        min_residual_bytes: int = 0,
        min_output_bytes: int = 0,
    ) -> dict[str, Any]:
        """Options that show times and memory of a run."""
        least = {k: v for k, v in locals().items() if k.startswith("min_")}
        return ProfileOptionBuilder._preset(["micros", "bytes"], "micros", **least)

    def build(self) -> dict[str, Any]:
        """The options."""
        return copy.deepcopy(self._options)

    def _with(self, **changes: Any) -> ProfileOptionBuilder:
        self._options.update(changes)
        return self

    def with_max_depth(self, max_depth: int) -> ProfileOptionBuilder:
        """Sets how many levels are shown."""
        return self._with(max_depth=max_depth)

    def with_min_memory(
        self,
        min_bytes: int = 0,
        min_peak_bytes: int = 0,
        min_residual_bytes: int = 0,
        min_output_bytes: int = 0,
    ) -> ProfileOptionBuilder:
        """Shows only nodes that use at least this much memory."""
        return self._with(
            min_bytes=min_bytes, min_peak_bytes=min_peak_bytes,
            min_residual_bytes=min_residual_bytes, min_output_bytes=min_output_bytes,
        )  # fmt: skip

    def with_min_execution_time(
        self, min_micros: int = 0, min_accelerator_micros: int = 0, min_cpu_micros: int = 0
    ) -> ProfileOptionBuilder:
        """Shows only nodes that take at least this much time."""
        return self._with(
            min_micros=min_micros, min_accelerator_micros=min_accelerator_micros,
            min_cpu_micros=min_cpu_micros,
        )  # fmt: skip

    def with_min_parameters(self, min_params: int) -> ProfileOptionBuilder:
        """Shows only nodes with at least this many parameters."""
        return self._with(min_params=min_params)

    def with_min_occurrence(self, min_occurrence: int) -> ProfileOptionBuilder:
        """Shows only operation types that occur at least this often."""
        return self._with(min_occurrence=min_occurrence)

    def with_min_float_operations(self, min_float_ops: int) -> ProfileOptionBuilder:
        """Shows only nodes with at least this many FLOPs."""
        return self._with(min_float_ops=min_float_ops)

    def with_accounted_types(self, account_type_regexes: list[str]) -> ProfileOptionBuilder:
        """Counts only operations of these types."""
        return self._with(account_type_regexes=copy.copy(account_type_regexes))

    def with_node_names(
        self,
        start_name_regexes: Any = None,
        show_name_regexes: Any = None,
        hide_name_regexes: Any = None,
        trim_name_regexes: Any = None,
    ) -> ProfileOptionBuilder:
        """Sets which names to start at, to show, to hide, and to hide with everything below."""
        options = {
            k: copy.copy(v) for k, v in locals().items() if k.endswith("regexes") and v is not None
        }
        return self._with(**options)

    def account_displayed_op_only(self, is_true: bool) -> ProfileOptionBuilder:
        """Sets whether totals count only displayed nodes."""
        return self._with(account_displayed_op_only=is_true)

    def with_empty_output(self) -> ProfileOptionBuilder:
        """Prints nothing."""
        return self._with(output="none")

    def with_stdout_output(self) -> ProfileOptionBuilder:
        """Prints to standard output."""
        return self._with(output="stdout")

    def with_file_output(self, outfile: str) -> ProfileOptionBuilder:
        """Writes into a file."""
        return self._with(output=f"file:outfile={outfile}")

    def with_timeline_output(self, timeline_file: str) -> ProfileOptionBuilder:
        """Writes a timeline of a run into a file."""
        return self._with(output=f"timeline:outfile={timeline_file}")

    def with_pprof_output(self, pprof_file: str) -> ProfileOptionBuilder:
        """Writes a profile for pprof into a file."""
        return self._with(output=f"pprof:outfile={pprof_file}")

    def order_by(self, attribute: str) -> ProfileOptionBuilder:
        """Sets the attribute to sort by."""
        return self._with(order_by=attribute)

    def select(self, attributes: list[str]) -> ProfileOptionBuilder:
        """Sets the attributes to show."""
        return self._with(select=copy.copy(attributes))

    def with_step(self, step: int) -> ProfileOptionBuilder:
        """Sets the step to show; -1 for the mean."""
        return self._with(step=step)


class _Node:
    """A name, its own counts, and its children."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: dict[str, _Node] = {}
        self.parameters = self.float_ops = 0
        self.definitions, self.shape = 0, None
        self.types: set[str] = set()

    def total(self, count: str) -> int:
        """The count including all descendants."""
        return getattr(self, count) + sum(child.total(count) for child in self.children.values())


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(re.fullmatch(pattern, text) for pattern in patterns)


def _accounted(operations: Iterable[Any], options: dict[str, Any]) -> list[tuple[Any, _Node]]:
    """The operations of the selected types, with their counts."""
    nodes: list[tuple[Any, _Node]] = []
    operations = list(operations)
    trained = _trained(operations[0].graph) if operations else set()
    for op in operations:
        node = _Node(op.name)
        node.types = {op.type} | ({_TRAINED} if op.name in trained else set())
        if op.type in ("VarHandleOp", "Variable", "VariableV2"):
            node.shape = op.raw_op.attrs["shape"]
            if node.shape.is_fully_defined():
                node.parameters = node.shape.num_elements()
        node.float_ops = count_of(op)
        if any(_matches(options["account_type_regexes"], kind) for kind in node.types):
            nodes.append((op, node))
    return nodes


def _trained(graph: Any) -> set[str]:
    """The names of the operations of trainable variables."""
    return {v.op.name for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}


def _shown(node: _Node, options: dict[str, Any]) -> bool:
    wanted = node.total("parameters") >= options["min_params"]
    computes = node.total("float_ops") >= options["min_float_ops"]
    named = _matches(options["show_name_regexes"], node.name)
    return wanted and computes and named and not _matches(options["hide_name_regexes"], node.name)


def _sorted(nodes: Iterable[_Node], options: dict[str, Any]) -> list[_Node]:
    count = _KNOWN.get(options["order_by"])
    if count is None:
        return sorted(nodes, key=lambda node: node.name)
    return sorted(nodes, key=lambda node: -node.total(count))


def _message(node: _Node, kind: Any, options: dict[str, Any], depth: int) -> Any:
    message = kind(name=node.name, parameters=node.parameters, float_ops=node.float_ops)
    message.total_parameters, message.total_float_ops = (
        node.total("parameters"),
        node.total("float_ops"),
    )
    if depth < options["max_depth"]:
        for child in _sorted(node.children.values(), options):
            if _shown(child, options) and not _matches(options["trim_name_regexes"], child.name):
                message.children.append(_message(child, kind, options, depth + 1))
    return message


def _by_scope(operations: Any, options: dict[str, Any]) -> Any:
    """The tree of name scopes."""
    root = _Node(_ROOT)
    for op, node in _accounted(operations, options):
        parts, place = op.name.split("/"), root
        for depth in range(1, len(parts)):
            name = "/".join(parts[:depth])
            place = place.children.setdefault(name, _Node(name))
        if op.name in place.children:
            node.children = place.children[op.name].children
        place.children[op.name] = node
    return _message(root, GraphNodeProto, options, 0), root


def _by_kind(operations: Any, options: dict[str, Any]) -> Any:
    """A chain of operation types, sorted by descending count."""
    kinds: dict[str, _Node] = collections.defaultdict(lambda: _Node(""))
    for op, node in _accounted(operations, options):
        for kind in node.types if options["order_by"] == "params" else {op.type}:
            entry = kinds[kind]
            entry.name, entry.definitions = kind, entry.definitions + 1
            entry.parameters += node.parameters
            entry.float_ops += node.float_ops
    shown = [n for n in _sorted(kinds.values(), options) if _shown(n, options)]
    root = place = _Node(_ROOT)
    for node in shown:
        place.children[node.name] = node
        place = node
    return _message(root, MultiGraphNodeProto, {**options, "max_depth": len(shown) + 1}, 0), root


_VIEWS = {"scope": _by_scope, "op": _by_kind, "graph": _by_scope}


@export(v1=["profiler.profile"])
def profile(
    graph: Any = None,
    run_meta: Any = None,
    op_log: Any = None,
    cmd: str = "scope",
    options: Any = 0,
) -> Any:
    """Counts the parameters and FLOPs of a graph, prints them, and returns them as a message.

    Args:
      graph: the graph; by default the current one.
      run_meta: metadata of a run, without effect: runs here record no times.
      op_log: additional counts, by the names of operations.
      cmd: "scope" (by name) or "op" (by type).
      options: from a ProfileOptionBuilder; trainable parameters by default.

    Returns:
      A GraphNodeProto, for "op" a MultiGraphNodeProto.

    Raises:
      UnimplementedError: times, memory, or source lines are requested.
    """
    return Profiler(graph or get_default_graph(), op_log)._view(cmd, options)


@export(v1=["profiler.Profiler"])
class Profiler:
    """Profiles one graph in several views.

    Args:
      graph: the graph; by default the current one.
      op_log: further counts, by the names of operations.
    """

    def __init__(self, graph: Any = None, op_log: Any = None) -> None:
        self._graph = graph or get_default_graph()
        self._log = {entry.name: entry for entry in op_log.log_entries} if op_log else {}

    def add_step(self, step: int, run_meta: Any) -> None:
        """Does nothing: runs do not record times of operations."""

    def profile_name_scope(self, options: Any) -> Any:
        """Profiles by name scope."""
        return self._view("scope", options)

    def profile_operations(self, options: Any) -> Any:
        """Profiles by operation type."""
        return self._view("op", options)

    def profile_graph(self, options: Any) -> Any:
        """Profiles by name scope."""
        return self._view("graph", options)

    def profile_python(self, options: Any) -> Any:
        """Raises UnimplementedError: source lines are not recorded."""
        return self._view("code", options)

    def advise(self, options: Any) -> Any:
        """Returns no advice, which would need times of runs."""
        return AdviceProto()

    def serialize_to_string(self) -> bytes:
        """The profile by name scope, serialized."""
        options = ProfileOptionBuilder().select(["params", "float_ops"]).with_empty_output()
        return self._view("scope", options.build()).SerializeToString()

    def _view(self, cmd: str, options: Any) -> Any:
        if options == 0 or options is None:
            options = ProfileOptionBuilder.trainable_variables_parameter()
        if cmd not in _VIEWS:
            raise UnimplementedError(f"tf.compat.v1.profiler: there is no view {cmd!r}.")
        asked = set(options["select"]) & _FROM_RUNS
        if asked:
            raise UnimplementedError(
                f"tf.compat.v1.profiler: {sorted(asked)} of operations are not kept in runs. Use "
                "tf.profiler.experimental to record a run."
            )
        message, root = _VIEWS[cmd](self._graph.get_operations(), options)
        _write(_text(root, options, cmd), options["output"])
        return message


def _text(root: _Node, options: dict[str, Any], cmd: str) -> str:
    titles = {"params": "# parameters", "float_ops": "# float_ops"}
    columns = [column for column in ("params", "float_ops") if column in options["select"]]
    lines = [f"node name | {' | '.join(titles[column] for column in columns)}"]

    def add(node: _Node, depth: int) -> None:
        cells = []
        if node.shape is not None and "params" in columns:
            cells.append("x".join(map(str, node.shape.as_list())) or "")
        for column in columns:
            own = getattr(node, _KNOWN[column]) or "--"
            unit = "params" if column == "params" else "flops"
            cells.append(f"{own}/{node.total(_KNOWN[column])} {unit}")
        lines.append(f"{'  ' * depth}{node.name} ({', '.join(filter(None, cells))})")
        if depth < options["max_depth"]:
            for child in _sorted(node.children.values(), options):
                if _shown(child, options):
                    add(child, 0 if cmd == "op" else depth + 1)

    add(root, 0)
    return "\n".join(lines) + "\n"


def _write(text: str, output: str) -> None:
    kind, _, place = output.partition(":outfile=")
    if kind == "stdout":
        print(text)
    elif kind == "file":
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)
    elif kind != "none":
        raise UnimplementedError(f"tf.compat.v1.profiler: output as {kind!r} is not implemented.")


@export(v1=["profiler.advise"])
def advise(graph: Any = None, run_meta: Any = None, options: Any = 0) -> Any:
    """Returns no advice, which would need times of runs."""
    return AdviceProto()


@export(v1=["profiler.write_op_log"])
def write_op_log(
    graph: Any, log_dir: str, op_log: Any = None, run_meta: Any = None, add_trace: bool = True
) -> None:
    """Writes the FLOP count of each operation to `log_dir`/tfprof_log.

    Args:
      graph: the graph; by default the current one.
      log_dir: a folder.
      op_log: an OpLogProto to extend.
      run_meta: metadata of a run; not used.
      add_trace: accepted; source lines are not written.
    """
    del run_meta, add_trace
    log = OpLogProto()
    if op_log is not None:
        log.CopyFrom(op_log)
    known = {entry.name for entry in log.log_entries}
    graph = graph or get_default_graph()
    trained = _trained(graph)
    for op in graph.get_operations():
        count = count_of(op)
        kinds = [_TRAINED] if op.name in trained else []
        if op.name not in known and (count or kinds):
            log.log_entries.add(name=op.name, float_ops=count, types=kinds)
    os.makedirs(log_dir, exist_ok=True)
    with open(os.path.join(log_dir, "tfprof_log"), "wb") as file:
        file.write(log.SerializeToString())
