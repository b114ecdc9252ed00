"""Programs whose default device is the emulated GPU: the fixture `gpu`, which gives its driver's counts of calls. Products of float32 are exact."""

import pytest

from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.eager.placed import hooks
from penstock._src.util.flags import override


@pytest.fixture(autouse=True)
def exact_products():
    """Tests of GPUs compare with float32: TF32 is for those that ask for it."""
    with override(tensor_float_32=0):
        yield


@pytest.fixture
def gpu():
    """The counts of the driver's calls, while tensors and operations are on the emulated GPU."""
    counts = DEVICE.gpu.driver.library.calls
    with override(device="GPU_emulated"):
        hooks.install()
        counts.clear()
        try:
            yield counts
        finally:
            hooks.uninstall()
