"""Counterpart of `tensorflow/python/distribute/ps_values.py`."""

from penstock._src.distribute.mirrored.central_storage import (
    AggregatingVariable as AggregatingVariable,
)
