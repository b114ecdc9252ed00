"""The description of a contraction: what is computed, as its kernel knows it."""

from .images.convolution import Convolution, FilterGradient
from .packed.description import PackedProduct
from .products.description import Gemm

Description = Gemm | Convolution | FilterGradient | PackedProduct
