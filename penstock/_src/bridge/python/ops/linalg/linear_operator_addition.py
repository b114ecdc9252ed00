"""Sums of operators under TensorFlow's private names."""

from penstock._src.api.linalg.operators.addition import TIERS as _DEFAULT_ADDITION_TIERS
from penstock._src.api.linalg.operators.addition import AddAndReturnDiag as _AddAndReturnDiag
from penstock._src.api.linalg.operators.addition import AddAndReturnMatrix as _AddAndReturnMatrix
from penstock._src.api.linalg.operators.addition import (
    AddAndReturnScaledIdentity as _AddAndReturnScaledIdentity,
)
from penstock._src.api.linalg.operators.addition import AddAndReturnTriL as _AddAndReturnTriL
from penstock._src.api.linalg.operators.addition import Adder as _Adder
from penstock._src.api.linalg.operators.addition import SumHints as _Hints
from penstock._src.api.linalg.operators.addition import add_operators

__all__ = [
    "_DEFAULT_ADDITION_TIERS",
    "_AddAndReturnDiag",
    "_AddAndReturnMatrix",
    "_AddAndReturnScaledIdentity",
    "_AddAndReturnTriL",
    "_Adder",
    "_Hints",
    "add_operators",
]
