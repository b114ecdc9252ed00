"""Runtime of `while` and `for`: Python's loops, or tf.while_loop if the condition or iterable is a tensor."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.control import conditionals, while_loops
from penstock._src.core import dispatch, dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.function.autograph import values
from penstock._src.function.autograph.items import (
    Items,
    IteratorItems,
    RaggedItems,
    range_items,
    tensor_items,
)
from penstock._src.function.autograph.undefined import Undefined, UndefinedReturnValue
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util import nest

GetState = Callable[[], tuple]
SetState = Callable[[tuple], None]
Options = dict[str, Any]
_LIMITATIONS = (
    "\nSee https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/autograph/g3doc/"
    "reference/limitations.md#consistency-of-control-flow-types for more info."
)


def while_(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: tuple[str, ...],
    outputs: int,
    options: Options,
) -> None:
    """`while test(): body()` over the variables `names`; a graph carries the first `outputs`."""
    before = get_state()
    if dispatch.executing_eagerly():
        while test():
            body()
        return
    with _scratch_graph() as scratch:
        first = test()
        after = get_state()
    if not values.is_symbolic(first) and not _needs_graph(scratch, after):
        _python_while(test, body, [first])
        return
    set_state(before)
    if values.is_symbolic(first):
        get_state, set_state = _carried(get_state, set_state, names, outputs)
        _graph_loop(test, body, get_state, set_state, names[:outputs], options)
        return
    _python_while(test, body)


def _scratch_graph() -> Any:
    return FuncGraph("loop_probe").as_default()


def _needs_graph(scratch: FuncGraph, state: tuple) -> bool:
    """True if a condition must be evaluated again because it left tensors or effects in a scratch graph.

    Otherwise it must not: it may have effects in Python, such as taking from an iterator.
    """
    items = itertools.chain(*(v if isinstance(v, list | tuple) else [v] for v in state))
    holds = any(isinstance(t, SymbolicTensor) and t.graph is scratch for t in items)
    return holds or any(op.raw_op.stateful for op in scratch._operations)


def _python_while(
    test: Callable[[], Any], body: Callable[[], None], evaluated: Sequence[Any] = ()
) -> None:
    """Runs a loop in Python; `evaluated` holds the condition's value if it has been computed."""
    known = list(evaluated)
    while True:
        proceed = known.pop() if known else test()
        if values.is_symbolic(proceed):
            raise NotImplementedError(
                "The condition of while loop started as non-Tensor, then changed to Tensor. This may "
                "happen either because variables changed type, or when a break or return statement "
                "inside the loop depends on a Tensor condition. In both cases, changing to a TF loop "
                "should remove the error." + _LIMITATIONS
            )
        if not proceed:
            return
        body()


def for_(
    iterated: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: tuple[str, ...],
    outputs: int,
    options: Options,
) -> None:
    """`for ... in iterated: body(item)`, ended early when `extra_test()` is false; a graph carries the first `outputs` of `names`."""
    if dispatch.executing_eagerly() or not _iterates_in_graph(iterated):
        _python_for(iterated, extra_test, body)
        return
    get_state, set_state = _carried(get_state, set_state, names, outputs)
    names = names[:outputs]
    _forbid_return(get_state())
    if isinstance(iterated, Tensor) or values.is_variable(iterated):
        items: Items = range_items(iterated) or tensor_items(convert_to_tensor(iterated))
        if items.is_range:
            _define(options.get("target", ""), items.start, names, get_state, set_state)
    elif hasattr(iterated, "get_next_as_optional"):
        items = IteratorItems(iterated)
    elif hasattr(iterated, "row_splits"):
        items = RaggedItems(iterated)
    else:
        # As in TensorFlow, each run of the loop is of another dataset.
        newly_made = getattr(iterated, "_newly_made", None)
        iterator = iter(iterated if newly_made is None else newly_made())
        items = IteratorItems(iterator, loosens=True)
    _for_in_graph(items, extra_test, body, get_state, set_state, names, options)


def _define(
    target: str, value: Any, names: tuple[str, ...], get_state: GetState, set_state: SetState
) -> None:
    """Gives the target of a loop over a range the range's start, where it is undefined: without a turn it stays so, as in TensorFlow."""
    pairs = zip(names, get_state(), strict=True)
    set_state(
        tuple(
            value if name == target and isinstance(old, Undefined) else old for name, old in pairs
        )
    )


