"""Which requests of a function may be computed together."""

from __future__ import annotations

import logging
from typing import Any

from penstock._src.ir.meaning.rows import MixedRows
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.servables.servable import Signature

_LOG = logging.getLogger("penstock.serving")
# Shapes whose answers are kept, and proofs for different ones: functions that need more are computed request by request.
_MOST_SHAPES, _MOST_PROOFS = 1024, 16


class Joining:
    """Knows for which shapes requests of a function may be joined: those for which it is proven that no row of its results depends on other rows.

    Args:
      signature: the function.
      parameters: `joins_unproven` and `pads_variable_lengths` say that the user knows that rows are independent.
    """

    def __init__(self, signature: Signature, parameters: BatchingParameters) -> None:
        self._signature, self._most = signature, parameters.max_batch_size
        self.needs_proof = not (parameters.joins_unproven or parameters.pads_variable_lengths)
        # False once no requests will be joined.
        self.is_possible = signature.is_batched and not (
            self.needs_proof and signature.prove is None
        )
        self._known: dict[Any, bool] = {}
        self._proofs: list[Any] = []

    def allows(self, shapes: Any) -> bool:
        """True if requests of these shapes may be joined, as far as it is known.

        Args:
          shapes: of each input, without the first axis.
        """
        return self.is_possible and (not self.needs_proof or self._known.get(shapes, False))

    def prove(self, shapes: Any) -> None:
        """Looks for a proof for requests of these shapes, unless the answer is known; it may take some tenths of a second."""
        if not self.is_possible or not self.needs_proof or shapes in self._known:
            return
        if len(self._known) >= _MOST_SHAPES:
            self._known.clear()
        self._known[shapes] = self._is_proven(shapes)

    def refuse(self) -> None:
        """Stops joining requests, as results have shown that rows depend on each other."""
        self.is_possible = False

    def _is_proven(self, shapes: Any) -> bool:
        if any(proof(shapes) for proof in self._proofs):
            return True
        if len(self._proofs) >= _MOST_PROOFS:
            return False
        assert self._signature.prove is not None
        try:
            self._proofs.append(self._signature.prove(shapes, self._most))
        except MixedRows as error:
            _LOG.info(
                "%s: requests are computed one by one, as its rows may depend on each other (%s). With --enable-batching they are joined",
                self._signature.name,
                error,
            )
            return False
        return True
