"""Processes on several hosts, which are network namespaces."""

import re

import pytest

from tests.harness.hosts import hosts
from tests.harness.processes import launched, needs_mpi, of_ranks

pytestmark = [needs_mpi, pytest.mark.timed]

PROGRAM = """
    import sys, time
    import numpy as np
    import penstock as tf
    options = tf.distribute.experimental.CommunicationOptions(timeout_seconds=float(sys.argv[2]))
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    value = tf.ones([1 << 18]) * (strategy.cluster_resolver.task_id + 1.0)
    for step in range(int(sys.argv[1])):
        total = strategy.reduce("SUM", value, axis=None)
        assert np.all(total == 3.0)
        if step % 100 == 0:
            print("step", step, flush=True)
        time.sleep(0.01)
"""


def test_values_travel_between_hosts(tmp_path):
    with hosts(2, tmp_path) as made:
        before = made.received(2)
        done = launched(
            PROGRAM, tmp_path, 2, "--hosts", ",".join(made.addresses), arguments=["10", "60"],
            prefix=made.command(1), environment=made.environment,
        )  # fmt: skip
        # UCX may warn, where a busy machine ends a process before it has taken the last message.
        steps = {
            rank: [x for x in lines if "UCX" not in x] for rank, lines in of_ranks(done).items()
        }
        assert steps == {0: ["step 0"], 1: ["step 0"]}
        # Each of ten megabytes crosses the network at least by half.
        assert made.received(2) - before > 10 * (1 << 20) / 2


def test_a_host_that_is_cut_off_ends_all(tmp_path):
    with hosts(2, tmp_path) as made:
        begun = []

        def cut(line, _):
            if "step 0" in line and not begun:
                begun.append(line)
                made.cut(2)

        done = launched(
            PROGRAM, tmp_path, 2, "--hosts", ",".join(made.addresses), arguments=["100000", "8"],
            prefix=made.command(1), environment=made.environment, check=False, on_line=cut,
        )  # fmt: skip
        assert begun and re.search(
            r"rank [01] of 2 .*failed: .*\. All ranks have been ended", done.stderr
        ), done.stderr
