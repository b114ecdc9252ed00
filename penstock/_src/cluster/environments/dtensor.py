"""DTENSOR_CLIENT_ID, DTENSOR_NUM_CLIENTS and DTENSOR_JOBS, by which TensorFlow's DTensor knows its processes."""

from collections.abc import Mapping

from penstock._src.cluster.description import Cluster


def described(variables: Mapping[str, str]) -> Cluster | None:
    """Returns the cluster of the clients.

    Raises:
      ValueError: there are not as many addresses as clients, or the client is none of them.
    """
    text = variables.get("DTENSOR_NUM_CLIENTS", "")
    if not text:
        return None
    size, rank = int(text), int(variables.get("DTENSOR_CLIENT_ID", "0"))
    listed = variables.get("DTENSOR_JOBS", "")
    hosts = tuple(listed.split(",")) if listed else ()
    if hosts and len(hosts) != size:
        raise ValueError(
            f"DTENSOR_JOBS: expected the addresses of {size} clients (DTENSOR_NUM_CLIENTS). Received '{listed}'."
        )
    return Cluster(rank, size, hosts, "DTENSOR_NUM_CLIENTS")
