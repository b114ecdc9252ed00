"""The GPU of a process, if there are several GPUs and several processes on a machine."""

from collections.abc import MutableMapping
from pathlib import Path

# Variables with the number of a process on its machine, and how many there are: of Open MPI, then of MPICH.
LOCAL = (
    ("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),
    ("MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
)
VISIBLE = "CUDA_VISIBLE_DEVICES"


def give_gpu(variables: MutableMapping[str, str], devices: Path = Path("/dev")) -> None:
    """Lets a process see one GPU, its own, if PENSTOCK_DEVICE=GPU and CUDA_VISIBLE_DEVICES is not set.

    Where a machine has fewer GPUs than processes, or one process, all see all of them.

    Args:
      variables: of the environment, as mpiexec has set them.
      devices: the folder of devices.
    """
    if variables.get("PENSTOCK_DEVICE") != "GPU" or VISIBLE in variables:
        return
    gpus = len(list(devices.glob("nvidia[0-9]*")))
    for number, count in LOCAL:
        if number in variables and 1 < int(variables.get(count, 1)) <= gpus:
            variables[VISIBLE] = variables[number]
            return
