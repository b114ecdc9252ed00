"""Limits of batches and queues."""

from __future__ import annotations

from collections.abc import Sequence

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export

# Batch sizes between one and this are the default.
_LARGEST = 64


@export("serving.BatchingParameters", v1=[])
@dataclass(frozen=True)
class BatchingParameters:
    """Parameters of joining requests.

    Args:
      max_batch_size: rows of a batch. A request of more rows runs alone.
      batch_timeout: seconds that a request waits for others although nothing runs; 0: it waits only while a batch is running.
      max_enqueued_batches: full batches that may wait for one function; further requests are refused.
      allowed_batch_sizes: of joined batches: as many requests are taken as make one of these. Empty: a ladder of 1, 2, 3, 4, 6, 8, 12, ...
      pads_variable_lengths: joins requests of unequal extents too: shorter ones are filled up with zeros (empty strings) along axes whose
        extent the signature does not know. The model must not mind.
      bucket_lengths: extents that such axes are filled up to; empty: powers of two.
      joins_unproven: joins requests for functions as well for which there is no proof that no row of their results depends on other rows: those that
        run operations on the host, such as on strings. The first batches are compared with their requests computed alone.

    Raises:
      InvalidArgumentError: a limit is out of range.
    """

    max_batch_size: int = _LARGEST
    batch_timeout: float = 0.0
    max_enqueued_batches: int = 64
    allowed_batch_sizes: tuple[int, ...] = ()
    pads_variable_lengths: bool = False
    bucket_lengths: tuple[int, ...] = ()
    joins_unproven: bool = False

    def __post_init__(self) -> None:
        sizes = self.allowed_batch_sizes
        for name, value, least in (
            ("max_batch_size", self.max_batch_size, 1),
            ("batch_timeout_micros", self.batch_timeout, 0),
            ("max_enqueued_batches", self.max_enqueued_batches, 1),
        ):
            if value < least:
                raise InvalidArgumentError(f"{name}: expected at least {least}. Received {value}.")
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[0] < 1):
            raise InvalidArgumentError(
                f"allowed_batch_sizes: expected increasing positive numbers. Received {list(sizes)}."
            )
        if sizes and sizes[-1] != self.max_batch_size:
            raise InvalidArgumentError(
                f"allowed_batch_sizes: the last must be max_batch_size, {self.max_batch_size}. Received {list(sizes)}."
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that joined batches have, increasing."""
        return self.allowed_batch_sizes or ladder(self.max_batch_size)

    @property
    def max_enqueued_rows(self) -> int:
        """The rows that may wait for one function."""
        return self.max_batch_size * self.max_enqueued_batches


def ladder(largest: int) -> tuple[int, ...]:
    """Returns powers of two and the numbers halfway between them up to `largest`, which is the last."""
    sizes, step = [1], 2
    while step < largest:
        sizes += [step, step + step // 2]
        step *= 2
    return tuple(size for size in sizes if size < largest) + (largest,)


def bucket(extent: int, lengths: Sequence[int]) -> int:
    """Returns the least of the lengths that holds an extent: of the powers of two if there are none, the extent itself if it is larger."""
    if not lengths:
        return 1 << max(0, extent - 1).bit_length()
    return next((length for length in lengths if length >= extent), extent)
