"""The accelerator that programs run on, if PENSTOCK_DEVICE names one; and why there is none."""

from typing import TYPE_CHECKING

from penstock._src.devices.table import find_device
from penstock._src.util.flags import flags

if TYPE_CHECKING:
    from penstock._src.devices.cuda.driver.card import Card

NAMES = frozenset({"GPU", "GPU_emulated"})


def accelerator() -> "Card | None":
    """The card that functions are compiled for; None if that is the CPU.

    Raises:
      FailedPreconditionError: PENSTOCK_DEVICE names one that cannot be used.
    """
    return find_device(flags.device).card if flags.device in NAMES else None  # type: ignore[attr-defined]


def why_none() -> str:
    """Why nothing runs on a GPU."""
    from penstock._src.devices.cuda.diagnosis import diagnose  # only for a sentence

    found = diagnose()
    if found.hindrance:
        return str(found)
    return f"a GPU can be used ({found}), but functions run there only with PENSTOCK_DEVICE=GPU"
