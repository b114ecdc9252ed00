"""`tensorflow.python.layers.convolutional`: convolutional layers."""

from penstock._src.v1.layers.convolutional import (
    Conv1D,
    Conv2D,
    Conv3D,
    conv1d,
    conv2d,
    conv3d,
)

# The names with which TensorFlow's first layers began.
Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
convolution1d = conv1d
convolution2d = conv2d
convolution3d = conv3d

__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "conv1d",
    "conv2d",
    "conv3d",
    "convolution1d",
    "convolution2d",
    "convolution3d",
]
