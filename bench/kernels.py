"""Times the products and convolutions of the benchmark models one by one, relative to the machine's peak.

Each case is a program of one contraction (and its epilogue) with its own operands; the best of many calls counts. The peak
is the rate of multiply-adds on registers, measured first.

Usage: kernels.py [--only TEXT] [--seconds 0.3]
"""

import argparse
import time

import numpy as np

from penstock._src.core import dtypes
from penstock._src.devices.cpu.device import build_program
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.native import Call, Code, Module, host, kernels, pool
from penstock._src.native.language.types import lanes

FLOAT = dtypes.float32


def product(spec, left, right, epilogue=None):
    """Returns a case: an einsum of two arrays, with the elementwise epilogue `epilogue`."""

    def make(p, a, b, *more):
        y = p.contract(spec, a, b)
        return epilogue(p, y, *more) if epilogue else y

    extents = {}
    for letters, shape in zip(spec.split("->")[0].split(","), (left, right), strict=True):
        extents.update(zip(letters, shape, strict=True))
    return make, [left, right], 2 * np.prod([float(n) for n in extents.values()])


def with_bias(case, activation=None):
    """Returns the case with a bias added to its result, and an activation."""
    make, shapes, work = case

    def biased(p, a, b, c):
        y = p.add(make(p, a, b), c)
        return activation(p, y) if activation else y

    p = Builder()
    y = make(p, *[p.parameter(i, s, FLOAT) for i, s in enumerate(shapes)])
    return biased, [*shapes, (int(y.shape[-1]),)], work


def relu(p, y):
    """The larger of y and 0."""
    return p.maximum(y, 0.0)


def twice(n):
    """Returns n for both spatial axes."""
    return n, n


