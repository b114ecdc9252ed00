"""The accelerator that programs run on, if PENSTOCK_DEVICE names one; and why there is none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.values import resources
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.devices.table import find_device
from penstock._src.util.flags import flags

if TYPE_CHECKING:
    from penstock._src.devices.cuda.driver.card import Card
    from penstock._src.devices.cuda.driver.feeding import Feeder


def accelerator(number: int = 0) -> "Card | None":
    """The card that a logical GPU is; None if PENSTOCK_DEVICE names no GPUs.

    Raises:
      FailedPreconditionError: PENSTOCK_DEVICE names one that cannot be used.
    """
    return find_device(flags.device).numbered(number).card if has_gpus() else None  # type: ignore[attr-defined]


def moved(value: Any, number: int) -> Any:
    """Returns a host value for readers on a logical GPU: an array of another device is copied there."""
    if type(value) is not DeviceArray or value.device == number:
        return value
    card = accelerator(number)
    assert card is not None
    with resources.UPDATING, card.lock:
        card.activate()
        memory = card.memory_of(value)
    return DeviceArray(value.shape, value.dtype, number, memory, value.host)


def physical_count() -> int:
    """How many cards there are; 0 if PENSTOCK_DEVICE names no GPUs."""
    return find_device(flags.device).cards.physical if has_gpus() else 0  # type: ignore[attr-defined]


def logical_number(physical: int) -> int | None:
    """The first logical device on a card; None if there is none."""
    division = find_device(flags.device).cards.division if has_gpus() else ()  # type: ignore[attr-defined]
    return next((i for i, (card, _) in enumerate(division) if card == physical), None)


def physical_card(number: int) -> "Card":
    """A card by its number for the driver, for what can be asked of it."""
    cards = find_device(flags.device).cards  # type: ignore[attr-defined]
    return cards.physical_card(number)  # type: ignore[no-any-return]


def divide(division: Sequence[tuple[int, int | None]]) -> None:
    """Makes logical devices of the cards.

    Args:
      division: of each logical device the number of its card, and the bytes that it may hold at most.
    """
    find_device(flags.device).cards.divide(division)  # type: ignore[attr-defined]


def feeder(number: int) -> "Feeder":
    """What copies arrays to a logical GPU ahead of their use."""
    card = accelerator(number)
    assert card is not None
    return card.feeder


def why_none() -> str:
    """Why nothing runs on a GPU."""
    from penstock._src.devices.cuda.diagnosis import diagnose  # only for a sentence

    diagnosis = diagnose()
    if diagnosis.hindrance:
        return str(diagnosis)
    return f"a GPU can be used ({diagnosis}), but functions run there only with PENSTOCK_DEVICE=GPU"
