"""Convolutions of images whose height or width is known only at run time, and the gradients of their filters.

The number of channels, the taps and the strides are constants of the code; sizes, borders and the distance between rows are
arguments. So one kernel serves images of all sizes.

    description.py       what the kernels compute
    window.py            the part of an image under a block of outputs, copied with its border
    choice.py            the size of blocks and register tiles
    forward.py           convolutions, and input gradients phase by phase
    filter_gradient.py   implicit products summed over pixels
    depthwise.py, depthwise_gradient.py    a filter for each channel
"""
