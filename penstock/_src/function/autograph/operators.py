"""Runtime of `if`, `and`, `or`, `not`, `a if c else b`, `a < b < c` and `assert`: Python semantics, or graph ops for
tensors."""

import operator
from collections.abc import Callable
from typing import Any

from penstock._src.api.control import conditionals
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.function.autograph import values
from penstock._src.function.autograph.undefined import Undefined, UndefinedReturnValue
from penstock._src.util import nest

Branch = Callable[[], Any]


def if_(
    condition: Any,
    body: Branch,
    orelse: Branch,
    get_state: Callable[[], tuple],
    set_state: Callable[[tuple], None],
    names: tuple[str, ...],
    outputs: int,
) -> None:
    """Runs one branch or, for a symbolic condition, traces both into a tf.cond.

    Both branches start from the same values of the variables `names`; the first `outputs` of them are results. The
    others are undefined after a tf.cond.
    """
    if not values.is_symbolic(condition):
        body() if condition else orelse()
        return
    check_condition(condition)
    before = get_state()
    outcomes: dict[str, tuple] = {}

    def branch(run: Branch, label: str) -> Any:
        set_state(before)
        run()
        outcomes[label] = check_branch_values(get_state()[:outputs], names[:outputs], label)
        if label == "else":
            check_branches_agree(outcomes["main"], outcomes["else"], names[:outputs])
        return nest.flatten(outcomes[label])

    results = conditionals.cond(
        condition, lambda: branch(body, "main"), lambda: branch(orelse, "else")
    )
    others = map(Undefined, names[outputs:])
    set_state((*nest.pack_sequence_as(outcomes["else"], list(results)), *others))


def check_condition(condition: Any) -> None:
    shape, dtype = condition.shape, condition.dtype
    if dtype != dtypes.bool_ or (shape.rank not in (None, 0) and shape.num_elements() != 1):
        raise ValueError(
            f"condition of if statement expected to be `tf.bool` scalar, got {condition}; to use as "
            "boolean Tensor, use `tf.cast`; to check for None, use `is not None`"
        )


def check_branch_values(state: tuple, names: tuple[str, ...], label: str) -> tuple:
    """Returns the variables at the end of a branch as tensors; raises if one was never set."""
    for name, value in zip(names, state, strict=True):
        if isinstance(value, UndefinedReturnValue):
            raise ValueError(f"the {label} branch must also have a return statement.")
        if isinstance(value, Undefined):
            raise ValueError(f"'{name}' must also be initialized in the {label} branch")
    return tuple(
        values.as_tensors(value, name, f"the {label} branch")
        for name, value in zip(names, state, strict=True)
    )


def check_branches_agree(main: tuple, orelse: tuple, names: tuple[str, ...]) -> None:
    for name, left, right in zip(names, main, orelse, strict=True):
        for value, label in ((left, "main"), (right, "else")):
            if value is None:
                raise ValueError(f"'{name}' is None at the end of the {label} branch.")
        values.check_structure(
            left,
            right,
            f"'{name}' must have the same nested structure in the main and else branches:",
        )
        for x, y in zip(values.flatten((left,)), values.flatten((right,)), strict=True):
            if x.dtype != y.dtype:
                raise TypeError(
                    f"'{name}' has dtype {x.dtype.name} in the main branch, but dtype {y.dtype.name} "
                    "in the else branch"
                )


def if_exp(condition: Any, body: Branch, orelse: Branch, text: str) -> Any:
    """`body() if condition else orelse()`."""
    if not values.is_symbolic(condition):
        return body() if condition else orelse()
    results: list[Any] = []

    def get_state() -> tuple:
        return tuple(results) or (None,)

    def set_state(state: tuple) -> None:
        results[:] = state

    def run(branch: Branch) -> None:
        results[:] = [branch()]

    if_(condition, lambda: run(body), lambda: run(orelse), get_state, set_state, (text,), 1)
    return results[0]


def and_(left: Branch, right: Branch) -> Any:
    """`left() and right()`."""
    first = left()
    if values.is_symbolic(first):
        return _lazy(first, lambda: _boolean(right()), lambda: first)
    return first and right()


def or_(left: Branch, right: Branch) -> Any:
    """`left() or right()`."""
    first = left()
    if values.is_symbolic(first):
        return _lazy(first, lambda: first, lambda: _boolean(right()))
    return first or right()


def _lazy(first: Any, yes: Branch, no: Branch) -> Any:
    return conditionals.cond(first, yes, no)


def _boolean(value: Any) -> Any:
    return convert_to_tensor(value)


def not_(value: Any) -> Any:
    """`not value`."""
    if values.is_symbolic(value):
        return raw.LogicalNot(x=value)
    return not value


def as_bool(value: Any) -> bool:
    """The test of a loop that assigns names (`:=`), which is Python's: no loop of a graph carries what its condition assigns.

    Raises:
      OperatorNotAllowedInGraphError: it depends on a tensor of a graph.
    """
    return bool(value)


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "Is": operator.is_,
    "IsNot": operator.is_not,
    "In": lambda a, b: a in b,
    "NotIn": lambda a, b: a not in b,
}


def compare_chain(first: Any, *rest: Any) -> Any:
    """`first < b() < c()`, each operand evaluated once, and only as far as needed."""
    name, second, *more = rest
    right = second()
    holds = _COMPARISONS[name](first, right)
    if not more:
        return holds
    return and_(lambda: holds, lambda: compare_chain(right, *more))


def assert_(condition: Any, message: Branch) -> None:
    """`assert condition, message()`."""
    if values.is_symbolic(condition):
        text = message()
        data = convert_to_tensor(condition if text is None else text)
        raw.Assert(condition=condition, data=[data])
    elif __debug__ and not condition:
        text = message()
        raise AssertionError() if text is None else AssertionError(text)
