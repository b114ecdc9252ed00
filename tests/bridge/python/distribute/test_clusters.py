"""Places in clusters, notations of Slurm, and variables that devices share."""

import pytest

from penstock._src.bridge.python.distribute import (
    input_lib,
    multi_worker_util,
    shared_variable_creator,
)
from penstock._src.bridge.python.distribute.cluster_resolver import slurm_cluster_resolver as slurm
from penstock._src.bridge.python.eager import monitoring

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"], "evaluator": ["e:1"]}


def test_tasks_are_numbered_from_the_chief_on():
    numbered = [("chief", 0), ("worker", 1), ("evaluator", 0)]
    assert [multi_worker_util.id_in_cluster(CLUSTER, *task) for task in numbered] == [0, 2, 0]
    assert multi_worker_util.worker_count(CLUSTER, "worker") == 3
    assert not multi_worker_util.is_chief(CLUSTER, "worker", 0)
    assert multi_worker_util.coordination_leader(CLUSTER) == "/job:ps/replica:0/task:0"


@pytest.mark.parametrize(
    "cluster, task, message",
    [
        (CLUSTER, ("ps", 0), "no id for"),
        (CLUSTER, ("worker", 3), "exceeds the maximum id"),
        (CLUSTER, ("driver", 0), "Unrecognized task_type"),
        ({"driver": ["a:1"]}, ("worker", 0), "Disallowed task type"),
        ({"chief": ["a:1", "b:1"]}, ("chief", 0), "at most one 'chief'"),
    ],
)
def test_tasks_outside_of_the_cluster_are_refused(cluster, task, message):
    with pytest.raises(ValueError, match=message):
        multi_worker_util.id_in_cluster(cluster, *task)


def test_lists_of_hosts_are_checked():
    assert slurm.expand_hostlist("n[1-2],m5,o[08,10]") == ["n1", "n2", "m5", "o08", "o10"]
    assert slurm.expand_tasks_per_node("3(x2),2") == [3, 3, 2]
    for wrong in ("n[1-2", "a,,b"):
        with pytest.raises(ValueError, match="Invalid hostlist format"):
            slurm.expand_hostlist(wrong)
    with pytest.raises(ValueError, match="Invalid tasks-per-node"):
        slurm.expand_tasks_per_node("3(x2")


def test_other_devices_take_the_variables_of_the_first():
    store = {}
    create, reuse = (shared_variable_creator.make_fn(store, device) for device in (0, 1))
    made = [create(lambda **kwargs: object(), name=name) for name in ("a", "a_1", "b_2/c")]
    assert [reuse(None, name=name) for name in ("a_7", "a", "b/c_3")] == made
    with pytest.raises(RuntimeError, match="mismatching name"):
        reuse(None, name="a")


def test_a_section_within_itself_is_timed_once():
    cell = monitoring.Counter("time", "spent").get_cell()
    with monitoring.MonitoredTimer(cell, "load", True):
        with monitoring.MonitoredTimer(cell, "load", True) as inner:
            assert monitoring.MonitoredTimerSections == ["load"]
        assert not inner._counting
    assert monitoring.MonitoredTimerSections == []


def test_workers_feed_devices():
    pairs = [("/job:worker/task:0", ["/cpu:0"]), ("/job:worker/task:1", ["/cpu:1", "/cpu:2"])]
    workers = input_lib.InputWorkers(pairs, canonicalize_devices=False)
    assert workers.num_workers == 2 and workers.worker_devices[1] == "/job:worker/task:1"
    assert workers.compute_devices_for_worker(1) == (
        "/replica:0/device:CPU:1",
        "/replica:0/device:CPU:2",
    )
    whole = input_lib.InputWorkers(pairs)
    assert whole.compute_devices_for_worker(0)[0].startswith("/job:localhost/replica:0/task:0")
