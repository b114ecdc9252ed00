"""Environment variables that mpiexec sets for the processes that it starts."""

from collections.abc import Mapping

from penstock._src.cluster.description import Cluster

# Variables with the rank and the size: of Open MPI, then of MPICH and what is made from it.
VARIABLES = (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"))


def described(variables: Mapping[str, str]) -> Cluster | None:
    """Returns the processes that mpiexec has started."""
    for rank, size in VARIABLES:
        if rank in variables and size in variables:
            return Cluster(int(variables[rank]), int(variables[size]), source="MPI")
    return None
