"""The accelerator that programs run on, if PENSTOCK_DEVICE names one; and why there is none."""

from typing import TYPE_CHECKING

from penstock._src.core.placement import has_gpus
from penstock._src.devices.table import find_device
from penstock._src.util.flags import flags

if TYPE_CHECKING:
    from penstock._src.devices.cuda.driver.card import Card


def accelerator(number: int = 0) -> "Card | None":
    """The card that a logical GPU is; None if PENSTOCK_DEVICE names no GPUs.

    Raises:
      FailedPreconditionError: PENSTOCK_DEVICE names one that cannot be used.
    """
    return find_device(flags.device).numbered(number).card if has_gpus() else None  # type: ignore[attr-defined]


def why_none() -> str:
    """Why nothing runs on a GPU."""
    from penstock._src.devices.cuda.diagnosis import diagnose  # only for a sentence

    found = diagnose()
    if found.hindrance:
        return str(found)
    return f"a GPU can be used ({found}), but functions run there only with PENSTOCK_DEVICE=GPU"
