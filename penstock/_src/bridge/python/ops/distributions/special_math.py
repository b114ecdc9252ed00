"""Functions of the normal distribution."""

from penstock._src.api.math.elementwise import erfinv, ndtri
from penstock._src.v1.distributions.location import log_ndtr, ndtr

__all__ = ["erfinv", "log_ndtr", "ndtr", "ndtri"]
