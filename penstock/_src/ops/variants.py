"""Ops that differ from another op by name, kind of handle or missing attributes: made by a call instead of a class.

    variant("ExperimentalUniqueDataset", selection.UniqueDataset)
    by_reference("QueueSize", queue.QueueSizeV2)

Such a call must start in the first column of a file of the family, where `core/registry.py` finds it by the op's name.
"""

import sys
from typing import Any

from penstock._src.core.calls.facts import Definition
from penstock._src.core.op import Op


def variant(
    name: str, *bases: type[Op], handle: str = "resource", without: str = "", **members: Any
) -> type[Op]:
    """Makes and returns the op class `name`, which computes the same as the first base with a signature.

    Args:
      name: of the op.
      *bases: the classes it inherits from; the last one has the signature.
      handle: the dtype of the variant's handles in place of the base's resources.
      without: attributes of the base that the variant lacks, separated by spaces.
      **members: additional class members.
    """
    base = bases[-1]
    is_reference = handle.startswith("Ref")
    namespace = {
        "__module__": sys._getframe(1).f_globals["__name__"],
        "__doc__": f"The same as {base.__name__}{', by reference' if is_reference else ''}.",
        "signature": base.signature.replace(": resource", f": {handle}"),
        "definition": Definition(dropped=frozenset(without.split())),
    }
    return type(name, bases, namespace | members)


def by_reference(name: str, base: type[Op], **members: Any) -> type[Op]:
    """Makes the op over TensorFlow 1's references instead of resources; it is stateless if it only takes one."""
    if ": resource" in base.signature.partition("->")[0]:
        members.setdefault("stateful", False)
    module = sys._getframe(1).f_globals["__name__"]
    return variant(name, base, handle="Ref(string)", __module__=module, **members)
