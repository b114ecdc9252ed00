"""Calls and programs recorded on TensorFlow 2.21, namespace by namespace: values, gradients, classes of errors."""

import pytest

from tests.golden.compare import check, check_gradient
from tests.golden.corpus import cases, run, run_in_function
from tests.harness.static_shapes import watching

CASES = cases()
NAMESPACES = sorted({case["ns"] for case in CASES})
# What these return, or look at, is no tensor of a graph.
PYTHON_ANSWERS = {
    "debugging.assert_equal",
    "debugging.assert_same_float_dtype",
    "debugging.is_numeric_tensor",
    "dtypes.as_dtype",
    "get_static_value",
    "is_tensor",
    "make_ndarray",
    "nest.is_nested",
    "signal.inverse_stft_window_fn",
    "type_spec_from_value",
}


def failure(case, folder):
    """What is wrong with a case, or None."""
    try:
        with watching() as watcher:
            out, gradients = run(case, folder)
    except Exception as error:
        classes = [c.__name__ for c in type(error).__mro__]
        return None if case.get("err") in classes else f"raised {type(error).__name__}: {error}"
    if case.get("err"):
        return f"expected {case['err']}"
    if watcher.wrong:
        return str(watcher.wrong)
    tolerance = case.get("tol", "auto")
    try:
        check(out, case["out"], tolerance)
        for got, wanted in zip(gradients or [], case.get("g") or [], strict=True):
            check_gradient(got, wanted, tolerance)
    except AssertionError as error:
        return str(error)
    return None


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_recorded_results(namespace, tmp_path):
    chosen = [c for c in CASES if c["ns"] == namespace]
    found = {case["id"]: failure(case, tmp_path) for case in chosen}
    wrong = {name: what for name, what in found.items() if what is not None}
    assert not wrong


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_recorded_results_in_functions(namespace):
    for case in CASES:
        calls = case["ns"] == namespace and "src" not in case and not case.get("err")
        if calls and case["sym"] not in PYTHON_ANSWERS:
            check(run_in_function(case), case["out"], case.get("tol", "auto"))
