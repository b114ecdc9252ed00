"""Under `enable_op_determinism` results have the same bits with any number of threads, and from run to run."""

import functools
import os
import subprocess
import sys


def digests(threads: int) -> dict[str, str]:
    """The digests of `tests/soak/determinism.py` by case, in a process with so many threads."""
    environment = os.environ | {"PENSTOCK_THREADS": str(threads), "PENSTOCK_VERIFY": "0"}
    command = [sys.executable, "-m", "tests.soak.determinism"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert not ended.returncode, ended.stderr
    return dict(line.rsplit(" ", 1) for line in ended.stdout.splitlines())


@functools.cache
def with_two() -> dict[str, str]:
    """The digests of one run with two threads."""
    return digests(2)


def test_results_have_the_same_bits_with_any_number_of_threads():
    one = digests(1)
    assert len(one) > 30
    assert with_two() == one
    assert digests(8) == one


def test_results_have_the_same_bits_from_run_to_run():
    assert digests(2) == with_two()
