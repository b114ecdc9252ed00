"""Simplifications, one table per subject; every rule is named by its equation and tested by evaluating both sides.

They are applied to each node as it is made (Builder.make), so a right-hand side is simplified again on its way. A rule
must lower some measure (nodes, work, or distance from the canonical form named beside it), or making a node would not
end. A new rule is a line in the table it belongs to, and an example in tests/ir/test_rules.py.

Transposes move outwards as nodes are made (`ir/rules/orientation.py`), through elementwise operations, reductions, paddings, concatenations and
reshapes by axes of extent 1, until they meet one that takes them back; convolutions of images with channels first are lowered with channels last
between two transposes. So a softmax along the first axis, and a network with channels first, are computed in the order of memory. What is left is an
index of loads. Where rows are gone over several times that are read across another array's rows, that array, or a value computed from it, is stored
first by a nest that turns blocks in registers (`fusion/storing.py`); reductions of everything leave a row for each of their parts
(`kernels/reductions.py`).
"""

from penstock._src.ir.rules.algebra import ALGEBRA
from penstock._src.ir.rules.casts import CASTS
from penstock._src.ir.rules.contraction import CONTRACTION
from penstock._src.ir.rules.indexing import INDEXING
from penstock._src.ir.rules.interleaved import INTERLEAVED
from penstock._src.ir.rules.movement import MOVEMENT
from penstock._src.ir.rules.one_hot import ONE_HOT
from penstock._src.ir.rules.orientation import ORIENTATION
from penstock._src.ir.rules.reduction import REDUCTION
from penstock._src.ir.rules.rewrite import RuleSet

RULES = (
    *ALGEBRA,
    *CASTS,
    *MOVEMENT,
    *INDEXING,
    *REDUCTION,
    *ORIENTATION,
    *ONE_HOT,
    *CONTRACTION,
    *INTERLEAVED,
)
simplify = RuleSet(RULES)
