"""XLA as a device: programs are exported to StableHLO, and their functions run on XLA."""

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.stablehlo.export import stablehlo_text
from tests.formats.stablehlo import xla


class XlaProgram:
    """Runs a Function as XLA compiles it."""

    runs = 0  # of all programs

    def __init__(self, function):
        self.function, self.text = function, stablehlo_text(function)
        index = {p.id: i for i, p in enumerate(function.parameters)}
        self.updated = [index[handle.id] for handle, _ in function.updates]
        self.handles = [p.dtype == dtypes.resource for p in function.parameters]

    def run(self, arguments):
        XlaProgram.runs += 1
        arrays = [
            a.value if handle else a for a, handle in zip(arguments, self.handles, strict=True)
        ]
        outputs = xla.run(self.text, arrays)
        results = len(self.function.results)
        conditions = outputs[results + len(self.updated) :]
        for check, holds in zip(self.function.checks, conditions, strict=True):
            if not holds:
                raise InvalidArgumentError(None, None, check.message)
        for position, value in zip(
            self.updated, outputs[results : results + len(self.updated)], strict=True
        ):
            arguments[position].value = value
        return outputs[:results]


class XlaDevice:
    """What the compiler asks of a device."""

    name, computes, generator, threads = "xla", True, None, 1

    def load(self, plan):
        return XlaProgram(plan.function)


DEVICE = XlaDevice()
