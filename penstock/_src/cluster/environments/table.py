"""The environments that describe clusters, in the order in which they are tried."""

import os
from collections.abc import Callable, Mapping

from penstock._src.cluster.description import ALONE, Cluster
from penstock._src.cluster.environments import dtensor, mpi, slurm, tf_config

# Name: a function of the environment variables that gives a Cluster, or None if they describe none.
ENVIRONMENTS: dict[str, Callable[[Mapping[str, str]], Cluster | None]] = {
    "DTensor": dtensor.described,
    "TF_CONFIG": tf_config.described,
    "MPI": mpi.described,
    "Slurm": slurm.described,
}


def described(variables: Mapping[str, str] | None = None) -> Cluster:
    """Returns the cluster that the environment describes, or one of this process alone.

    Raises:
      ValueError: the description contradicts itself.
    """
    environment = os.environ if variables is None else variables
    for read in ENVIRONMENTS.values():
        cluster = read(environment)
        if cluster is not None:
            return cluster
    return ALONE
