"""Clusters as launchers describe them in the environment."""

import json

import pytest

from penstock._src.cluster.environments.table import described

JOBS = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"]}


def tf_config(kind, index):
    return {"TF_CONFIG": json.dumps({"cluster": JOBS, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    "variables, expected",
    [
        ({}, (0, 1, "no cluster")),
        (tf_config("chief", 0), (0, 3, "TF_CONFIG")),
        (tf_config("worker", 1), (2, 3, "TF_CONFIG")),
        (tf_config("ps", 0), (0, 1, "no cluster")),
        ({"PMI_RANK": "1", "PMI_SIZE": "4"}, (1, 4, "MPI")),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}, (2, 3, "MPI")),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, (5, 8, "Slurm")),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (0, 1, "no cluster")),  # a job's script
    ],
)
def test_clusters(variables, expected):
    cluster = described(variables)
    assert (cluster.rank, cluster.size, cluster.source) == expected


def test_the_chief_is_the_first_host():
    cluster = described(tf_config("worker", 0))
    assert cluster.hosts == ("a:1", "b:1", "c:1") and not cluster.is_chief


def test_contradictions():
    with pytest.raises(ValueError, match="no task worker:7"):
        described(tf_config("worker", 7))
    with pytest.raises(ValueError, match="expected JSON"):
        described({"TF_CONFIG": "{"})
    with pytest.raises(ValueError, match=r"must be in \[0, 2\)"):
        described({"PMI_RANK": "2", "PMI_SIZE": "2"})
