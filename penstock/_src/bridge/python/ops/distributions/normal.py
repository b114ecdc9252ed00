"""NormalWithSoftplusScale."""

from typing import Any

from penstock._src.api.math.activations import softplus
from penstock._src.v1.distributions.location import Normal


class NormalWithSoftplusScale(Normal):
    """A normal distribution whose scale is the softplus of the parameter."""

    def __init__(
        self,
        loc: Any,
        scale: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "NormalWithSoftplusScale",
    ) -> None:
        parameters = dict(locals())
        super().__init__(
            loc=loc,
            scale=softplus(scale),
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            name=name,
        )
        del parameters["self"], parameters["__class__"]
        self._parameters = parameters
