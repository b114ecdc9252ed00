"""The strategies of calls of all ops, by name."""

from tests.conformance import elementwise, movement, networks, windows

DRAWS = {**elementwise.DRAWS, **movement.DRAWS, **windows.DRAWS, **networks.DRAWS}
