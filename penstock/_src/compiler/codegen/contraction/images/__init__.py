"""Convolutions, depthwise ones, and the gradients of their filters.

In: descriptions (convolution.py). Out: a KernelCode. Read emit.py first, which chooses the algorithm; then schedule.py, the division of a
convolution as a record, choice.py, which chooses it, and conv.py, which writes its kernel.

    families/            other kernels by the same division: int8, bfloat16 by matrix registers, few outputs
    depthwise.py         a filter for each channel
    filter_gradients/    implicit products summed over pixels
    winograd/            3 x 3 taps, and their gradients, with a quarter of the multiplications
    window.py            the part of an image under a task, copied with its border; window_choice.py: its size
    weights.py           packed weights; pairs of bfloat16 channels
    panels.py            tiles of pixels by panels of weights, for all forms
    any_size/            images whose height or width is known only at run time
"""