def convolution(batch, size, channels, outputs, taps=3, stride=1, same=True):
    """Returns the cases of a convolution on square images: forward, input gradient, filter gradient."""
    out = -(-size // stride) if same else (size - taps) // stride + 1
    whole = max(0, (out - 1) * stride + taps - size) if same else 0
    low, high = whole // 2, whole - whole // 2
    before = taps - 1 - low
    after = size + low - 1 - (out - 1) * stride
    work = 2.0 * batch * out * out * taps * taps * channels * outputs

    def forward(p, x, w):
        view = p.windows(
            x, [1, 2], twice(taps), twice(stride), (1, 1), twice(low), twice(high), (1, 1)
        )
        return p.contract("nxycij,ijco->nxyo", view, w)

    def image(p, dy, w):
        view = p.windows(
            dy, [1, 2], twice(taps), (1, 1), (1, 1), twice(before), twice(after), twice(stride)
        )
        return p.contract("nxyoij,ijco->nxyc", view, p.reverse(w, [0, 1]))

    def filter_(p, x, dy):
        view = p.windows(
            x, [1, 2], twice(taps), twice(stride), (1, 1), twice(low), twice(high), (1, 1)
        )
        return p.contract("nxycij,nxyo->ijco", view, dy)

    x, y = (batch, size, size, channels), (batch, out, out, outputs)
    w = (taps, taps, channels, outputs)
    return {
        "forward": (forward, [x, w], work),
        "image": (image, [y, w], work),
        "filter": (filter_, [x, y], work),
    }


def depthwise(batch, size, channels, taps=3, stride=1):
    """Returns the cases of a depthwise convolution with SAME padding."""
    out = -(-size // stride)
    whole = max(0, (out - 1) * stride + taps - size)
    low, high = whole // 2, whole - whole // 2
    work = 2.0 * batch * out * out * taps * taps * channels

    def windows(p, x):
        return p.windows(
            x, [1, 2], twice(taps), twice(stride), (1, 1), twice(low), twice(high), (1, 1)
        )

    def forward(p, x, w):
        return p.contract("nxycij,ijc->nxyc", windows(p, x), w)

    def filter_(p, x, dy):
        return p.contract("nxycij,nxyc->ijc", windows(p, x), dy)

    x, y = (batch, size, size, channels), (batch, out, out, channels)
    return {
        "forward": (forward, [x, (taps, taps, channels)], work),
        "filter": (filter_, [x, y], work),
    }


def cases():
    """Returns all cases by name."""
    found = {
        "512 x 512 x 512": product("mk,kn->mn", (512, 512), (512, 512)),
        "2048 x 2048 x 2048": product("mk,kn->mn", (2048, 2048), (2048, 2048)),
        "mlp 128x784x512 relu": with_bias(product("mk,kn->mn", (128, 784), (784, 512)), relu),
        "mlp 128x512x512 relu": with_bias(product("mk,kn->mn", (128, 512), (512, 512)), relu),
        "mlp 128x512x10": with_bias(product("mk,kn->mn", (128, 512), (512, 10))),
        "mlp dx 128x512x512": product("mk,nk->mn", (128, 512), (512, 512)),
        "mlp dx 128x10x512": product("mk,nk->mn", (128, 10), (512, 10)),
        "mlp dw 784x128x512": product("km,kn->mn", (128, 784), (128, 512)),
        "mlp dw 512x128x512": product("km,kn->mn", (128, 512), (128, 512)),
        "mlp dw 512x128x10": product("km,kn->mn", (128, 512), (128, 10)),
        "cnn 128x1600x10": with_bias(product("mk,kn->mn", (128, 1600), (1600, 10))),
        "cnn dw 1600x128x10": product("km,kn->mn", (128, 1600), (128, 10)),
        "cnn dx 128x10x1600": product("mk,nk->mn", (128, 10), (1600, 10)),
        "lstm 32x128x512": product("mk,kn->mn", (32, 128), (128, 512)),
        "lstm dx 32x512x128": product("mk,nk->mn", (32, 512), (128, 512)),
        "lstm dw 128x32x512": product("km,kn->mn", (32, 128), (32, 512)),
        "transformer 2048x256x1024": with_bias(product("mk,kn->mn", (2048, 256), (256, 1024))),
        "transformer 2048x1024x256": with_bias(product("mk,kn->mn", (2048, 1024), (1024, 256))),
        "transformer dw 1024x2048x256": product("km,kn->mn", (2048, 1024), (2048, 256)),
        "transformer dw 256x2048x1024": product("km,kn->mn", (2048, 256), (2048, 1024)),
        "transformer dw 256x2048x256": product("km,kn->mn", (2048, 256), (2048, 256)),
        "transformer dx 2048x1024x256": product("mk,nk->mn", (2048, 1024), (256, 1024)),
        "transformer 2048x256x8000": with_bias(product("mk,kn->mn", (2048, 256), (256, 8000))),
        "transformer dx 2048x8000x256": product("mk,nk->mn", (2048, 8000), (256, 8000)),
        "transformer dw 256x2048x8000": product("km,kn->mn", (2048, 256), (2048, 8000)),
        "attention scores": product("btnh,bsnh->bnts", (16, 128, 4, 64), (16, 128, 4, 64)),
        "attention values": product("bnts,bsnh->btnh", (16, 4, 128, 128), (16, 128, 4, 64)),
        "attention dv": product("bnts,btnh->bsnh", (16, 4, 128, 128), (16, 128, 4, 64)),
        "attention dk": product("btnh,bnts->bsnh", (16, 128, 4, 64), (16, 4, 128, 128)),
        "one row 784x512": with_bias(product("mk,kn->mn", (1, 784), (784, 512)), relu),
        "one row 128x512": product("mk,kn->mn", (1, 128), (128, 512)),
        "one row 4096x4096": product("mk,kn->mn", (1, 4096), (4096, 4096)),
        "eight rows 1024x1024": product("mk,kn->mn", (8, 1024), (1024, 1024)),
    }
    images = {
        "mnist 28x28x1-32": convolution(128, 28, 1, 32, same=False),
        "mnist 13x13x32-64": convolution(128, 13, 32, 64, same=False),
        "resnet 32x32x3-16": convolution(64, 32, 3, 16),
        "resnet 32x32x16-16": convolution(64, 32, 16, 16),
        "resnet 32x32x16-32/2": convolution(64, 32, 16, 32, stride=2),
        "resnet 16x16x32-32": convolution(64, 16, 32, 32),
        "resnet 8x8x64-64": convolution(64, 8, 64, 64),
        "resnet50 224x224x3-64 7x7/2": convolution(8, 224, 3, 64, taps=7, stride=2),
        "resnet50 56x56x64-64": convolution(8, 56, 64, 64),
        "resnet50 56x56x64-256 1x1": convolution(8, 56, 64, 256, taps=1),
        "resnet50 56x56x256-64 1x1": convolution(8, 56, 256, 64, taps=1),
        "resnet50 56x56x128-128/2": convolution(8, 56, 128, 128, stride=2),
        "resnet50 28x28x128-128": convolution(8, 28, 128, 128),
        "resnet50 14x14x256-256": convolution(8, 14, 256, 256),
        "resnet50 7x7x512-512": convolution(8, 7, 512, 512),
        "5x5 28x28x32-64": convolution(16, 28, 32, 64, taps=5),
        "one output 64x64x32-1": convolution(8, 64, 32, 1),
        "three outputs 64x64x32-3": convolution(8, 64, 32, 3),
        "depthwise 56x56x128": depthwise(8, 56, 128),
        "depthwise 112x112x64/2": depthwise(8, 112, 64, stride=2),
        "one image 32x32x16-16": convolution(1, 32, 16, 16),
        "one image 56x56x64-64": convolution(1, 56, 64, 64),
        "one image 7x7x512-512": convolution(1, 7, 512, 512),
    }
    for name, three in images.items():
        found.update({f"{name} {which}": case for which, case in three.items()})
    return found


def best(call, seconds):
    """Returns the seconds of the fastest of many calls."""
    fastest, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        call()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def peak(seconds):
    """Returns the multiply-add rate of all threads on registers, in flops a second."""
    target, chains, steps = host(), 12, 1 << 16
    vector = target.vector("float")
    module = Module(target)
    with module.task("multiply") as f:
        some = f.splat(f.load(f.ctx, 0, "float"), lanes(vector))
        acc = [f.zero(vector)] * chains
        acc = f.loop(0, steps, 1, lambda _, *acc: [f.fma(x, some, some) for x in acc], *acc)
        total = acc[0]
        for x in acc[1:]:
            total = total + x
        f.store(total, f.ctx, 2 + 2 * lanes(vector) * f.task)
    threads = pool().threads
    library = kernels()[Code.of(module)]
    table = np.zeros(4 + 2 + 32 * threads, np.int64)
    table[:4] = library["multiply"], threads, len(table), 0
    call = Call(table, 0, threads=threads, keep=library)
    return threads * chains * steps * lanes(vector) * 2 / best(call.run, seconds)


def run(make, shapes, work, seconds):
    """Returns (flops a second, launches with their shares of the time) of a case."""
    p = Builder()
    parameters = [p.parameter(i, shape, FLOAT) for i, shape in enumerate(shapes)]
    program = build_program(Function("case", tuple(parameters), (make(p, *parameters),)))
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape, np.float32) for shape in shapes]
    launches, begin = program.profile(*arrays, runs=3), time.perf_counter()
    while time.perf_counter() - begin < seconds:
        again = program.profile(*arrays, runs=10)
        launches = [(a[0], a[1], min(a[2], b[2])) for a, b in zip(launches, again, strict=True)]
    return work / sum(us for _, _, us in launches) * 1e6, launches


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=0.3)
    options = parser.parse_args()
    most = peak(options.seconds)
    print(f"peak {most / 1e9:.0f} GF/s on {pool().threads} threads")
    for name, case in cases().items():
        if options.only in name:
            rate, launches = run(*case, options.seconds)
            shares = ", ".join(f"{us:.1f} us {tasks} tasks" for _, tasks, us in launches)
            print(f"{name:32s} {rate / 1e9:7.1f} GF/s {100 * rate / most:4.0f} %  {shares}")


if __name__ == "__main__":
    main()