def _carried(
    get_state: GetState, set_state: SetState, names: tuple[str, ...], outputs: int
) -> tuple[GetState, SetState]:
    """The state that a graph carries. The other variables are undefined in the loop and after it, so a use of them raises."""
    others = tuple(map(Undefined, names[outputs:]))
    return lambda: get_state()[:outputs], lambda state: set_state((*state, *others))


def _forbid_return(state: tuple) -> None:
    """Raises if one of the variables is the result of a function that a loop in a graph would return."""
    if any(isinstance(value, UndefinedReturnValue) for value in state):
        raise NotImplementedError(
            "a return statement cannot be placed inside this TensorFlow loop; this may happen if a "
            "return statement depends on a static Python condition such as a hyperparameter"
        )


def _iterates_in_graph(iterated: Any) -> bool:
    if isinstance(iterated, Tensor) or values.is_variable(iterated):
        return True
    return any(
        hasattr(type(iterated), mark)
        for mark in ("get_next_as_optional", "row_splits", "element_spec")
    )


def _python_for(
    iterated: Any, extra_test: Callable[[], Any] | None, body: Callable[[Any], None]
) -> None:
    for item in iterated:
        if extra_test is not None:
            proceed = extra_test()
            if values.is_symbolic(proceed):
                raise NotImplementedError(
                    "break and return statements which depend on a TF condition are not supported in "
                    "Python for loops. Did you intend to make it a TF loop?" + _LIMITATIONS
                )
            if not proceed:
                return
        body(item)


def _for_in_graph(
    items: Items,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
    names: tuple[str, ...],
    options: Options,
) -> None:
    """Builds the loop, with the position as its first variable."""
    position: list[Any] = [items.start]

    def step() -> None:
        if isinstance(items, IteratorItems):
            optional = items.iterator.get_next_as_optional()
            position[0] = optional.has_value()
            _run_if_present(optional, position[0], body, get_state, set_state)
        else:
            here = position[0]
            body(items.item(here))
            position[0] = items.advance(here)

    def test() -> Any:
        more = items.more(position[0])
        return more if extra_test is None else _both(more, extra_test())

    def get() -> tuple:
        return (position[0], *get_state())

    def put(state: tuple) -> None:
        position[0] = state[0]
        set_state(tuple(state[1:]))

    if items.maximum is not None:
        options = {"maximum_iterations": items.maximum, **options}
    _graph_loop(test, step, get, put, ("<position>", *names), options, items.loosens)


def _run_if_present(
    optional: Any,
    is_present: Tensor,
    body: Callable[[Any], None],
    get_state: GetState,
    set_state: SetState,
) -> None:
    """Runs the body with an iterator's element; at the end of the iterator, the state stays as it is."""
    before = get_state()
    if not before:

        def run_without_state() -> int:
            body(optional.get_value())
            return 0

        conditionals.cond(is_present, run_without_state, lambda: 0)
        return

    def run() -> Any:
        set_state(before)
        body(optional.get_value())
        return nest.flatten(get_state())

    unchanged = nest.flatten(before)
    results = conditionals.cond(is_present, run, lambda: unchanged)
    set_state(nest.pack_sequence_as(before, list(results)))


def _both(first: Any, second: Any) -> Any:
    second = convert_to_tensor(second)
    return raw.LogicalAnd(x=first, y=second)


