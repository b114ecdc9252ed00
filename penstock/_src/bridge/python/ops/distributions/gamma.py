"""GammaWithSoftplusConcentrationRate."""

from typing import Any

from penstock._src.api.math.activations import softplus
from penstock._src.v1.distributions.positive import Gamma


class GammaWithSoftplusConcentrationRate(Gamma):
    """A gamma distribution of the softplus of its parameters."""

    def __init__(
        self,
        concentration: Any,
        rate: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "GammaWithSoftplusConcentrationRate",
    ) -> None:
        parameters = dict(locals())
        super().__init__(
            concentration=softplus(concentration),
            rate=softplus(rate),
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            name=name,
        )
        del parameters["self"], parameters["__class__"]
        self._parameters = parameters
