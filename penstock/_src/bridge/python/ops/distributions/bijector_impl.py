"""`tensorflow.python.ops.distributions.bijector_impl`: the base class of bijectors."""

from .bijector import Bijector
