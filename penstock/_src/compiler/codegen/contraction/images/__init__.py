"""Convolutions, depthwise ones, and the gradients of their filters.

What comes in: descriptions (convolution.py). What goes out: a KernelCode. Read first: emit.py, which chooses the algorithm.

    conv.py              implicit products, forward and (by phases) the input gradient
    dots.py              the same for int8, by the processor's dot products
    few_outputs.py       the same with vectors along the input channels
    filter_gradient.py   implicit products summed over pixels
    winograd/            3 x 3 taps with a quarter of the multiplications
    depthwise.py         every channel by its own filter, and the gradients
    window.py            what a task reads of an image, copied with its border
    weights.py, pairs.py packed weights; pairs of bfloat16 channels
"""
