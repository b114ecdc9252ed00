"""`tensorflow.python.compat.compat`: the date up to which graphs may use new operations."""

from penstock._src.api.compat import HORIZON as _FORWARD_COMPATIBILITY_HORIZON
from penstock._src.api.compat import set_horizon as _update_forward_compatibility_date_number

__all__ = ["_FORWARD_COMPATIBILITY_HORIZON", "_update_forward_compatibility_date_number"]
