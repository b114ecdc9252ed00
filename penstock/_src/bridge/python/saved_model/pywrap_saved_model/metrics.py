"""`tensorflow.python.saved_model.pywrap_saved_model.metrics`: what this process has saved and loaded."""

import os

from penstock._src.saving.metrics import COUNTS, LATEST, histogram

kFingerprintFound, kFingerprintNotFound, kFingerprintError = "FOUND", "NOT_FOUND", "ERROR"


class MetricException(Exception):
    """A metric has not been set."""


def GetWrite(write_version: str) -> int:
    """Returns how many SavedModels were written in this version of the format."""
    return COUNTS["write", write_version]


def GetWriteApi(api_label: str) -> int:
    """Returns how many were written by this function."""
    return COUNTS["write_api", api_label]


def GetRead(write_version: str) -> int:
    """Returns how many SavedModels of this version of the format were loaded."""
    return COUNTS["read", write_version]


def GetReadApi(api_label: str) -> int:
    """Returns how many were loaded by this function."""
    return COUNTS["read_api", api_label]


def GetWriteFingerprint() -> str:
    """Returns the fingerprint that was written last, as JSON."""
    return LATEST.get("write_fingerprint", "")


def GetReadFingerprint() -> str:
    """Returns the fingerprint that was read last, as JSON."""
    return LATEST.get("read_fingerprint", "")


def GetWritePath() -> str:
    """Returns where the last SavedModel was written."""
    return LATEST.get("write_path", "")


def GetReadPath() -> str:
    """Returns where the last SavedModel was loaded from."""
    return LATEST.get("read_path", "")


def _path_and_singleprint(metric: str) -> tuple[str, str]:
    path, _, singleprint = LATEST.get(metric, "").rpartition(":")
    if not path or not singleprint:
        raise MetricException(f"The metric {metric} has not been set.")
    return path, singleprint


def GetWritePathAndSingleprint() -> tuple[str, str]:
    """Returns where the last SavedModel was written, and its fingerprint as one text."""
    return _path_and_singleprint("write_path_and_singleprint")


def GetReadPathAndSingleprint() -> tuple[str, str]:
    """Returns where the last SavedModel was loaded from, and its fingerprint as one text."""
    return _path_and_singleprint("read_path_and_singleprint")


def GetFoundFingerprintOnLoad() -> str:
    """Returns whether the SavedModel that was loaded last has a fingerprint."""
    return LATEST.get("found_fingerprint", "")


def GetCheckpointReadDurations(api_label: str) -> bytes:
    """Returns how long checkpoints took to be read, as the bytes of a histogram."""
    return histogram("checkpoint_read", api_label).SerializeToString()


def GetCheckpointWriteDurations(api_label: str) -> bytes:
    """Returns how long checkpoints took to be written, as the bytes of a histogram."""
    return histogram("checkpoint_write", api_label).SerializeToString()


def GetTrainingTimeSaved(api_label: str) -> int:
    """Returns the time up to the last checkpoint, in microseconds."""
    return COUNTS["training_time_saved", api_label]


def GetCheckpointSize(api_label: str, filesize: int) -> int:
    """Returns how many checkpoints of this size in bytes were written."""
    return COUNTS[f"checkpoint_size_{filesize}", api_label]


def CalculateFileSize(filename: str) -> int:
    """Returns the size of a file in bytes."""
    return os.path.getsize(filename)


def GetNumCheckpointShardsWritten() -> int:
    """Returns how many data files of checkpoints were written."""
    return COUNTS["checkpoint_shards", ""]


def GetShardingCallbackDescription() -> str:
    """Returns the description of the sharding callback that was used last."""
    return LATEST.get("sharding_callback", "")


def GetShardingCallbackDuration() -> int:
    """Returns how long sharding callbacks took, in microseconds."""
    return round(histogram("sharding_callback", "").sum)
