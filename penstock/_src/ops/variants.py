"""Ops that are another op with another name, another kind of handle or fewer attributes: a call each instead of a class each.

    variant("ExperimentalUniqueDataset", basic.UniqueDataset)
    by_reference("QueueSize", queue.QueueSizeV2)

Such a call stands at the margin of a file of the family: `core/registry.py` finds the op there by its name.
"""

import sys
from typing import Any

from penstock._src.core.op import Op


def variant(
    name: str, *bases: type[Op], handle: str = "resource", without: str = "", **members: Any
) -> type[Op]:
    """Makes the op `name`, which computes what the first base with a signature does, and returns its class.

    Args:
      name: of the op.
      *bases: the classes it inherits from; the last one has the signature.
      handle: the type that the variant's handles have where those of the base are resources.
      without: the attributes of the base that the variant lacks, separated by spaces.
      **members: what its class has besides.
    """
    base = bases[-1]
    is_reference = handle.startswith("Ref")
    namespace = {
        "__module__": sys._getframe(1).f_globals["__name__"],
        "__doc__": f"The same as {base.__name__}{', by reference' if is_reference else ''}.",
        "signature": base.signature.replace(": resource", f": {handle}"),
        "dropped": frozenset(without.split()),
    }
    return type(name, bases, namespace | members)


def by_reference(name: str, base: type[Op], **members: Any) -> type[Op]:
    """Makes the op that takes and gives TensorFlow 1's references instead of resources; what only takes one is not stateful."""
    if ": resource" in base.signature.partition("->")[0]:
        members.setdefault("stateful", False)
    module = sys._getframe(1).f_globals["__name__"]
    return variant(name, base, handle="Ref(string)", __module__=module, **members)
