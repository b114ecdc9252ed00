"""Images warped by dense flows with gather_nd, thin plates, polar and projective maps, and an optical flow found by gradients."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(331)


def scene(h, w):
    y, x = np.mgrid[:h, :w] / 4.0
    return np.stack([np.sin(y) + np.cos(x), np.sin(x * y / 3)], -1).astype("float32")


@tf.function(
    input_signature=[tf.TensorSpec([None, None, None, None]), tf.TensorSpec([None, None, None, 2])]
)
def warp(images, flow):
    """Bilinear samples at each pixel plus its flow; beyond the border the border is repeated."""
    b, h, w, _ = tf.unstack(tf.shape(images))
    grid = tf.stack(tf.meshgrid(tf.range(h), tf.range(w), indexing="ij"), -1)
    points = tf.cast(grid, tf.float32)[None] + flow
    limit = tf.cast(tf.stack([h - 1, w - 1]), tf.float32)
    points = tf.clip_by_value(points, 0.0, limit)
    low = tf.minimum(tf.floor(points), tf.maximum(limit - 1, 0.0))
    weight = points - low
    base = tf.cast(low, tf.int32)
    batch = tf.broadcast_to(
        tf.reshape(tf.range(b), [-1, 1, 1, 1]), tf.concat([tf.shape(base)[:3], [1]], 0)
    )

    def corner(dy, dx):
        where = tf.minimum(base + [dy, dx], tf.stack([h - 1, w - 1]))
        return tf.gather_nd(images, tf.concat([batch, where], -1))

    wy, wx = weight[..., :1], weight[..., 1:]
    top = corner(0, 0) * (1 - wx) + corner(0, 1) * wx
    bottom = corner(1, 0) * (1 - wx) + corner(1, 1) * wx
    return top * (1 - wy) + bottom * wy


for h, w in [(6, 9), (9, 6), (12, 12), (2, 5), (7, 13)]:
    images = tf.constant(np.stack([scene(h, w), scene(h, w)[::-1]]))
    flow = tf.constant(rng.normal(0, 1.5, (2, h, w, 2)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch([images, flow])
        out = warp(images, flow)
        value = tf.reduce_mean(out**2)
    g_images, g_flow = tape.gradient(value, [images, flow])
    print("RESULT warp", out.shape, float(value), float(tf.norm(g_images)), float(tf.norm(g_flow)))


@tf.function(reduce_retracing=True)
def thin_plate(source, target, points):
    """Where the spline that takes source points to target points moves other points."""

    def kernel(a, b):
        r2 = tf.reduce_sum((a[:, None] - b[None]) ** 2, -1)
        return tf.math.xlogy(r2, r2 + 1e-10) / 2

    n = tf.shape(source)[0]
    affine = tf.concat([tf.ones([n, 1]), source], 1)
    system = tf.concat(
        [
            tf.concat([kernel(source, source) + 1e-3 * tf.eye(n), affine], 1),
            tf.pad(tf.transpose(affine), [[0, 0], [0, 3]]),
        ],
        0,
    )
    weights = tf.linalg.solve(system, tf.pad(target, [[0, 3], [0, 0]]))
    return (
        kernel(points, source) @ weights[:n]
        + tf.concat([tf.ones([tf.shape(points)[0], 1]), points], 1) @ weights[n:]
    )


for n, m in ((5, 20), (8, 3), (6, 40)):
    source = rng.uniform(0, 5, (n, 2)).astype("float32")
    target = source + rng.normal(0, 0.3, (n, 2)).astype("float32")
    moved = thin_plate(
        tf.constant(source),
        tf.constant(target),
        tf.constant(rng.uniform(0, 5, (m, 2)).astype("float32")),
    )
    print("RESULT plate", moved.shape, *tf.reduce_mean(moved, 0).numpy())

image = scene(16, 20)
projective = tf.raw_ops.ImageProjectiveTransformV3(
    images=image[None],
    transforms=[[0.9, 0.1, 1.0, -0.05, 1.1, 0.5, 0.001, 0.002]],
    output_shape=[10, 24],
    fill_value=-1.0,
    interpolation="BILINEAR",
    fill_mode="CONSTANT",
)
print("RESULT projective", projective.shape, float(tf.reduce_mean(projective)))
for method in ("bilinear", "nearest", "bicubic", "lanczos3", "gaussian", "mitchellcubic", "area"):
    small = tf.image.resize(image, [7, 31], method, antialias=method != "nearest")
    print("RESULT", method, float(tf.reduce_mean(small)), float(small[3, 17, 1]))
print(
    "RESULT crops",
    tf.image.resize_with_crop_or_pad(image, 9, 33).shape,
    tf.image.resize_with_pad(image, 9, 33).shape,
)
colours = tf.image.hsv_to_rgb(tf.sigmoid(tf.concat([image, image[..., :1]], -1)))
for name, f in {
    "hue": lambda c: tf.image.adjust_hue(c, 0.2),
    "saturation": lambda c: tf.image.adjust_saturation(c, 1.7),
    "gamma": lambda c: tf.image.adjust_gamma(c, 0.5, 0.9),
    "contrast": lambda c: tf.image.adjust_contrast(c, 1.3),
    "yuv": lambda c: tf.image.rgb_to_yuv(c),
    "yiq": lambda c: tf.image.yiq_to_rgb(tf.image.rgb_to_yiq(c) * 0.9),
    "standard": tf.image.per_image_standardization,
}.items():
    changed = f(colours)
    print(
        "RESULT", name, *tf.reduce_mean(changed, [0, 1]).numpy(), float(tf.math.reduce_std(changed))
    )
left, right = image[None], np.roll(image, 1, 1)[None]
print(
    "RESULT metrics",
    *tf.image.psnr(left, right, 2.0).numpy(),
    *tf.image.ssim(tf.constant(left), tf.constant(right), 4.0, filter_size=5).numpy(),
)
print(
    "RESULT total",
    *tf.image.total_variation(tf.constant(left)).numpy(),
    float(tf.reduce_sum(tf.image.sobel_edges(tf.constant(left))[..., 0])),
)

flow = tf.Variable(tf.zeros([1, 16, 20, 2]))
for k in range(12):
    with tf.GradientTape() as tape:
        error = tf.reduce_mean((warp(right, flow) - left)[:, 2:-2, 2:-2] ** 2)
        smooth = tf.add_n([tf.reduce_mean(d**2) for d in tf.image.image_gradients(flow)])
        energy = error + 0.05 * smooth
    flow.assign_sub(40.0 * tape.gradient(energy, flow))
    if k % 3 == 0:
        print("RESULT flow", float(error), float(smooth), *tf.reduce_mean(flow, [0, 1, 2]).numpy())
