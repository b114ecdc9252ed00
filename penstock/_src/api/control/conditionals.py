"""tf.cond, tf.case and tf.switch_case: plain Python when eager, If and Case in graphs."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.control_flow import add_conditional, unify
from penstock._src.core import dtypes
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.func_graph import ControlFlowGraph, FuncGraph
from penstock._src.graph.operation import Operation
from penstock._src.graph.trace import (
    autograph_converted,
    fill_outputs,
    identities,
    set_outputs,
    trace_body,
)
from penstock._src.util import nest
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export


@export("cond", v1=[])
@shortening
def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """Returns `true_fn()` if `pred` is True, else `false_fn()`.

    In a graph both functions are traced and one runs. Gradients flow through the branch that ran.

    Args:
      pred: a bool scalar.
      true_fn: a callable without arguments.
      false_fn: a callable without arguments, whose result has the structure and dtypes of that of
        `true_fn`.
      name: a name for the operation.

    Returns:
      What the function returned.

    Raises:
      TypeError: a branch is not callable or, in a graph, the results differ in structure or
        dtypes.

    >>> tf.cond(tf.constant(1) < 2, lambda: tf.constant("less"), lambda: tf.constant("more")).numpy()
    b'less'
    """
    if not callable(true_fn):
        raise TypeError("Argument `true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("Argument `false_fn` must be callable.")
    if STATE.graph is None:
        return true_fn() if _truth(pred) else false_fn()
    functions = autograph_converted(true_fn), autograph_converted(false_fn)
    return functional_cond(pred, *functions, name)


def functional_cond(
    pred: Any,
    true_fn: Callable[[], Any],
    false_fn: Callable[[], Any],
    name: str | None = None,
    may_be_lowered: bool | None = None,
) -> Any:
    """Returns the result of `tf.cond` in a graph; the functions are traced without conversion.

    `may_be_lowered` is what the graph says of how TensorFlow may run it.
    """
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool", pred)
    selector = convert_to_tensor(pred, name="pred")
    return _conditional(selector, (true_fn, false_fn), name or "cond", _OF_COND, may_be_lowered)


def _truth(pred: Any) -> bool:
    if isinstance(pred, bool):
        return pred
    tensor = pred if isinstance(pred, Tensor) else convert_to_tensor(pred)
    try:
        return bool(tensor)
    except ValueError as error:
        error.args = (f"{error} (tf.cond takes a scalar `pred`. Received shape {tensor.shape}.)",)
        raise


@dataclass(frozen=True)
class _Branch:
    """Names of a branch in messages, and in the name of its function."""

    part: str
    argument: str
    place: str
    call: str


_OF_COND = tuple(_Branch(p, f"{p}_fn", f"{p}_fn", "tf.cond") for p in ("true", "false"))


def _conditional(
    selector: Any,
    functions: Sequence[Callable[[], Any]],
    name: str,
    branches: Sequence[_Branch],
    may_be_lowered: bool | None = None,
) -> Any:
    """Traces `functions` as branches and adds the operation that chooses one of them."""
    with STATE.graph.name_scope(name) as scope:
        graphs: list[FuncGraph] = []
        for function, branch in zip(functions, branches, strict=True):
            graph = ControlFlowGraph(scope + branch.part)
            graphs.append(trace_body(graph, _giving_tensors(function, selector)))
        _check_captures(graphs, branches)
        _widen_slice_indices(graphs)
        for other, branch in zip(graphs[1:], branches[1:], strict=True):
            _check_alike(graphs[0], other, branches[0], branch)
        bodies, externals = unify(graphs, 0)
        is_case = branches is not _OF_COND
        outputs = add_conditional(selector, bodies, externals, is_case, scope, may_be_lowered)
        # A function passes its results on itself.
        results = outputs if may_be_lowered is False else identities(outputs, "Merge")
        return _packed([graph.structured_outputs for graph in graphs], results)


def _packed(structures: Sequence[Any], results: Sequence[Any]) -> Any:
    """Packs the results like the branches' outputs; a composite gets the narrowest type that all branches' values have."""
    first = structures[0]
    leaves = nest.flatten(first, expand_composites=True)
    common = nest.map_structure(_common_type, *structures, check_types=False)
    return fill_outputs(common, results, leaves)


def _common_type(*values: Any) -> Any:
    """Returns the common TypeSpec of composite values; the first of other values."""
    if not nest.is_composite(values[0]):
        return values[0]
    spec, *others = (value._type_spec._without_tensor_names() for value in values)
    common = spec.most_specific_common_supertype(others)
    if common is None:
        raise TypeError(f"No common supertype of {', '.join(map(str, (spec, *others)))}.")
    return common


def _check_captures(graphs: Sequence[FuncGraph], branches: Sequence[_Branch]) -> None:
    """Refuses a branch that reads a tensor of another branch."""
    place_of = {id(graph): branch.place for graph, branch in zip(graphs, branches, strict=True)}
    for graph, branch in zip(graphs, branches, strict=True):
        for tensor in graph.external_captures:
            owner = place_of.get(id(getattr(tensor, "graph", None)))
            if owner is not None:
                raise ValueError(
                    f"Tensor {tensor.name} in {owner} is accessed from {branch.place}."
                )


def _giving_tensors(function: Callable[[], Any], selector: Any) -> Callable[[], Any]:
    """Wrap a branch whose operations return nothing: the new branch returns the selector after they have run."""

    def value_of(leaf: Any) -> Any:
        if not isinstance(leaf, Operation):
            return leaf
        with STATE.graph.control_dependencies([leaf]):
            return raw.Identity(input=selector)

    return lambda: nest.map_structure(value_of, function())


def _widen_slice_indices(graphs: Sequence[FuncGraph]) -> None:
    """Casts the indices of IndexedSlices to int64 where branches differ in their dtype."""
    leaves = [nest.flatten(g.structured_outputs) for g in graphs]
    if len({len(row) for row in leaves}) != 1:
        return
    for row in zip(*leaves, strict=True):
        if not all(isinstance(leaf, IndexedSlices) for leaf in row):
            continue
        if len({leaf.indices.dtype for leaf in row}) == 1:
            continue
        for graph, leaf in zip(graphs, row, strict=True):
            _widen_slices(graph, leaf)


def _widen_slices(graph: FuncGraph, slices: IndexedSlices) -> None:
    def widened(leaf: Any) -> Any:
        if leaf is not slices or leaf.indices.dtype is dtypes.int64:
            return leaf
        indices = raw.Cast(x=leaf.indices, DstT=dtypes.int64)
        return IndexedSlices(leaf.values, indices, leaf.dense_shape)

    with building(graph):
        set_outputs(graph, nest.map_structure(widened, graph.structured_outputs))


def _check_alike(first: FuncGraph, second: FuncGraph, branch: _Branch, other: _Branch) -> None:
    a, b = first.structured_outputs, second.structured_outputs

    def fail(details: str) -> TypeError:
        return TypeError(
            f"{branch.argument} and {other.argument} arguments to {branch.call} must have the same number, "
            f"type, and overall structure of return values.\n\n{branch.argument} output: {a}\n"
            f"{other.argument} output: {b}\n\nError details:\n{details}"
        )

    for i, pair in enumerate(zip(nest.flatten(a), nest.flatten(b), strict=False)):
        if len({isinstance(leaf, IndexedSlices) for leaf in pair}) > 1:
            raise TypeError(
                f"Cannot reconcile tf.cond {i}-th outputs:\n  branches returned: {pair}"
            )
    try:
        nest.assert_same_structure(a, b, expand_composites=True)
    except (ValueError, TypeError) as error:
        raise fail(str(error)) from None
    pairs = zip(
        nest.flatten(a, expand_composites=True),
        nest.flatten(b, expand_composites=True),
        strict=True,
    )
    for x, y in pairs:
        if (x is None) != (y is None):
            raise fail(f"{x} and {y} have different types")
        if x is not None and x.dtype != y.dtype:
            raise fail(f"{x} and {y} have different types")


@export("switch_case", v1=["switch_case"])
@shortening
def switch_case(
    branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case"
) -> Any:
    """Returns the result of the branch with a given index.

    Args:
      branch_index: an int32 scalar.
      branch_fns: callables without arguments: a list, a dictionary with integers as keys, or
        pairs of integer and callable.
      default: the callable for any other index; without it, the last branch takes them.
      name: a name for the operation.

    Returns:
      What the branch returned; in a graph all results have one structure.

    Raises:
      TypeError: `branch_index` is not a tensor, or a branch is not callable.
      ValueError: the keys of the branches are not 0, 1, ...

    >>> tf.switch_case(tf.constant(1), [lambda: tf.constant("a"), lambda: tf.constant("b")]).numpy()
    b'b'
    """
    table = _branch_table(branch_fns)
    if default is not None and not callable(default):
        raise TypeError("Argument `default` must be callable.")
    if not isinstance(branch_index, Tensor):
        raise TypeError(f"'branch_index' must be a Tensor, got {type(branch_index)}")
    if not branch_index.dtype.is_integer:
        raise TypeError(f"'branch_index' must be an integer Tensor, got {branch_index.dtype}")
    functions = [table[i] for i in range(len(table))]
    if default is not None:
        functions.append(default)
    if STATE.graph is None:
        index = int(branch_index)
        return functions[index if 0 <= index < len(functions) else -1]()
    with STATE.graph.name_scope(name or "switch_case"):
        return indexed_case(branch_index, functions)


def indexed_case(
    branch_index: Any,
    branch_fns: Sequence[Callable[[], Any]],
    name: str = "indexed_case",
    lower_using_switch_merge: bool | None = None,
) -> Any:
    """Returns, in a graph, the result of the function with this index; other indices select the last.

    Args:
      branch_index: int32 scalar tensor.
      branch_fns: callables.
      name: of the operation.
      lower_using_switch_merge: what the graph says of how TensorFlow may run it.
    """
    if isinstance(branch_index, int):
        raise TypeError("branch_index must not be a Python int", branch_index)
    branches = [
        _Branch(f"branch{i}", f"branches[{i}]", f"branch {i}", "tf.switch_case")
        for i in range(len(branch_fns))
    ]
    index = convert_to_tensor(branch_index, name="branch_index")
    functions = [autograph_converted(f) for f in branch_fns]
    return _conditional(index, functions, name, branches, lower_using_switch_merge)


def _branch_table(branch_fns: Any) -> dict[int, Callable[[], Any]]:
    if not isinstance(branch_fns, list | tuple | dict):
        raise TypeError("branch_fns must be a list, tuple, or dict")
    pairs: list[Any] = (
        list(branch_fns.items()) if isinstance(branch_fns, dict) else list(branch_fns)
    )
    if not pairs:
        raise ValueError("Argument `branch_fns` must not be empty.")
    if all(callable(item) for item in pairs):
        pairs = list(enumerate(pairs))
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in `branch_fns` must be a 2-tuple. Received {pair}.")
        if not isinstance(pair[0], int):
            raise TypeError(f"key must be a Python `int`, got {type(pair[0])}.")
        if not callable(pair[1]):
            raise TypeError(f"fn for key {pair[0]} must be callable.")
    table = {int(key): function for key, function in pairs}
    if set(table) != set(range(len(pairs))):
        keys = ",".join(str(key) for key in sorted(table))
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(pairs)}) but found {{{keys}}}"
        )
    return table


@export("case", v1=[])
@shortening
def case(
    pred_fn_pairs: Any,
    default: Any = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """Returns the result of the first function with a true condition, else that of `default`.

    Args:
      pred_fn_pairs: (boolean scalar tensor, callable) pairs.
      default: a callable; without one, some condition must hold.
      exclusive: at most one condition may hold.
      strict: if False, eager calls return the only element of a list of one result.
      name: of the operations, in a graph.

    Returns:
      What the chosen function returns.

    Raises:
      TypeError: `default` is not callable.
      InvalidArgumentError: no condition holds and there is no `default`, or several hold and
        `exclusive` is True.
    """
    preds, functions = _checked_pairs(pred_fn_pairs)
    if default is not None and not callable(default):
        raise TypeError("Argument `default` must be callable.")
    if STATE.graph is None:
        return unpacked(_eager_case(preds, functions, default, exclusive), strict)
    with STATE.graph.name_scope(name or "case"):
        required = [_at_most(preds, 1, "Input error: exclusive=True")] if exclusive else []
        if default is None:
            *functions, last = functions
            default = functools.partial(_last_resort, preds, last)
        chosen = default
        for pred, function in reversed(list(zip(preds, functions, strict=False))):
            chosen = functools.partial(cond, pred, function, chosen)
        with STATE.graph.control_dependencies(required):
            return chosen()


def unpacked(result: Any, strict: bool) -> Any:
    """Returns the result, or the only element of a list unless `strict`."""
    if not strict and isinstance(result, list | tuple) and len(result) == 1:
        return result[0]
    return result


def _checked_pairs(pairs: Any) -> tuple[list[Any], list[Callable[[], Any]]]:
    """Returns the conditions and the functions of the pairs of `tf.case`."""
    if not isinstance(pairs, list | tuple | dict):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pairs)}")
    pairs = list(pairs.items()) if isinstance(pairs, dict) else list(pairs)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in `pred_fn_pairs` must be a 2-tuple. Received {pair}.")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0]} must be callable.")
    preds = [pred.deref() if hasattr(pred, "deref") else pred for pred, _ in pairs]
    for pred in preds:
        if not isinstance(pred, Tensor):
            raise TypeError(f"pred must be a Tensor, got {pred}")
        if pred.dtype is not dtypes.bool_:
            raise TypeError(f"pred must be Tensor of type bool: {pred}")
    return preds, [function for _, function in pairs]


def _at_most(preds: Sequence[Any], count: int, task: str) -> Operation:
    """Adds the check that at most `count` conditions hold."""
    shown = raw.Pack(values=preds, name="preds_c")
    total = raw.Sum(input=raw.Cast(x=shown, DstT=dtypes.int32), axis=[0], name="num_true_conds")
    names = ", ".join(pred.name for pred in preds)
    message = f"{task}: more than {count} conditions ({names}) evaluated as True:"
    return _required(raw.LessEqual(x=total, y=count), [message, shown], len(preds))


def _required(condition: Any, data: list[Any], summarize: int = 3) -> Operation:
    return raw.Assert(condition=condition, data=data, summarize=summarize)


def _last_resort(preds: Sequence[Any], function: Callable[[], Any]) -> Any:
    """Calls the last function of a `tf.case` without default, if its condition is the only one that holds."""
    *others, last = preds
    message = "Input error: None of conditions evaluated as True:"
    required = [_required(last, [message, raw.Pack(values=preds, name="preds_c")])]
    if others:
        task = f"Implementation error: the action {len(others)} was selected"
        required.insert(0, _at_most(others, 0, task))
    with STATE.graph.control_dependencies(required):
        return function()


def _eager_case(
    preds: Sequence[Any], functions: Sequence[Any], default: Any, exclusive: bool
) -> Any:
    holding = [function for pred, function in zip(preds, functions, strict=True) if _truth(pred)]
    if exclusive and len(holding) > 1:
        raise InvalidArgumentError(
            "Input error: exclusive=True: more than 1 conditions evaluated as True"
        )
    if holding:
        return holding[0]()
    if default is None:
        raise InvalidArgumentError("Input error: None of conditions evaluated as True")
    return default()
