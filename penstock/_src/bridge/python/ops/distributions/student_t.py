"""StudentTWithAbsDfSoftplusScale."""

from typing import Any

from penstock._src.api.math.activations import softplus
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import floor
from penstock._src.v1.distributions.location import StudentT


class StudentTWithAbsDfSoftplusScale(StudentT):
    """A Student's t distribution of whole degrees of freedom, whose scale is the softplus of the parameter."""

    def __init__(
        self,
        df: Any,
        loc: Any,
        scale: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "StudentTWithAbsDfSoftplusScale",
    ) -> None:
        parameters = dict(locals())
        super().__init__(
            df=floor(magnitude(df)),
            loc=loc,
            scale=softplus(scale),
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            name=name,
        )
        del parameters["self"], parameters["__class__"]
        self._parameters = parameters
