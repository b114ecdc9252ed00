"""Simplifications, one table an idea; every rule is named by its equation and tested by evaluating both sides.

They are applied to each node as it is made (Builder.make), so a right-hand side is simplified again on its way. A rule
must lower some measure (nodes, work, or distance from the canonical form named beside it), or making a node would not
end. A new rule is a line in the table it belongs to, and an example in tests/ir/test_rules.py.
"""

from penstock._src.ir.rules.algebra import ALGEBRA
from penstock._src.ir.rules.casts import CASTS
from penstock._src.ir.rules.contraction import CONTRACTION
from penstock._src.ir.rules.indexing import INDEXING
from penstock._src.ir.rules.movement import MOVEMENT
from penstock._src.ir.rules.one_hot import ONE_HOT
from penstock._src.ir.rules.orientation import ORIENTATION
from penstock._src.ir.rules.reduction import REDUCTION
from penstock._src.ir.rules.rewrite import RuleSet

RULES = (*ALGEBRA, *CASTS, *MOVEMENT, *INDEXING, *REDUCTION, *ORIENTATION, *ONE_HOT, *CONTRACTION)
simplify = RuleSet(RULES)
