"""Convolutions, depthwise ones, and the gradients of their filters.

What comes in: descriptions (convolution.py). What goes out: a KernelCode. Read first: emit.py, which picks the algorithm; then schedule.py,
the record of how a convolution is cut, choice.py, which chooses it, and conv.py, which writes its kernel.

    dots.py              the same for int8, by the processor's dot products
    few_outputs.py       the same with vectors along the input channels
    depthwise.py         every channel by its own filter
    filter_gradients/    implicit products summed over pixels
    winograd/            3 x 3 taps, and their gradients, with a quarter of the multiplications
    window.py            what a task reads of an image, copied with its border; window_choice.py says how much
    weights.py, pairs.py packed weights; pairs of bfloat16 channels
"""
