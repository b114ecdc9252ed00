"""`tensorflow.python.ops.image_ops`: padding without checks."""

from __future__ import annotations

from penstock._src.api.image.geometry import pad_to_bounding_box_internal

__all__ = ["pad_to_bounding_box_internal"]
