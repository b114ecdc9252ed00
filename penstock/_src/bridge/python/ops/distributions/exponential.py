"""ExponentialWithSoftplusRate."""

from typing import Any

from penstock._src.api.math.activations import softplus
from penstock._src.v1.distributions.positive import Exponential


class ExponentialWithSoftplusRate(Exponential):
    """An exponential distribution whose rate is the softplus of the parameter."""

    def __init__(
        self,
        rate: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "ExponentialWithSoftplusRate",
    ) -> None:
        parameters = dict(locals())
        super().__init__(
            rate=softplus(rate),
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            name=name,
        )
        del parameters["self"], parameters["__class__"]
        self._parameters = parameters
