"""The loops of a nest on a CPU: what is written inside of them finds their variables open."""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.nests.values import NestValues
from penstock._src.compiler.kernels.index import Var
from penstock._src.ir.extents.dims import Dim


class NestLoops(NestValues):
    """Opens and closes loops around what a function writes."""

    @staticmethod
    def _divides(n: int, extent: int) -> bool:
        rest = extent % n
        return type(rest) is not Dim and rest == 0

    def _scalar_loop(self, var: Var, body: Callable[[], Any]) -> None:
        def one(i):
            self._within(var, i, body)

        self.f.loop(0, self.extent(var.extent), 1, one)

    def _within(self, var: Var, at: Any, body: Callable[[], Any]) -> Any:
        """body() with a variable's loop open."""
        self.frames.append({})
        self.open.add(var)
        self.env[var] = at
        result = body()
        self.open.discard(var)
        self.frames.pop()
        return result

    def _vector_loop(
        self, var: Var, n: int, low, high, divisible: bool, body: Callable[..., Any], *carry
    ) -> tuple:
        """body(*carry) over whole vectors, then once masked for the rest."""
        f = self.f

        def step(mask):
            def one(i, *values):
                outer = self.vector, self.lanes, self.mask
                self.vector, self.lanes, self.mask = var, n, mask(i)
                result = self._within(var, i, lambda: body(*values))
                self.vector, self.lanes, self.mask = outer
                return result

            return one

        if n == 1:
            return f.loop(low, high, 1, step(lambda i: None), *carry)
        if isinstance(low, int) and low == 0:
            whole = high // n * n  # without code for a difference
        else:
            whole = low + (high - low) // n * n
        carry = f.loop(low, whole, n, step(lambda i: None), *carry)
        if divisible:
            return carry
        return f.once(whole, high, step(lambda i: f.mask(n, high - i)), *carry)
