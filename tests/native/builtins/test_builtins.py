"""Builtins of native modules: written once for all processes that have the same sources."""

import os
import subprocess
import sys
import time
from typing import NamedTuple

from penstock._src.native import builtins, python_calls
from penstock._src.native.language.types import I64


class Scaled(NamedTuple):
    scale: object


def test_a_module_is_written_once_for_its_arguments():
    written = []

    @builtins.compiled(Scaled)
    def scaled(m, factor):
        written.append(factor)
        with m.fn("scale", ret=I64, internal=True, x=I64) as f:
            f.give(f.x * factor)
        python_calls.emit_entry(m, "scale", "n")

    new = time.time_ns() % 10**9  # earlier runs leave their modules in the cache
    assert [scaled(new).scale(7), scaled(-5).scale(7), scaled(new).scale(2)] == [
        7 * new,
        -35,
        2 * new,
    ]
    assert written.count(new) == 1
    assert scaled.__name__ == "scaled"


PROGRAM = """
from penstock._src.native.algorithms.orders.permutations import inverses
from penstock._src.native.language.module import Module
made, old = [], Module.__init__
Module.__init__ = lambda self, *given: (made.append(1), old(self, *given))[1]
order, inverse = np.array([2, 0, 3, 1]), np.empty(4, np.int64)
inverses("i64").invert(order, 4, inverse)
print(sorted(inverse.tolist()), sum(made))
"""


def test_a_later_process_does_not_write_the_module(tmp_path):
    environment = {**os.environ, "PENSTOCK_CACHE_DIR": str(tmp_path)}
    program = "import numpy as np\nfrom penstock._src.native.pool import pool\npool()\n" + PROGRAM
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True
        ).stdout.decode()
        for _ in range(2)
    )
    assert first == "[0, 1, 2, 3] 1\n"
    assert second == "[0, 1, 2, 3] 0\n"