def _graph_loop(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: tuple[str, ...],
    options: Options,
    loosens: bool = False,
) -> None:
    """Builds the loop; with `loosens`, as for datasets, shapes that an iteration changes are relaxed until they are
    stable."""
    before = get_state()
    prepared, missing = _with_placeholders(before, body, get_state, set_state, names)
    start = tuple(
        values.as_tensors(value, name, "the code before the loop")
        for name, value in zip(names, prepared, strict=True)
    )
    invariants = _shape_invariants(before, start, options)
    if missing:
        set_state(start)
        text = f"loop must iterate at least once to initialize {', '.join(missing)}"
        raw.Assert(condition=test(), data=[convert_to_tensor(text)])

    def run_test(*state: Any) -> Any:
        set_state(state)
        return test()

    def run_body(*state: Any) -> tuple:
        set_state(state)
        body()
        after = tuple(
            values.as_tensors(value, name, "one iteration of the loop")
            if not isinstance(value, Undefined)
            else value
            for name, value in zip(names, get_state(), strict=True)
        )
        if loosens and _loosen(state, after):
            raise _ShapeChanged(_common_shapes(state, after))
        check_iteration(state, after, names, invariants, start)
        return after

    if not start:
        _loop_without_state(test, body, options)
        return
    while True:
        try:
            results = while_loops.while_loop(
                run_test, run_body, start, shape_invariants=invariants, **_passed(options)
            )
        except _ShapeChanged as changed:
            invariants = changed.invariants
        else:
            break
    set_state(tuple(results))


def _loop_without_state(
    test: Callable[[], Any], body: Callable[[], None], options: Options
) -> None:
    """Builds a loop that assigns no variable: it carries a constant, as a loop must carry a tensor."""

    def run(marker: Any) -> tuple[Any]:
        body()
        return (marker,)

    marker = convert_to_tensor(0)
    while_loops.while_loop(lambda _: test(), run, (marker,), **_passed(options))


class _ShapeChanged(Exception):
    """An iteration changed shapes incompatibly; `invariants` fit both."""

    def __init__(self, invariants: tuple) -> None:
        super().__init__(invariants)
        self.invariants = invariants


def _loosen(before: tuple, after: tuple) -> bool:
    """Return True if only shapes became incompatible in an iteration."""
    if any(isinstance(new, Undefined) or new is None for new in after):
        return False
    old, new = values.flatten(before), values.flatten(after)
    pairs = [(x, y) for x, y in zip(old, new, strict=False) if isinstance(x, Tensor)]
    return len(old) == len(new) and any(not y.shape.is_subtype_of(x.shape) for x, y in pairs)


def _common_shapes(before: tuple, after: tuple) -> tuple:
    """The most specific shapes compatible with both states, in their structure."""
    return tuple(
        nest.map_structure(lambda x, y: x.shape.most_specific_compatible_shape(y.shape), old, new)
        for old, new in zip(before, after, strict=True)
    )


def _passed(options: Options) -> Options:
    return {
        key: value
        for key, value in options.items()
        if key in ("parallel_iterations", "swap_memory", "maximum_iterations") and value is not None
    }


def _shape_invariants(before: tuple, start: tuple, options: Options) -> tuple | None:
    invariants = options.get("shape_invariants")
    if not invariants:
        return None
    pairs = [(value, shape) for value, shape in invariants]

    def invariant(original: Any, tensor: Any) -> Any:
        for value, shape in pairs:
            if value is original:
                return _spread(shape, tensor)
        # A TensorArray has no shape.
        return nest.map_structure(lambda leaf: getattr(leaf, "shape", None), tensor)

    return tuple(invariant(a, b) for a, b in zip(before, start, strict=True))


def _spread(shape: Any, tensor: Any) -> Any:
    """Expands the shape invariant of a variable to the variable's structure."""
    if not nest.is_nested(tensor):
        return nest.map_structure(lambda leaf: TensorShape(shape), tensor)
    if isinstance(tensor, dict):
        return {key: _spread(shape[key], part) for key, part in tensor.items()}
    parts = [_spread(s, t) for s, t in zip(shape, nest.children(tensor) or (), strict=True)]
    return nest.rebuild(tensor, parts)


def check_iteration(
    before: tuple, after: tuple, names: tuple[str, ...], invariants: tuple | None, start: tuple
) -> None:
    """Raises if a variable changed structure, dtype or shape in one iteration."""
    for index, (name, old, new) in enumerate(zip(names, before, after, strict=True)):
        if isinstance(new, Undefined):
            raise ValueError(f"'{name}' must be defined at the end of each iteration of the loop")
        if new is None and old is not None:
            raise ValueError(f"'{name}' is None at the end of the iteration.")
        values.check_structure(
            old, new, f"'{name}' does not have the same nested structure after one iteration."
        )
        leaves = zip(values.flatten((old,)), values.flatten((new,)), strict=True)
        for x, y in leaves:
            if not isinstance(x, Tensor):
                continue
            if x.dtype != y.dtype:
                raise TypeError(
                    f"'{name}' has dtype {x.dtype.name} before the loop, but dtype {y.dtype.name} "
                    "after one iteration"
                )
            _check_shape(
                name,
                x,
                y,
                has_invariant=invariants is not None and _loosened(invariants[index], start[index]),
            )


