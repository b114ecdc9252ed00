"""The programs in PyTorch: models of which torch.compile(dynamic=True) makes programs for many shapes."""

import itertools

import torch
from torch.nn import functional

from shape_peers import inputs, weights

HEADS, WIDTH = weights.HEADS, weights.WIDTH


def parameter(array):
    return torch.nn.Parameter(torch.from_numpy(array))


def trained(loss, parameters):
    """Returns a function that makes a step of gradient descent."""
    compiled = torch.compile(loss, dynamic=True)
    optimizer = torch.optim.SGD(parameters, lr=1e-3)

    def call(*batch):
        optimizer.zero_grad()
        value = compiled(*batch)
        value.backward()
        optimizer.step()
        return value.detach().numpy()

    return call


def computed(function):
    """Returns a function that computes what a function gives, without gradients."""
    compiled = torch.compile(function, dynamic=True)

    def call(*batch):
        with torch.inference_mode():
            return compiled(*batch).numpy()

    return call


def normalized(x, scale):
    centered = x - x.mean(-1, keepdim=True)
    return centered * torch.rsqrt(centered.square().mean(-1, keepdim=True) + 1e-5) * scale


def texts(random, trains):
    words, places, blocks = weights.transformer(random, inputs.WORDS)
    words, places = parameter(words), parameter(places)
    blocks = [[parameter(x) for x in block] for block in blocks]

    def model(tokens):
        batch, length = tokens.shape
        x = words[tokens] + places[:length]
        for first, project, back, second, widen, narrow in blocks:
            three = (normalized(x, first) @ project).reshape(
                batch, length, 3, HEADS, WIDTH // HEADS
            )
            q, k, v = (three[:, :, i].transpose(1, 2) for i in range(3))
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + mixed.transpose(1, 2).reshape(batch, length, WIDTH) @ back
            x = x + functional.gelu(normalized(x, second) @ widen) @ narrow
        return x @ words.T

    def loss(tokens, wanted):
        return functional.cross_entropy(model(tokens).flatten(0, 1), wanted.flatten())

    if trains:
        return trained(loss, [words, places, *itertools.chain(*blocks)])
    return computed(lambda tokens: model(tokens)[:, -1].argmax(-1))


def images(random, trains):
    kernels, last = weights.images(random)
    kernels = [parameter(kernel.transpose(3, 2, 0, 1).copy()) for kernel in kernels]
    last = parameter(last)

    def net(x):
        for kernel in kernels:
            x = functional.relu(functional.conv2d(x, kernel, padding=1))
            x = functional.max_pool2d(x, 2, 2, ceil_mode=True)
        return x.mean((2, 3)) @ last

    return trained(lambda x: net(x).square().mean(), [*kernels, last]) if trains else computed(net)


def recurrent(random):
    inward, onward, last = weights.lstm(random)
    lstm, last = torch.nn.LSTM(16, 32, bias=False, batch_first=True), parameter(last)
    order = [0, 1, 3, 2]  # PyTorch's gates: input, forget, new, output
    with torch.no_grad():
        for own, array in ((lstm.weight_ih_l0, inward), (lstm.weight_hh_l0, onward)):
            gates = array.T.reshape(4, 32, -1)[order].reshape(128, -1)
            own.copy_(torch.from_numpy(gates.copy()))

    def loss(x):
        _, (state, _) = lstm(x)
        return (state[0] @ last - 1).square().mean()

    return trained(loss, [*lstm.parameters(), last])


def dense(random):
    first, last = map(parameter, weights.dense(random))

    def loss(x, y):
        return functional.cross_entropy(functional.relu(x @ first) @ last, y)

    return trained(loss, [first, last])


PROGRAMS = {
    "text, training": lambda random: texts(random, True),
    "text, training, any batch": lambda random: texts(random, True),
    "text, any batch": lambda random: texts(random, False),
    "growing text": lambda random: texts(random, False),
    "images, training": lambda random: images(random, True),
    "images": lambda random: images(random, False),
    "lstm, training": recurrent,
    "dense, training": dense,
}


def program(case, random):
    """Returns (the function to call, what makes its inputs of arrays before the clock starts).

    Args:
      case: a key of PROGRAMS.
      random: draws the weights.
    """

    def given(array):
        tensor = torch.from_numpy(array)
        if tensor.dtype == torch.int32:
            return tensor.long()
        return tensor.permute(0, 3, 1, 2).contiguous() if tensor.dim() == 4 else tensor

    return PROGRAMS[case](random), given
