"""Random bits on a GPU: a thread for each counter stores its words at once."""

from penstock._src.compiler.codegen.specials.random_bits import WORDS, philox, threefry
from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaModule
from penstock._src.devices.gpu.target import THREADS
from penstock._src.ir.node import Node
from penstock._src.native import Target
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val


def random_bits_launch(node: Node) -> SpecialLaunch:
    """The launch that fills an array with random bits."""
    key, counter = node.args
    algorithm, count = node.attrs["algorithm"], int(node.attrs["count"])
    is_long = int(counter.size) > 1
    blocks = -(-count // (WORDS[algorithm] * THREADS))
    return SpecialLaunch(
        ("random_bits of threads", algorithm, is_long),
        lambda target: emit_cuda_random_bits(algorithm, is_long, target),
        blocks, (key, counter, node, count), f"random bits[{count}]",
    )  # fmt: skip


def emit_cuda_random_bits(algorithm: str, is_long: bool, target: Target) -> CudaCode:
    """Context: key, counter, output, number of words. `is_long`: True if the counter has a second word of 64 bits."""
    m = CudaModule(target, THREADS)
    each = WORDS[algorithm]
    with m.kernel() as f:
        key, counter, output = (f.load(f.ctx, i, PTR) for i in range(3))
        count = f.load(f.ctx, 3, I64)
        mine = f.number * THREADS + f.thread
        at = mine * each

        def draw() -> list[Val]:
            first = f.load(counter, 0, I64)
            number = first + mine
            k = f.load(key, 0, I64)
            if algorithm == "threefry":
                return threefry(f, k, number)
            upper = f.load(counter, 1, I64) if is_long else f.i64(0)
            carried = f.convert(f.compare("ult", number, first), I64, signed=False)
            return philox(f, k, number, carried + upper)

        def store_all() -> None:
            words = draw()
            vector = f.splat(words[0], each)
            for i, word in enumerate(words[1:], 1):
                vector = f.insert(vector, word, i)
            f.vector_store(vector, output, at)

        def store_some() -> None:
            for i, word in enumerate(draw()):
                f.when(at + i < count, lambda i=i, word=word: f.store(word, output, at + i))

        def store_last() -> None:
            f.when(at < count, store_some)

        f.when(at + each <= count, store_all, store_last)
    return m.finished()
