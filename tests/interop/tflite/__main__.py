"""Runs every case by both interpreters and lists where they differ.

    python -m tests.interop.tflite [NAMES]

Names choose cases by their beginning.
"""

import importlib
import multiprocessing
import pkgutil
import sys
import traceback
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import penstock as tf
from tests.interop.tflite import cases
from tests.interop.tflite.models import Case, run, single_op_model


def difference(case: Case, expected: list[np.ndarray], found: list[np.ndarray]) -> str:
    """Returns how results differ beyond the case's tolerance, or an empty string."""
    for i, (e, f) in enumerate(zip(expected, found, strict=True)):
        if e.shape != f.shape or e.dtype != f.dtype:
            return f"output {i}: {f.dtype}{f.shape} for {e.dtype}{e.shape}"
        if e.dtype.kind in "OSb":
            if not np.array_equal(e, f):
                return f"output {i}: {f.tolist()} for {e.tolist()}"[:300]
            continue
        if e.dtype.kind in "iu":
            gap = np.abs(e.astype(np.int64) - f.astype(np.int64))
            if gap.max(initial=0) > case.steps:
                return f"output {i}: {gap.max()} steps apart in {(gap > case.steps).sum()} of {gap.size}"
            continue
        rtol = case.rtol or 2e-6
        if not np.allclose(f, e, rtol=rtol, atol=case.atol or 1e-6, equal_nan=True):
            return f"output {i}: {np.nanmax(np.abs(e - f)):.3g} apart; {f.ravel()[:4]} for {e.ravel()[:4]}"
    return ""


def reference(model: bytes) -> Interpreter:
    """Returns TFLite's interpreter with its reference kernels, or the only kernels of an op."""
    try:
        return Interpreter(
            model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
    except ValueError:
        return optimized(model)


def optimized(model: bytes) -> Interpreter:
    """Returns TFLite's interpreter with its optimized kernels, without delegates."""
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(model_content=model, experimental_op_resolver_type=kind)


_NEWEST: dict[str, int] = {}


def newest(case: Case) -> int:
    """Returns the newest version of an op that the reference has."""
    if case.op not in _NEWEST:
        for version in range(15, 0, -1):
            try:
                reference(single_op_model(case, version))
            except ValueError:
                continue
            break
        _NEWEST[case.op] = version
    return _NEWEST[case.op]


def apart(case: Case) -> tuple[bytes, list[np.ndarray] | str]:
    """Returns the model and the reference's results, or its error; in a process of its own, which some cases end."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_send, args=(case, sender))
    process.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        found = b"", "it crashed"
    process.join()
    if isinstance(found[1], list):
        _NEWEST[case.op] = found[2]
    return found[:2]


def _send(case: Case, sender: Any) -> None:
    version = newest(case)
    model = single_op_model(case, version)
    try:
        results: Any = run(optimized(model) if case.optimized else reference(model), case)
    except (RuntimeError, ValueError) as error:
        results = " ".join(str(error).split())[-160:]
    sender.send((model, results, version))


def check(case: Case, verbose: bool = False) -> str:
    """Returns what is wrong with a case, or an empty string."""
    model, expected = apart(case)
    if isinstance(expected, str):
        return f"no reference: {expected}"
    try:
        found = run(tf.lite.Interpreter(model_content=model), case)
    except Exception as error:
        if verbose:
            traceback.print_exc()
        return f"{type(error).__name__}: {str(error)[:300]}"
    return difference(case, expected, found)


def main() -> int:
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{module.name}")
    names = sys.argv[1:]
    chosen = [c for c in cases.ALL if not names or any(c.name.startswith(n) for n in names)]
    wrong = without = 0
    for case in chosen:
        message = check(case, bool(names))
        without += message.startswith("no reference")
        wrong += bool(message) and not message.startswith("no reference")
        if message:
            print(f"{case.name}: {message}", flush=True)
    ops, judged = {case.op for case in chosen}, len(chosen) - without
    print(
        f"{judged - wrong} of {judged} cases of {len(ops)} ops agree; {without} without a reference."
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
