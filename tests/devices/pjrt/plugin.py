"""The plugin that tests use: the one that PENSTOCK_PJRT_PLUGIN names (`make pjrt` installs one for CPUs)."""

import pytest

from penstock._src.util.flags import flags, override

needs_plugin = pytest.mark.skipif(
    not flags.pjrt_plugin, reason="PENSTOCK_PJRT_PLUGIN names no plugin: see `make pjrt`"
)


@pytest.fixture
def on_plugin():
    """Functions run on the plugin's device."""
    with override(device="PJRT"):
        yield
