"""Every test verifies what the compiler makes: primitives, kernels, memory, LLVM's IR (docs/debugging.md)."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.harness.hooks import hangs
from tests.harness.tables import is_of_another_op

os.environ.setdefault("PENSTOCK_VERIFY", "1")
TESTS = Path(__file__).parent
IS_CHECKED = os.environ.get("PENSTOCK_CHECKED", "0") != "0"

# A property says nothing of time: the machine may be busy. Each run draws the same examples, so that a commit passes or does not;
# `pytest --hypothesis-profile=drawn` draws others.
settings.register_profile("drawn", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tests", settings.get_profile("drawn"), derandomize=True, database=None)
settings.load_profile("tests")


# Rooms of long files, whose tests start processes or train, first: short files are left for the worker that ends first.
LONG = """distribute keras fuzz soak tutorials examples editor ecosystem docs doors interop layout mutation aot bridge conformance
devices compiler serving""".split()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ops",
        default="",
        help="of tests that are there for each op, only those of these: Add,Sub",
    )
    parser.addoption(
        "--in-own-process",
        action="store_true",
        help="the process runs nothing else: tests that need one of their own run in it",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(hangs.HangWatch())
    config.addinivalue_line(
        "markers", "plain_kernels: sees code or times of kernels, which PENSTOCK_CHECKED changes"
    )
    config.addinivalue_line(
        "markers",
        "own_process: counts objects or memory of the process, which threads of other tests change",
    )
    config.addinivalue_line(
        "markers",
        "timed: waits for other processes or threads for so many seconds: it may fail once where the machine stalls",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files go to workers as `--dist loadfile` says, in less time."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.harness.hooks.scheduling import FileScheduling  # xdist is not in all environments

    return FileScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Lets each worker begin to collect at another folder: files that one has rewritten for assertions, the others read.

    pytest_collection_modifyitems restores the order.
    """
    report = yield
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and report.passed and collector.path == TESTS:
        number, count = int(worker[2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        first = len(report.result) * number // count
        report.result = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is marked `own_process` in an interpreter that runs nothing else."""
    config = pyfuncitem.config
    if not pyfuncitem.get_closest_marker("own_process") or config.getoption("in_own_process"):
        return None
    named = [name for name in config.getoption("plugins") if not name.startswith("no:")]
    plugins = [part for name in named for part in ("-p", name)]
    command = [sys.executable, "-m", "pytest", *plugins, "--in-own-process", pyfuncitem.nodeid]
    environment = {**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run(
        command, cwd=config.rootpath, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begins each test as a program does: hooks take a tenth of the time of fixtures, which 30,000 tests have."""
    _filter_tracebacks()
    if gc.get_stats()[2]["collections"] != _full_collections:
        _freeze()  # what earlier tests left and a collection has visited


def _filter_tracebacks() -> None:
    """Leaves the library's frames out of tracebacks, as programs do; each tf.test.TestCase shows them from then on."""
    tracebacks = sys.modules.get("penstock._src.api.debugging.tracing")
    if tracebacks is not None:
        tracebacks.enable_traceback_filtering()


@pytest.fixture(autouse=True, scope="module")
def _no_global_seed() -> None:
    """Files of tests run in any order and process: none inherits the seed that another has set."""
    context = sys.modules.get("penstock._src.eager.context")
    if context is not None and context.CONTEXT.global_seed is not None:
        context.CONTEXT.set_global_seed(None)


@pytest.fixture
def new_objects_only() -> None:
    """Leaves out of `gc.collect` and `gc.get_objects` what is there before the test, from now on: seconds, once a process has run many tests."""
    _freeze()


def pytest_collection_finish() -> None:
    """Keeps collections of garbage from all tests, which are more than a million objects and live as long as the process."""
    _freeze()


_full_collections = 0  # that Python had made when objects were last frozen


def _freeze() -> None:
    global _full_collections
    gc.collect()  # what is frozen is not collected later
    gc.freeze()
    _full_collections = gc.get_stats()[2]["collections"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    runs_again = config.pluginmanager.hasplugin("rerunfailures")  # not in all environments
    for item in items:
        if IS_CHECKED and item.get_closest_marker("plain_kernels"):
            item.add_marker(pytest.mark.skip(reason="kernels that check their accesses are others"))
        if runs_again and item.get_closest_marker("timed"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    places = {TESTS / room: at for at, room in enumerate(LONG)}
    orders: dict[Path, tuple[Any, ...]] = {}  # of files
    for path in {item.path for item in items}:
        orders[path] = min(places.get(p, len(LONG)) for p in path.parents), path.parts
    items.sort(key=lambda item: orders[item.path])
    ops = set(filter(None, config.getoption("ops").split(",")))
    if ops:
        others = [item for item in items if is_of_another_op(item.nodeid, ops)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if not is_of_another_op(item.nodeid, ops)]