def _loosened(invariant: Any, start: Any) -> bool:
    pairs = zip(nest.flatten(invariant), nest.flatten(start), strict=False)
    return any(str(shape) != str(getattr(value, "shape", None)) for shape, value in pairs)


def _check_shape(name: str, before: Tensor, after: Tensor, has_invariant: bool) -> None:
    if before.dtype in (dtypes.variant, dtypes.resource) or after.shape.is_subtype_of(before.shape):
        return
    old, new = before.shape, after.shape
    if has_invariant:
        raise ValueError(
            f"'{name}' has shape {new} after one iteration, which does not conform with the shape "
            f"invariant {old}."
        )
    raise ValueError(
        f"'{name}' has shape {old} before the loop, but shape {new} after one iteration. Use "
        "tf.autograph.experimental.set_loop_options to set shape invariants."
    )


def _with_placeholders(
    before: tuple,
    body: Callable[[], None],
    get_state: GetState,
    set_state: SetState,
    names: tuple[str, ...],
) -> tuple[tuple, list[str]]:
    """Initializes variables defined only in the loop with zeros, typed by tracing one iteration separately."""
    missing = [
        index for index, value in enumerate(before) if isinstance(value, Undefined) or value is None
    ]
    if not missing:
        return before, []
    _forbid_return(before)
    first = names[missing[0]]
    try:
        with _scratch_graph():
            set_state(tuple(map(_unknown, before, names)))
            body()
            after = get_state()
            shown = {
                index: nest.map_structure(
                    lambda leaf: (leaf.dtype, leaf.shape),
                    values.as_tensors(after[index], names[index], "one iteration"),
                )
                for index in missing
                if not isinstance(after[index], Undefined)
            }
            structures = {index: values.as_tensors(after[index], "", "") for index in shown}
    except Exception as error:
        if before[missing[0]] is None:
            raise ValueError(f"'{first}' is not allowed to be None before the loop") from error
        raise ValueError(
            f"'{first}' must be defined before the loop\nNote: AutoGraph tried to define it "
            f"automatically, but ran into a {type(error).__name__}: {error}"
        ) from error
    finally:
        set_state(before)
    prepared = list(before)
    for index in missing:
        if index not in shown and before[index] is None:
            raise ValueError(f"'{names[index]}' is not allowed to be None before the loop")
        if index not in shown:
            raise ValueError(f"'{names[index]}' must be defined before the loop")
        prepared[index] = nest.map_structure(_zeros_like_traced, structures[index])
    set_state(tuple(prepared))
    undefined = [
        names[i] for i in missing if isinstance(before[i], Undefined) or prepared[i] is not None
    ]
    return tuple(prepared), undefined


def _unknown(value: Any, name: str) -> Any:
    """A variable as the loop sees it: of the same shape, but with values that are not known."""
    if value is None or isinstance(value, Undefined):
        return value
    try:
        tensors = values.as_tensors(value, name, "the code before the loop")
    except TypeError:  # raised again with a better message when the loop is built
        return value
    return nest.map_structure(
        lambda leaf: (
            raw.PlaceholderWithDefault(input=leaf, shape=leaf.shape)
            if isinstance(leaf, Tensor) and leaf.dtype not in (dtypes.variant, dtypes.resource)
            else leaf
        ),
        tensors,
    )


def _zeros_like_traced(leaf: Any) -> Any:
    if leaf is None:
        return None
    shape = [
        size if size is not None else 0
        for size in (leaf.shape.as_list() if leaf.shape.rank is not None else [])
    ]
    zero = convert_to_tensor(b"" if leaf.dtype == dtypes.string else 0, leaf.dtype)
    filled = raw.Fill(dims=convert_to_tensor(shape, dtypes.int32), value=zero)
    if leaf.shape.is_fully_defined():
        return filled
    return raw.PlaceholderWithDefault(input=filled, shape=leaf.shape)
