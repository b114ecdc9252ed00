"""Finds what the tests compare each op with, by running the recorded cases and scanning the test files."""

import collections
import contextlib
import io
import json
import pathlib
import re
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
Evidence = dict[str, list[str]]
MOST_FILES = 3  # of the test files that name an op: many name `Variable`, the class


def by_op(ops: dict[str, type]) -> Evidence:
    """Returns {op: the references that tests compare it with}.

    `golden`: cases of tests/golden, recorded on TensorFlow, that run the op; `programs`: the same for tests/parity/programs;
    `recorded`: calls in tests/conformance/recorded.npz with TensorFlow's results and gradients; `drawn`: random calls, eager
    against compiled, with gradients by finite differences. Of an op without any of these, the first test files that name it.
    """
    named = files_that_name(ops)
    with contextlib.redirect_stdout(io.StringIO()):
        tables = {
            "golden": run_by_golden_cases(),
            "programs": run_by_programs(),
            "recorded": recorded_ops(),
            "drawn": drawn_ops(),
        }
    return {
        op: [kind for kind in tables if op in tables[kind]] or named[op][:MOST_FILES] for op in ops
    }


def run_by_golden_cases() -> set[str]:
    """Returns the ops run by golden cases that expect a value, not an error."""
    from tests.golden.corpus import cases, run

    wanted = [case for case in cases() if not case.get("err")]
    with tempfile.TemporaryDirectory() as folder, watched_ops() as seen, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in wanted:
            run(case, pathlib.Path(folder))
    return seen


def run_by_programs() -> set[str]:
    """Returns the ops that the programs of raw ops run."""
    import penstock as tf
    from tests.parity.programs import programs

    with watched_ops() as seen:
        for program in programs().values():
            with tempfile.TemporaryDirectory() as folder:
                program(tf, pathlib.Path(folder))
    return seen


@contextlib.contextmanager
def watched_ops() -> Iterator[set[str]]:
    """Yields the set of names of all ops that run eagerly or are added to graphs within the block."""
    from penstock._src.core import dispatch
    from penstock._src.graph.graph import Graph
    from penstock._src.util import slots

    plain, into_graph, seen = slots.RUN_EAGERLY, Graph.execute, set()

    def watch(cls: Any, inputs: Any, attrs: Any) -> Any:
        seen.add(cls.__name__)
        return plain(cls, inputs, attrs)

    def watch_graph(graph: Any, cls: Any, *args: Any, **kwargs: Any) -> Any:
        seen.add(cls.__name__)
        return into_graph(graph, cls, *args, **kwargs)

    slots.RUN_EAGERLY, Graph.execute = watch, watch_graph  # type: ignore[method-assign]
    dispatch.OBSERVED.append(watch)
    try:
        yield seen
    finally:
        slots.RUN_EAGERLY, Graph.execute = plain, into_graph  # type: ignore[method-assign]
        dispatch.OBSERVED.remove(watch)


def recorded_ops() -> set[str]:
    """Returns the ops with calls in recorded.npz."""
    with np.load(TESTS / "conformance" / "recorded.npz") as file:
        return {call["op"] for call in json.loads(str(file["calls"]))}


def drawn_ops() -> set[str]:
    """Returns the ops for which tests/conformance generates random calls."""
    from tests.conformance.draws import DRAWS

    return set(DRAWS)


def files_that_name(ops: dict[str, type]) -> Evidence:
    """Returns {op: the test files that name it}, in tests/, except for the random calls."""
    found = collections.defaultdict(list)
    word = re.compile(r"\b[A-Z]\w+\b")
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in set(word.findall(path.read_text(encoding="utf-8"))) & ops.keys():
            found[name].append(path.relative_to(TESTS).as_posix())
    return found
