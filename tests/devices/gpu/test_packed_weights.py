"""Products with packed weights on a GPU: by the CPU's tasks, never by a product of numbers that nobody stores."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ir.meaning.packed import FORMATS
from tests.devices.gpu.emulated import by_reference, launches, on_gpu


@pytest.mark.parametrize(
    ("name", "rows", "activations"),
    [("Q5_0", 1, "float32"), ("Q4_K", 7, "float32"), ("Q6_K", 1, "int8"), ("Q3_K", 1, "int8")],
)
def test_products_by_packed_weights_equal_the_reference_device(name, rows, activations):
    form, random = FORMATS[name], np.random.default_rng(0)
    blocks = random.integers(0, 256, (9, form.size), dtype=np.uint8)
    for at in (form.scale, form.minimum):
        if at is not None:
            blocks[:, at : at + 2] = np.float16([0.01]).view(np.uint8)
    x = tf.constant(random.standard_normal((rows, form.block)).astype(np.float32))

    def product(x, weights):
        return tf.raw_ops.PackedMatMul(x=x, weights=weights, format=name, activations=activations)

    with launches() as made:
        found = on_gpu(product, x, tf.constant(blocks))
    np.testing.assert_allclose(
        found, by_reference(product, x, tf.constant(blocks)), rtol=1e-4, atol=1e-3
    )
    assert all("packed product" in launch.label for launch in made)
