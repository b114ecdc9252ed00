"""Movements of whole arrays."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    x = random.normal(size=(256, 1024)).astype("float32")
    images = random.normal(size=(16, 32, 32, 32)).astype("float32")
    lengths = random.integers(1, 1024, 256).astype("int32")
    return {
        "transpose": (tf.transpose, (x,)), "transpose images": (lambda a: tf.transpose(a, [0, 3, 1, 2]), (images,)),
        "reverse": (lambda a: tf.reverse(a, [1]), (x,)), "roll": (lambda a: tf.roll(a, 7, 1), (x,)),
        "concat": (lambda a: tf.concat([a, a], 0), (x,)), "concat columns": (lambda a: tf.concat([a, a], 1), (x,)),
        "stack": (lambda a: tf.stack([a, a], 1), (x,)), "unstack": (lambda a: tf.unstack(a[:, :8], axis=1), (x,)),
        "split": (lambda a: tf.split(a, 4, 1), (x,)), "slice": (lambda a: a[:, 10:500], (x,)), "strided": (lambda a: a[::2, ::3], (x,)),
        "pad": (lambda a: tf.pad(a, [[0, 0], [1, 1], [1, 1], [0, 0]]), (images,)), "pad reflect": (lambda a: tf.pad(a, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT"), (images,)),
        "tile": (lambda a: tf.tile(a, [2, 2]), (x,)), "repeat": (lambda a: tf.repeat(a, 2, 1), (x,)), "broadcast_to": (lambda a: tf.broadcast_to(a[:1], [256, 1024]) + 0, (x,)),
        "one_hot": (lambda n: tf.one_hot(n, 1000), (lengths,)), "sequence_mask": (lambda n: tf.sequence_mask(n, 1024), (lengths,)),
        "reverse_sequence": (lambda a, n: tf.reverse_sequence(a, n, seq_axis=1), (x, lengths)), "space_to_depth": (lambda a: tf.nn.space_to_depth(a, 2), (images,)),
        "depth_to_space": (lambda a: tf.nn.depth_to_space(a, 2), (images,)), "space_to_batch": (lambda a: tf.space_to_batch(a, [2, 2], [[0, 0], [0, 0]]), (images,)),
        "band_part": (lambda a: tf.linalg.band_part(a, 3, 3), (x,)), "diag": (lambda a: tf.linalg.diag(a[:, :64]), (x,)), "diag_part": (lambda a: tf.linalg.diag_part(a), (x,)),
        "meshgrid": (lambda a: tf.meshgrid(a[0], a[1]), (x,)), "range": (lambda n: tf.range(n[0] * 0 + 100_000), (lengths,)),
        "eye": (lambda n: tf.eye(n[0] * 0 + 512), (lengths,)), "linspace": (lambda a: tf.linspace(a[0, 0], 1.0, 100_000), (x,)), "fill": (lambda a: tf.fill([256, 1024], a[0, 0]), (x,)),
    }  # fmt: skip
