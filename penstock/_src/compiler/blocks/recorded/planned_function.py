"""A function of a packed file that is run before its graph is imported, by the programs that the pack has for all of it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.blocks.block import Block
from penstock._src.compiler.blocks.recorded.planned import name_of_function
from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.blocks.specialization import Specialization
from penstock._src.core.dtypes import DType
from penstock._src.native.cache.packs import Pack
from penstock._src.util.dataclass import dataclass


class Unplanned(Exception):
    """A call that no program of the pack is for: its function is to be imported."""


@dataclass(frozen=True)
class _Input:
    """An input without a graph."""

    _id: int
    dtype: DType


class PlannedFunction(Block):
    """Runs a function of a packed file by programs of the pack.

    Args:
      pack: whose maker has loaded this very file.
      model: the digest of the file.
      function: the name of the function.
      dtypes: of its inputs: the arguments, then the captures.
    """

    def __init__(self, pack: Pack, model: str, function: str, dtypes: Sequence[DType]) -> None:
        inputs = [_Input(at, dtype) for at, dtype in enumerate(dtypes)]
        super().__init__(Section(function, (), inputs, (), {}, pack=pack))
        self.name = name_of_function(model, function)

    def name_of_plans(self) -> str:
        """The name of the function."""
        return self.name

    def hand_over(self, block: Block) -> None:
        """Passes the loaded programs to the block of the imported function, which can also explain them."""
        for key, specialization in self.specializations.items():
            step = dataclasses.replace(specialization.steps[0], specialize=block.specialize_again)
            # Their programs are loaded already, with variables that they may hold.
            block.keep(key, Specialization([step], step.run))

    def specialize(self, values: Sequence[Any]) -> Specialization:
        """Raises Unplanned: there is nothing to lower."""
        raise Unplanned
