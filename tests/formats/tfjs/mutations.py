"""Damaged copies of a model's folder."""

import random
import shutil


def mutated(model, folder, seeds):
    """Yields the paths of copies of `model` in `folder`, each with some bytes of one of its files changed."""
    for seed in seeds:
        draw = random.Random(seed)
        path = folder / f"mutated{seed}"
        shutil.copytree(model, path)
        file = draw.choice(sorted(path.iterdir()))
        data = bytearray(file.read_bytes())
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            kind = draw.randrange(4)
            if kind == 0:
                data[at] = draw.randrange(256)
            elif kind == 1:
                del data[at : at + draw.randint(1, 40)]
            elif kind == 2:
                data[at:at] = data[at : at + draw.randint(1, 40)]
            else:
                data[at : at + 1] = draw.choice([b"-1", b"99999999999", b"{", b"]", b'"', b"null"])
        file.write_bytes(bytes(data))
        yield str(path)
        shutil.rmtree(path)
