"""The families, by their triples."""

from penstock._src.devices.gpu.families.amd import Amd
from penstock._src.devices.gpu.families.family import Family
from penstock._src.devices.gpu.families.nvidia import Nvidia
from penstock._src.native import Target

FAMILIES: dict[str, Family] = {family.triple: family for family in (Nvidia(), Amd())}


def family_of(target: Target) -> Family:
    """The vendor family of a target."""
    return FAMILIES[target.triple]
