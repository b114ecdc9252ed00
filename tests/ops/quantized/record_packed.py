"""Records what the package `gguf` unpacks from random blocks: `python record_packed.py` writes packed.npz, for test_packed.py and formats/weights/test_tables.py."""

import pathlib

import gguf
import numpy as np

FORMATS = "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K Q2_K Q3_K IQ4_NL IQ4_XS".split()


def main() -> None:
    random, recorded = np.random.default_rng(0), {}
    for name in FORMATS:
        kind = gguf.GGMLQuantizationType[name]
        _, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random.integers(0, 256, (2, 2 * size), dtype=np.uint8)
        recorded[name] = blocks
        recorded[f"{name} unpacked"] = gguf.dequantize(blocks, kind)
    np.savez_compressed(pathlib.Path(__file__).with_name("packed.npz"), **recorded)


if __name__ == "__main__":
    main()
