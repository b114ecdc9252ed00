"""Environment variables that srun sets for the processes of a job's step."""

from collections.abc import Mapping

from penstock._src.cluster.description import Cluster


def described(variables: Mapping[str, str]) -> Cluster | None:
    """Returns the tasks of the step; None in a job's script, which runs once."""
    if "SLURM_PROCID" not in variables or "SLURM_STEP_NUM_TASKS" not in variables:
        return None
    rank, size = int(variables["SLURM_PROCID"]), int(variables["SLURM_STEP_NUM_TASKS"])
    return Cluster(rank, size, source="Slurm")
