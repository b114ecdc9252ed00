"""A plugin of pytest: eager calls are native from their third on, as in programs that have run for a while (`-p tests.harness.hooks.native_calls`).

At the end it says how many ops and functions native code has made calls of.
"""

import pytest

from penstock._src.api.extending import direct_calls
from penstock._src.eager import execute
from penstock._src.native import builtins

# Before the modules are imported that count calls.
execute.OFTEN, execute.MANY = 2, 0
builtins.OFTEN = 1
direct_calls._MOST_DOUBLINGS = 0  # each call of a kind that is not known is recorded


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was native."""
    from penstock._src.core.registry import load_all

    ops = sum(cls.quick is not None for cls in load_all().values())
    functions = sum(bool(calls._forms) for calls in direct_calls._ALL)
    terminalreporter.write_line(f"Native code made calls of {ops} ops and {functions} functions.")
