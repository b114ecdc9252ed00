"""Programs whose default device is the emulated card: the fixture `card`, which gives its driver's counts of calls."""

import pytest

from penstock._src.devices.cuda.emulator.device import DEVICE
from penstock._src.eager.placed import hooks
from penstock._src.util.flags import override


@pytest.fixture
def card():
    """The counts of the driver's calls, while tensors and operations are on the emulated card."""
    counts = DEVICE.card.driver.library.calls
    with override(device="GPU_emulated"):
        hooks.install()
        counts.clear()
        try:
            yield counts
        finally:
            hooks.uninstall()
