"""`tensorflow.python.saved_model.utils`: messages about operations."""

from .signature_def_utils_impl import build_tensor_info_from_op

__all__ = ["build_tensor_info_from_op"]
