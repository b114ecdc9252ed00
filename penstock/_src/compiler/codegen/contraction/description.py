"""The types of descriptions of contractions."""

from .images.convolution import Convolution, FilterGradient
from .packed.description import PackedProduct
from .products.description import Gemm

Description = Gemm | Convolution | FilterGradient | PackedProduct
