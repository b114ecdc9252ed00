"""tf.cond, tf.while_loop, tf.case and tf.switch_case: plain Python when eager, If, While and Case in graphs."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.autodiff.control_flow import add_conditional, unify
from penstock._src.autodiff.loop_gradient import add_while
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, building
from penstock._src.core.errors import InaccessibleTensorError, InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TypeSpec, type_spec_from_value
from penstock._src.core.tensor import Tensor
from penstock._src.graph.func_graph import ControlFlowGraph, FuncGraph
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation
from penstock._src.graph.trace import (
    add_arguments,
    autograph_converted,
    fill_outputs,
    set_outputs,
    trace_body,
)
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.nest_paths import flatten_up_to


@export("cond", v1=[])
def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """Returns `true_fn()` if `pred` is true, else `false_fn()`.

    Args:
      pred: a boolean scalar tensor.
      true_fn: a callable without arguments.
      false_fn: a callable whose result is structured like that of `true_fn`.
      name: of the operation, in a graph.

    Raises:
      TypeError: a branch is not callable or, in a graph, the results differ in structure or dtypes.

    >>> tf.cond(tf.constant(1) < 2, lambda: tf.constant("less"), lambda: tf.constant("more")).numpy()
    b'less'
    """
    if not callable(true_fn):
        raise TypeError("Argument `true_fn` must be callable.")
    if not callable(false_fn):
        raise TypeError("Argument `false_fn` must be callable.")
    if STATE.graph is None:
        return true_fn() if _truth(pred) else false_fn()
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    functions = [autograph_converted(true_fn), autograph_converted(false_fn)]
    return _conditional(convert_to_tensor(pred), functions, name or "cond", ("true", "false"))


def _truth(pred: Any) -> bool:
    if isinstance(pred, Tensor):
        return bool(pred)
    return bool(convert_to_tensor(pred)) if not isinstance(pred, bool) else pred


def _conditional(
    selector: Any, functions: Sequence[Callable[[], Any]], name: str, labels: Sequence[str]
) -> Any:
    """Traces `functions` as branches and adds the operation that chooses one of them."""
    is_case = name != "cond" and selector.dtype is dtypes.int32
    with STATE.graph.name_scope(name) as scope:
        graphs = []
        for function, label in zip(functions, labels, strict=True):
            graph = ControlFlowGraph(_part_name(scope, label))
            try:
                graphs.append(trace_body(graph, _giving_tensors(function, selector)))
            except InaccessibleTensorError as error:
                raise _naming_branches(error, graphs, labels, label) from error
        _widen_slice_indices(graphs)
        for other, label in zip(graphs[1:], labels[1:], strict=True):
            _check_alike(graphs[0], other, labels[0], label)
        bodies, externals = unify(graphs, 0)
        outputs = add_conditional(selector, bodies, externals, is_case, scope)
        return fill_outputs(graphs[0].structured_outputs, _identities(outputs))


def _naming_branches(
    error: InaccessibleTensorError, others: Sequence[FuncGraph], labels: Sequence[str], label: str
) -> Exception:
    """Returns the error for the use of another branch's tensor; any other error is unchanged."""
    tensor = error.tensor
    for other, owner in zip(others, labels, strict=False):
        if tensor is not None and tensor.graph is other:
            return ValueError(
                f"Tensor {tensor.name} in {_branch_name(owner)} is accessed from {_branch_name(label)}."
            )
    return error


def _branch_name(label: str) -> str:
    return label.replace("branch", "branch ") if label.startswith("branch") else f"{label}_fn"


def _part_name(scope: str, label: str) -> str:
    """Returns the name of a function that the operation of this scope calls."""
    return STATE.graph.unique_name(f"{scope}{label}".replace("/", "_") + "_", mark_as_used=False)


def _identities(outputs: Sequence[Any]) -> list[Any]:
    """Returns a copy of each output, which may be fetched without the others."""
    copies = [raw.Identity(input=tensor) for tensor in outputs]
    for copy, tensor in zip(copies, outputs, strict=True):
        copy._handle_data = tensor._handle_data
    return copies


def _giving_tensors(function: Callable[[], Any], selector: Any) -> Callable[[], Any]:
    """Wraps a branch whose operations return nothing: it returns the selector after they have run."""

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


