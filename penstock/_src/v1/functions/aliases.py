"""Functions that compat.v1 has under further names, just as v2 has them."""

from penstock._src.api.linalg.decompositions import cholesky_solve
from penstock._src.api.math import elementwise
from penstock._src.api.scopes import variable_creator_scope
from penstock._src.util.export import export

_ELEMENTWISE = (
    "angle ceil conj digamma erf erfc expm1 imag is_finite is_inf is_nan lgamma log log1p "
    "log_sigmoid real reciprocal rint rsqrt"
)
for _name in _ELEMENTWISE.split():
    export(v1=[_name])(getattr(elementwise, _name))
for _name in ("is_finite", "is_inf", "is_nan"):
    export(v1=[f"debugging.{_name}"])(getattr(elementwise, _name))

export(v1=["cholesky_solve", "linalg.cholesky_solve"])(cholesky_solve)
export(v1=["variable_creator_scope"])(variable_creator_scope)
