"""`tensorflow.python.saved_model.signature_def_utils`: signatures of training steps."""

from .signature_def_utils_impl import (
    load_op_from_signature_def,
    op_signature_def,
    supervised_eval_signature_def,
    supervised_train_signature_def,
)

__all__ = [
    "load_op_from_signature_def",
    "op_signature_def",
    "supervised_eval_signature_def",
    "supervised_train_signature_def",
]
