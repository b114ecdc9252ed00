"""cond, case and while_loop of TensorFlow 1: single-element lists of results are unpacked, and cases may be a dict."""

from typing import Any

from penstock._src.api.control import control_flow as v2
from penstock._src.util.export import export


def _unpacked(result: Any, strict: bool) -> Any:
    """The result, or the only element of a list unless `strict`."""
    return (
        result[0]
        if not strict and isinstance(result, list | tuple) and len(result) == 1
        else result
    )


@export(v1=["cond"])
def cond(
    pred: Any,
    true_fn: Any = None,
    false_fn: Any = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Any = None,
    fn2: Any = None,
) -> Any:
    """Returns `true_fn()` or `false_fn()`; unless `strict`, a single-element list is unpacked."""
    result = v2.cond(pred, true_fn or fn1, false_fn or fn2, name)
    return _unpacked(result, strict)


@export(v1=["case"])
def case(
    pred_fn_pairs: Any,
    default: Any = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """Returns the result of the first function whose condition is true; pairs may be given as a dict."""
    if isinstance(pred_fn_pairs, dict):
        pred_fn_pairs = [
            (getattr(k, "deref", lambda k=k: k)(), f) for k, f in pred_fn_pairs.items()
        ]
    result = v2.case(pred_fn_pairs, default, exclusive, strict, name)
    return _unpacked(result, strict)


@export(v1=["while_loop"])
def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Repeats `loop_vars = body(*loop_vars)`; a single variable is returned without its list."""
    result = v2.while_loop(
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory,
        maximum_iterations, name,
    )  # fmt: skip
    return _unpacked(result, return_same_structure)
