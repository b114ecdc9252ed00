"""Layers of networks."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""

    def normal(*shape):
        return random.normal(size=shape).astype("float32")

    x, images, kernel = normal(256, 1000), normal(16, 32, 32, 32), normal(3, 3, 32, 32)
    labels, sequence = random.integers(0, 1000, 256).astype("int32"), normal(50, 16, 30)
    targets = random.integers(1, 29, (16, 10)).astype("int32")
    ones = normal(32)
    found = {
        name: (getattr(tf.nn, name), (x,))
        for name in "relu relu6 elu selu gelu leaky_relu swish softsign softmax log_softmax".split()
    }
    return found | {
        "softmax_cross_entropy": (lambda a, b: tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(b), a), (x, x[::-1].copy())),
        "sparse_softmax_cross_entropy": (lambda a, i: tf.nn.sparse_softmax_cross_entropy_with_logits(i, a), (x, labels)),
        "sigmoid_cross_entropy": (lambda a, b: tf.nn.sigmoid_cross_entropy_with_logits(b, a), (x, x[::-1].copy())),
        "conv2d": (lambda a, k: tf.nn.conv2d(a, k, 1, "SAME"), (images, kernel)), "conv2d strided": (lambda a, k: tf.nn.conv2d(a, k, 2, "SAME"), (images, kernel)),
        "conv2d dilated": (lambda a, k: tf.nn.conv2d(a, k, 1, "SAME", dilations=2), (images, kernel)), "conv1d": (lambda a, k: tf.nn.conv1d(a[:, 0], k[0], 1, "SAME"), (images, kernel)),
        "conv3d": (lambda a: tf.nn.conv3d(tf.reshape(a[:4], [4, 8, 8, 16, 32]), tf.ones([2, 2, 2, 32, 8]), [1] * 5, "SAME"), (images,)),
        "conv2d_transpose": (lambda a, k: tf.nn.conv2d_transpose(a, k, [16, 64, 64, 32], 2, "SAME"), (images, kernel)),
        "depthwise_conv2d": (lambda a, k: tf.nn.depthwise_conv2d(a, k[..., :1], [1, 1, 1, 1], "SAME"), (images, kernel)),
        "max_pool": (lambda a: tf.nn.max_pool2d(a, 2, 2, "SAME"), (images,)), "avg_pool": (lambda a: tf.nn.avg_pool2d(a, 3, 1, "SAME"), (images,)),
        "max_pool_with_argmax": (lambda a: tf.nn.max_pool_with_argmax(a, 2, 2, "SAME"), (images,)), "fractional_max_pool": (lambda a: tf.nn.fractional_max_pool(a, [1.0, 1.5, 1.5, 1.0], seed=3)[0], (images,)),
        "dilation2d": (lambda a, k: tf.nn.dilation2d(a, k[..., 0], [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]), (images, kernel)),
        "local_response_normalization": (lambda a: tf.nn.local_response_normalization(a), (images,)), "batch_normalization": (lambda a, s: tf.nn.batch_normalization(a, s, s * s, s, s, 1e-3), (images, ones)),
        "bias_add": (tf.nn.bias_add, (images, ones)), "fused_batch_norm": (lambda a, s: tf.raw_ops.FusedBatchNormV3(x=a, scale=s, offset=s, mean=[], variance=[])[0], (images, ones)),
        "ctc_loss": (lambda s, t: tf.nn.ctc_loss(t, s, tf.fill([16], 10), tf.fill([16], 50), blank_index=0), (sequence, targets)),
        "ctc_greedy_decoder": (lambda s: tf.nn.ctc_greedy_decoder(s, tf.fill([16], 50))[0][0].values, (sequence,)),
        "ctc_beam_search_decoder": (lambda s: tf.nn.ctc_beam_search_decoder(s, tf.fill([16], 50), 10)[0][0].values, (sequence,)),
        "nce_loss": (lambda a, i: tf.nn.nce_loss(a, a[:, 0], tf.cast(i[:, None], tf.int64) % 256, a, 16, 256, sampled_values=([1, 2, 3], tf.ones([256, 1]), tf.ones([3]))), (x, labels)),
        "l2_loss": (tf.nn.l2_loss, (x,)), "dropout": (lambda a: tf.nn.dropout(a, 0.5), (x,)), "with_space_to_batch": (lambda a, k: tf.nn.atrous_conv2d(a, k, 2, "VALID"), (images, kernel)),
    }  # fmt: skip