def _check_alike(first: FuncGraph, second: FuncGraph, label: str, other_label: str) -> None:
    a, b = first.structured_outputs, second.structured_outputs

    def fail(details: str) -> TypeError:
        return TypeError(
            f"{label}_fn and {other_label}_fn arguments to tf.cond must have the same number, type, and "
            f"overall structure of return values.\n\n{label}_fn output:  {a}\n{other_label}_fn output: "
            f"{b}\n\nError details:\n{details}"
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
def switch_case(
    branch_index: Any, branch_fns: Any, default: Any = None, name: str = "switch_case"
) -> Any:
    """Returns the result of the branch with this index; other indices select the default, or else the last branch.

    Args:
      branch_index: int32 scalar.
      branch_fns: callables: a list, a dict with int keys, or (int, callable) pairs.
      default: a callable.
      name: of the operation, in a graph.
    """
    table = _branch_table(branch_fns)
    if default is not None and not callable(default):
        raise TypeError("Argument `default` must be callable.")
    last = default or table[max(table)]
    if STATE.graph is None:
        return table.get(int(convert_to_tensor(branch_index, dtypes.int32)), last)()
    functions = [table[i] for i in range(len(table))]
    if default is not None:
        functions.append(default)
    index = convert_to_tensor(branch_index, dtypes.int32)
    labels = [f"branch{i}" for i in range(len(functions))]
    return _conditional(index, [autograph_converted(f) for f in functions], name, labels)


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
        found = ",".join(str(key) for key in sorted(table))
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(pairs)}) but found {{{found}}}"
        )
    return table


@export("case", v1=[])
def case(
    pred_fn_pairs: Any,
    default: Any = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """Returns the result of the first function whose condition is true, else that of `default`.

    Args:
      pred_fn_pairs: (boolean scalar tensor, callable) pairs.
      default: a callable; without one, some condition must hold.
      exclusive: at most one condition may hold.
      strict: accepted; a list of one result is never unpacked.
      name: of the operations, in a graph.
    """
    pairs = list(pred_fn_pairs)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"Each entry in `pred_fn_pairs` must be a 2-tuple. Received {pair}.")
        if not callable(pair[1]):
            raise TypeError(f"fn for pred {pair[0]} must be callable.")
    if default is not None and not callable(default):
        raise TypeError("Argument `default` must be callable.")
    if STATE.graph is None:
        return _eager_case(pairs, default, exclusive)
    preds = [convert_to_tensor(p, dtypes.bool_) for p, _ in pairs]
    functions = [f for _, f in pairs]
    if default is None:
        some = raw.Any(input=raw.Pack(values=preds), axis=0)
        raw.Assert(
            condition=some, data=["None of the conditions evaluated as True. Conditions:", *preds]
        )
        default, functions, preds = functions[-1], functions[:-1], preds[:-1]
    chosen = default
    for pred, function in zip(reversed(preds), reversed(functions), strict=True):
        chosen = _choice(pred, function, chosen)
    return chosen()


def _choice(pred: Any, yes: Any, no: Any) -> Callable[[], Any]:
    return lambda: cond(pred, yes, no)


def _eager_case(pairs: Sequence[Any], default: Any, exclusive: bool) -> Any:
    holding = [function for pred, function in pairs if _truth(pred)]
    if exclusive and len(holding) > 1:
        raise InvalidArgumentError(
            "Input error: exclusive=True: more than 1 conditions evaluated as True"
        )
    if holding:
        return holding[0]()
    if default is None:
        raise InvalidArgumentError("None of conditions evaluated as True")
    return default()


