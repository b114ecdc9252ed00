"""cond, case and while_loop of TensorFlow 1: single-element lists of results are unpacked, and cases may be a dict."""

from penstock._src.api.control import conditionals, while_loops
from penstock._src.core.dispatch import STATE
from penstock._src.graph.func_graph import FuncGraph
from penstock._src.util.export import export


def _unpacked(result, strict):
    """The result, or the only element of a list unless `strict` or in a function, where TensorFlow returns what the branches do."""
    return conditionals.unpacked(result, strict or isinstance(STATE.graph, FuncGraph))


@export(v1=["cond"])
def cond(pred, true_fn=None, false_fn=None, strict=False, name=None, fn1=None, fn2=None):
    """Returns `true_fn()` or `false_fn()`; unless `strict` or in a function, a single-element list is unpacked."""
    result = conditionals.cond(pred, true_fn or fn1, false_fn or fn2, name)
    return _unpacked(result, strict)


@export(v1=["case"])
def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """Returns the result of the first function with a true condition; pairs may be given as a dict."""
    result = conditionals.case(pred_fn_pairs, default, exclusive, strict, name)
    return _unpacked(result, strict)


@export(v1=["while_loop"])
def while_loop(
    cond,
    body,
    loop_vars,
    shape_invariants=None,
    parallel_iterations=10,
    back_prop=True,
    swap_memory=False,
    name=None,
    maximum_iterations=None,
    return_same_structure=False,
):
    """Repeats `loop_vars = body(*loop_vars)`; a single variable is returned without its list."""
    listed = True

    def watched(*values):
        nonlocal listed
        results = body(*values)
        listed = isinstance(results, list | tuple)
        return results

    is_eager = STATE.graph is None
    result = while_loops.while_loop(
        cond, watched if is_eager else body, loop_vars, shape_invariants, parallel_iterations,
        back_prop, swap_memory, maximum_iterations, name,
    )  # fmt: skip
    # Eagerly TensorFlow returns the variables as the last step did.
    return conditionals.unpacked(result, return_same_structure or (is_eager and listed))
