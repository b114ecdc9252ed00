"""The serialized state of a reader of TensorFlow 1."""

from google.protobuf.message import DecodeError

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.proto.schema import Schema

_STATE = Schema(
    "reader_state",
    """
ReaderBaseState
    work_started=1 int64, work_finished=2 int64, num_records_produced=3 int64, current_work=4 bytes
""",
)["ReaderBaseState"]
_COUNTS = ("work_started", "work_finished", "num_records_produced")


def serialized(started: int, finished: int, produced: int, current: bytes) -> bytes:
    """Returns the bytes that TensorFlow gives a reader in this state."""
    counts = dict(zip(_COUNTS, (started, finished, produced), strict=True))
    return _STATE(current_work=current, **counts).SerializeToString(deterministic=True)


def parsed(data: bytes, reader: str) -> tuple[int, int, int, bytes]:
    """Returns the numbers of begun and finished work units and of records, and the last work unit.

    Args:
      data: of `serialized`.
      reader: for errors, as `IdentityReader 'name'`.

    Raises:
      InvalidArgumentError: it is not the state of a reader between two work units.
    """
    try:
        state = _STATE.FromString(data)
    except DecodeError as error:
        text = data.decode("latin-1")
        raise InvalidArgumentError(f"Could not parse state for {reader}: {text}") from error
    counts = [getattr(state, name) for name in _COUNTS]
    if min(counts) < 0:
        raise InvalidArgumentError(f"Unexpected negative value when restoring in {reader}: {state}")
    if state.work_started > state.work_finished:
        raise InvalidArgumentError(
            f"Inconsistent work started vs. finished when restoring in {reader}: {state}"
        )
    return counts[0], counts[1], counts[2], state.current_work
