"""distributed_save: a dataset in files that the workers of a service write together."""

from __future__ import annotations

import os
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.data.dataset import Dataset
from penstock._src.data.experimental.service import messages
from penstock._src.data.experimental.service.calls import call
from penstock._src.data.experimental.service.clients.arguments import service_of
from penstock._src.data.experimental.service.clients.distribute import described
from penstock._src.util.export import export

_COMPRESSIONS = {"AUTO": "SNAPPY", "SNAPPY": "SNAPPY", "GZIP": "GZIP", None: ""}


@export("data.experimental.distributed_save")
def distributed_save(
    dataset: Dataset, path: str, data_service_address: str, compression: str | None = "AUTO"
) -> None:
    """Starts the writing of a dataset by a service's workers, into a folder for `Dataset.load`. It returns at once.

    `Dataset.load(path, wait=True)` reads it while it is being written, and waits for the rest. The elements of the dataset's sources are
    divided among the workers. A worker or the dispatcher that ends, and comes again or not, loses and repeats no element.

    Args:
      dataset: a Dataset.
      path: the folder, which must not be there.
      data_service_address: of a DispatchServer in fault tolerant mode, "host:port".
      compression: "SNAPPY", which "AUTO" means, "GZIP", or None.

    Raises:
      ValueError: the address is invalid, or the compression unknown.
      AlreadyExistsError: there is something at `path`.
      InvalidArgumentError: the dispatcher is not in fault tolerant mode, or `path` is empty.
      PermissionDeniedError: it is another process, and may not write files (`PENSTOCK_ALLOW=write_files`).

    Source: Audibert et al., tf.data service: A Case for Disaggregating ML Input Data Processing, SoCC 2023.
    """
    if not isinstance(data_service_address, str):
        raise ValueError(
            f"`data_service_address` must be a string, but is a {type(data_service_address)} "
            f"({data_service_address})"
        )
    if not data_service_address:
        raise ValueError("`data_service_address` must not be empty")
    if compression not in _COMPRESSIONS:
        raise ValueError(
            f"Invalid `compression` argument: {compression}. Must be one of {list(_COMPRESSIONS)}."
        )
    folder = os.fsdecode(path)
    if not folder:
        raise InvalidArgumentError("directory must be nonempty")
    description: Any = described(dataset)
    if not description.spec:
        raise UnimplementedError(
            f"distributed_save: the element spec {dataset.element_spec!r} cannot be written to a file."
        )
    request = messages.SaveRequest(
        graph=description.graph, local=description.local, spec=description.spec, compression=_COMPRESSIONS[compression],
        path=folder if "://" in folder else os.path.abspath(folder),
    )  # fmt: skip
    address = service_of(data_service_address)
    call(messages.DISPATCHER, address, "Save", request, messages.SaveReply)
