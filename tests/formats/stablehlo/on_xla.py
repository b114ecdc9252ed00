"""A plugin of pytest: functions are exported to StableHLO and run on XLA (`-p tests.formats.stablehlo.on_xla`).

At the end it says in how many tests that passed XLA ran a program, and which tests ran none: their operations have no
primitives, and run on the host.
"""

import sys

import pytest

from penstock._src.devices import table
from penstock._src.util.flags import flags
from tests.formats.stablehlo import xla_device

sys.modules["penstock._src.devices.xla.device"] = xla_device
table.FOLDERS["xla"] = "xla"
flags.device = "xla"
PROGRAMS: dict[str, int] = {}  # that XLA ran in each test that passed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    before = xla_device.XlaProgram.runs
    passed = (yield).excinfo is None
    if passed:
        PROGRAMS[item.name] = xla_device.XlaProgram.runs - before


def pytest_terminal_summary(terminalreporter):
    without = [name for name, count in PROGRAMS.items() if not count]
    terminalreporter.write_line(
        f"XLA ran {sum(PROGRAMS.values())} programs in {len(PROGRAMS) - len(without)} of {len(PROGRAMS)} tests that passed."
    )
    if without:
        terminalreporter.write_line(f"On the host alone: {' '.join(sorted(without))}")
