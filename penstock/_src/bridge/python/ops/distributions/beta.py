"""BetaWithSoftplusConcentration."""

from typing import Any

from penstock._src.api.math.activations import softplus
from penstock._src.v1.distributions.positive import Beta


class BetaWithSoftplusConcentration(Beta):
    """A beta distribution of the softplus of its parameters."""

    def __init__(
        self,
        concentration1: Any,
        concentration0: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "BetaWithSoftplusConcentration",
    ) -> None:
        parameters = dict(locals())
        super().__init__(
            concentration1=softplus(concentration1),
            concentration0=softplus(concentration0),
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            name=name,
        )
        del parameters["self"], parameters["__class__"]
        self._parameters = parameters
