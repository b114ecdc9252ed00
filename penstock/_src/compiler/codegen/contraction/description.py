"""The types of descriptions of contractions."""

from .images.any_size.description import AnySizeConvolution, AnySizeFilterGradient
from .images.convolution import Convolution, FilterGradient
from .packed.description import PackedProduct
from .products.description import Gemm

Description = (
    Gemm | Convolution | FilterGradient | AnySizeConvolution | AnySizeFilterGradient | PackedProduct
)
