"""Gradients beside finite differences."""

from penstock._src.api.test.gradient_checks import as_numpy as _to_numpy
from penstock._src.api.test.gradient_checks import compute_gradient, max_error
