"""The control of loops and branches that depend on results of a GPU: by the graph itself, or by the host, depending on the driver's version."""

import enum

# CUDA versions of the first drivers that support them.
CONDITIONAL_NODES, SWITCH_NODES = (
    (12, 4),
    (12, 8),
)


class Control(enum.Enum):
    """The ways in which loops and branches run. The values are texts for reports."""

    HOST = "the host reads conditions, and waits for the GPU there"
    IF_NODES = "conditional graph nodes: while, and an if for each branch"
    SWITCH_NODES = "conditional graph nodes: while, and switch"

    @property
    def has_nodes(self) -> bool:
        """True if graphs have conditional nodes."""
        return self is not Control.HOST


def control_of(version: tuple[int, int]) -> Control:
    """The way in which loops and branches run with a driver for this version of CUDA."""
    if version >= SWITCH_NODES:
        return Control.SWITCH_NODES
    return Control.IF_NODES if version >= CONDITIONAL_NODES else Control.HOST


def said(version: tuple[int, int]) -> str:
    """The way as text, with the features that an older driver lacks."""
    control = control_of(version)
    text = f"loops and branches: {control.value}"
    if control.has_nodes:
        return text
    least = ".".join(map(str, CONDITIONAL_NODES))
    return f"{text} (a driver for CUDA {least} or newer needs no host there)"