@export("while_loop", v1=[])
def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` is true.

    Args:
      cond: a callable that returns a boolean scalar tensor.
      body: a callable that returns new loop variables, structured like the old.
      loop_vars: a list or tuple of tensors, TensorArrays, and structures of them.
      shape_invariants: for each variable the shape it has in all iterations; by default that at the start.
      maximum_iterations: the maximum number of iterations.
      back_prop: False stops gradients at the loop's results, in a graph.
      parallel_iterations, swap_memory: accepted for compatibility; no effect.

    Returns:
      The variables after the loop, structured like `loop_vars`.

    Raises:
      ValueError, TypeError: in a graph, a variable changes its structure, dtype or shape.

    >>> tf.while_loop(lambda i: i < 10, lambda i: [i + 3], [tf.constant(0)])[0].numpy()
    np.int32(12)
    """
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if parallel_iterations is not None and parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    if len(loop_vars) == 0:
        raise ValueError("'loop_vars' must be provided.")
    if STATE.graph is None:
        return _eager_loop(cond, body, loop_vars, maximum_iterations)
    result = _Loop(
        autograph_converted(cond),
        autograph_converted(body),
        loop_vars,
        shape_invariants,
        maximum_iterations,
        parallel_iterations,
        name or "while",
    ).build()
    if back_prop:
        return result
    return nest.map_structure(
        lambda t: raw.StopGradient(t) if isinstance(t, Tensor) else t,
        result,
        expand_composites=True,
    )


def _eager_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    single = len(loop_vars) == 1
    limit = None if maximum_iterations is None else int(maximum_iterations)
    iterations = 0
    unpacked = False
    held = loop_vars
    while cond(*held) and (limit is None or iterations < limit):
        result = body(*held)
        unpacked = single and not isinstance(result, list | tuple)
        result = (result,) if unpacked else result
        nest.assert_same_structure(list(loop_vars), list(result), check_types=False)
        held = result
        iterations += 1
    converted = nest.map_structure(
        lambda leaf: leaf if nest.is_composite(leaf) or leaf is None else convert_to_tensor(leaf),
        held,
    )
    return converted[0] if unpacked else converted


class _Loop:
    """A While under construction: variable 0 counts iterations, then come the user's."""

    def __init__(
        self,
        cond: Any,
        body: Any,
        loop_vars: Any,
        shape_invariants: Any,
        maximum_iterations: Any,
        parallel_iterations: int,
        name: str,
    ) -> None:
        self.cond, self.body, self.name = cond, body, name
        self.parallel_iterations = parallel_iterations or 10
        self.start = nest.map_structure(_loop_variable, loop_vars)
        self.flat = nest.flatten(self.start, expand_composites=True)
        self.shapes, self.forms = _invariants(self.start, self.flat, shape_invariants)
        self.limit = (
            None
            if maximum_iterations is None
            else convert_to_tensor(maximum_iterations, dtypes.int32)
        )

    def build(self) -> Any:
        with STATE.graph.name_scope(self.name) as scope:
            return self._built(scope)

    def _built(self, scope: str) -> Any:
        counter = convert_to_tensor(0, dtypes.int32, name="loop_counter")
        starts = [STATE.graph.local(t) for t in (counter, *self.flat)]
        shapes = [TensorShape([]), *self.shapes]
        cond_graph, body_graph = (
            ControlFlowGraph(_part_name(scope, part)) for part in ("cond", "body")
        )
        for graph in (cond_graph, body_graph):
            add_arguments(graph, starts, shapes)
        trace_body(cond_graph, lambda: self._condition(cond_graph))
        trace_body(body_graph, lambda: self._iteration(body_graph))
        n = len(starts)
        (test, step), externals = unify([cond_graph, body_graph], n)
        step = GraphFunction(step.graph, step.inputs, [*body_graph.outputs, *step.inputs[n:]])
        made = add_while(
            test, step, [*starts, *externals], self.limit, scope, self.parallel_iterations
        )
        return self._packed(_identities(made[1:n]))

    def _packed(self, tensors: Sequence[Any]) -> Any:
        """The variables made of their tensors; what an invariant describes has the shape that the invariant says."""
        if not self.forms:
            return nest.pack_sequence_as(self.start, list(tensors), expand_composites=True)
        remaining = iter(tensors)
        made = []
        for leaf, form in zip(nest.flatten(self.start), self.forms, strict=True):
            if form is not None:
                made.append(form.from_tensors(remaining))
                continue
            parts = [next(remaining) for _ in nest.flatten(leaf, expand_composites=True)]
            made.append(nest.pack_sequence_as(leaf, parts, expand_composites=True))
        return nest.pack_sequence_as(self.start, made)

    def _condition(self, graph: FuncGraph) -> Any:
        proceed = convert_to_tensor(self.cond(*self._packed(graph.inputs[1 : 1 + len(self.flat)])))
        if proceed.dtype is not dtypes.bool_:
            raise TypeError(f"while_loop: cond must return a boolean tensor. Received {proceed}.")
        if proceed.shape.rank not in (None, 0):
            proceed = raw.Squeeze(input=proceed)
        if self.limit is not None:
            within = raw.Less(x=graph.inputs[0], y=self.limit)
            proceed = raw.LogicalAnd(x=within, y=proceed)
        return proceed

    def _iteration(self, graph: FuncGraph) -> list[Any]:
        placeholders = graph.inputs[1 : 1 + len(self.flat)]
        result = self.body(*self._packed(placeholders))
        if not isinstance(result, list | tuple):
            result = [result]
        try:
            nest.assert_same_structure(
                list(self.start), list(result), expand_composites=True, check_types=False
            )
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"while_loop: body must return variables structured like loop_vars. {error}"
            ) from None
        result = nest.map_structure(_loop_variable, result)
        flat = nest.flatten(list(result), expand_composites=True)
        for before, after, shape in zip(self.flat, flat, self.shapes, strict=True):
            self._check(before, after, shape)
        one = convert_to_tensor(1, dtypes.int32)
        return [raw.AddV2(x=graph.inputs[0], y=one), *flat]

    def _check(self, before: Any, after: Any, shape: TensorShape) -> None:
        if before.dtype is not after.dtype:
            raise TypeError(
                f"Loop var {before.name} enters the loop with type {before.dtype} but has type "
                f"{after.dtype} after 1 iteration."
            )
        if before.dtype in (dtypes.variant, dtypes.resource):
            return
        if not _at_least_as_known(after.shape, shape):
            raise ValueError(
                f"Input tensor '{before.name}' enters the loop with shape {shape}, but has shape "
                f"{after.shape} after one iteration. To allow the shape to vary across iterations, use "
                "the `shape_invariants` argument of tf.while_loop to specify a less-specific shape."
            )


def _at_least_as_known(shape: TensorShape, general: TensorShape) -> bool:
    if general.rank is None:
        return True
    if shape.rank != general.rank:
        return False
    pairs = zip(shape.as_list(), general.as_list(), strict=True)
    return all(wanted is None or size == wanted for size, wanted in pairs)


def _loop_variable(leaf: Any) -> Any:
    return leaf if nest.is_composite(leaf) or leaf is None else convert_to_tensor(leaf)


def _invariants(start: Any, flat: Sequence[Any], given: Any) -> tuple[list[TensorShape], list[Any]]:
    """Returns the shape of each tensor, and for each variable its type if an invariant gives a composite one."""
    if given is None:
        return [t.shape if t.dtype is not dtypes.variant else TensorShape([]) for t in flat], []
    shapes: list[TensorShape] = []
    forms: list[Any] = []
    leaves = nest.flatten(start)
    invariants = flatten_up_to(start, given, check_types=False)
    for leaf, invariant in zip(leaves, invariants, strict=True):
        parts = nest.flatten(leaf, expand_composites=True)
        if isinstance(invariant, TypeSpec):
            _check_invariant_type(leaf, invariant)
            shapes += [spec.shape for spec in invariant.flatten()]
            forms.append(invariant if nest.is_composite(leaf) else None)
        elif len(parts) == 1:
            shapes.append(_checked_invariant(parts[0], as_shape(invariant)))
            forms.append(None)
        else:
            spec = leaf._shape_invariant_to_type_spec(as_shape(invariant))
            shapes += [part.shape for part in spec.flatten()]
            forms.append(spec)
    return shapes, forms


def _check_invariant_type(leaf: Any, invariant: Any) -> None:
    spec: Any = type_spec_from_value(leaf)
    if type(spec) is not type(invariant) or spec.dtype != invariant.dtype:
        raise TypeError(
            f"while_loop: the shape invariant {invariant} does not describe the loop variable {leaf}, "
            f"which is of type {spec}."
        )


def _checked_invariant(tensor: Any, shape: TensorShape) -> TensorShape:
    if tensor.dtype is dtypes.variant:
        return TensorShape([])
    if not _at_least_as_known(tensor.shape, shape):
        raise ValueError(
            f"The shape invariant specified for {getattr(tensor, 'name', tensor)} is not compatible with "
            f"the initial shape of the loop variable. It enters the loop with shape {tensor.shape}, but "
            f"the specified shape invariant is {shape}."
        )
    return shape
