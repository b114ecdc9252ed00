"""Wrong calls of neural networks, linear algebra, images, strings and random numbers."""

from tests.errors.calls import tf, unlike, wrong

f = tf.constant([1.0, 2.0, 3.0])
image = tf.ones([1, 8, 8, 3])
kernel = tf.ones([3, 3, 3, 4])
Invalid = tf.errors.InvalidArgumentError
EITHER = (Invalid, ValueError)
ANY = (Invalid, ValueError, TypeError, tf.errors.UnimplementedError)

CALLS = [
    wrong(
        "convolution of channels that differ",
        EITHER,
        lambda: tf.nn.conv2d(image, tf.ones([3, 3, 2, 4]), 1, "SAME"),
        "3",
        "2",
    ),
    unlike(
        "convolution of rank 3", EITHER, lambda: tf.nn.conv2d(tf.ones([8, 8, 3]), kernel, 1, "SAME")
    ),
    wrong(
        "convolution of an unknown padding",
        EITHER,
        lambda: tf.nn.conv2d(image, kernel, 1, "HALF"),
        "padding",
    ),
    wrong(
        "convolution of a filter larger than the image",
        EITHER,
        lambda: tf.nn.conv2d(image, tf.ones([10, 10, 3, 4]), 1, "VALID"),
    ),
    wrong(
        "convolution of strides of zero",
        EITHER,
        lambda: tf.nn.conv2d(image, kernel, 0, "SAME"),
        "stride",
    ),
    wrong(
        "convolution of integers and floats",
        ANY,
        lambda: tf.nn.conv2d(image, tf.cast(kernel, tf.float64), 1, "SAME"),
    ),
    wrong(
        "convolution of too many strides",
        ValueError,
        lambda: tf.nn.conv2d(image, kernel, [1, 1, 1, 1, 1], "SAME"),
    ),
    wrong(
        "depthwise convolution of channels that differ",
        EITHER,
        lambda: tf.nn.depthwise_conv2d(image, tf.ones([3, 3, 2, 1]), [1, 1, 1, 1], "SAME"),
    ),
    wrong(
        "max pool of rank 3", EITHER, lambda: tf.nn.max_pool2d(tf.ones([8, 8, 3]), 2, 2, "VALID")
    ),
    wrong(
        "max pool of a window larger than the image",
        EITHER,
        lambda: tf.nn.max_pool2d(image, 10, 1, "VALID"),
    ),
    unlike(
        "average pool of a window of zero", EITHER, lambda: tf.nn.avg_pool2d(image, 0, 1, "VALID")
    ),
    wrong("bias of another length", EITHER, lambda: tf.nn.bias_add(image, tf.ones([4])), "3", "4"),
    wrong("bias of rank 2", EITHER, lambda: tf.nn.bias_add(image, tf.ones([3, 1]))),
    wrong("softmax over an axis beyond the rank", EITHER, lambda: tf.nn.softmax(f, axis=3)),
    wrong("softmax of integers", ANY, lambda: tf.nn.softmax(tf.constant([1, 2]))),
    wrong("relu of strings", ANY, lambda: tf.nn.relu(["a"]), "Relu"),
    wrong("elu of integers", ANY, lambda: tf.nn.elu([1]), "Elu", "int32"),
    wrong(
        "cross entropy of shapes that differ",
        EITHER,
        lambda: tf.nn.softmax_cross_entropy_with_logits(
            labels=tf.ones([2, 3]), logits=tf.ones([2, 4])
        ),
    ),
    wrong(
        "sparse cross entropy of ranks that differ",
        EITHER,
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=[[0]], logits=tf.ones([1, 3])
        ),
    ),
    wrong(
        "sparse cross entropy of another batch",
        EITHER,
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=[0, 1], logits=tf.ones([1, 3])
        ),
    ),
    wrong(
        "sigmoid cross entropy of shapes that differ",
        ValueError,
        lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones([2]), logits=tf.ones([3])),
        "(2,)",
        "(3,)",
    ),
    wrong(
        "batch normalisation of rank 2 by the fused op",
        EITHER,
        lambda: tf.raw_ops.FusedBatchNormV3(
            x=tf.ones([2, 3]), scale=f, offset=f, mean=f, variance=f
        ),
        "4",
    ),
    wrong(
        "batch normalisation of other channels",
        EITHER,
        lambda: tf.raw_ops.FusedBatchNormV3(
            x=image, scale=tf.ones([4]), offset=tf.ones([4]), mean=[], variance=[]
        ),
    ),
    wrong("moments over an axis beyond the rank", EITHER, lambda: tf.nn.moments(f, [2])),
    wrong("dropout of everything", ValueError, lambda: tf.nn.dropout(f, 1.0), "rate"),
    wrong("dropout of a negative rate", ValueError, lambda: tf.nn.dropout(f, -0.1), "rate"),
    wrong("dropout of integers", ValueError, lambda: tf.nn.dropout(tf.constant([1]), 0.5)),
    wrong(
        "embedding lookup beyond the table",
        Invalid,
        lambda: tf.nn.embedding_lookup(tf.ones([3, 2]), [3]),
        "3",
    ),
    wrong(
        "in_top_k of other lengths", EITHER, lambda: tf.math.in_top_k([0, 1], tf.ones([1, 3]), 1)
    ),
    wrong(
        "inverse of a matrix that has none",
        Invalid,
        lambda: tf.linalg.inv(tf.zeros([2, 2])),
        "invertible",
    ),
    wrong("inverse of a matrix that is not square", EITHER, lambda: tf.linalg.inv(tf.ones([2, 3]))),
    wrong(
        "determinant of a matrix that is not square", EITHER, lambda: tf.linalg.det(tf.ones([2, 3]))
    ),
    wrong(
        "solve of shapes that differ", EITHER, lambda: tf.linalg.solve(tf.eye(2), tf.ones([3, 1]))
    ),
    wrong(
        "solve of a matrix that has no inverse",
        Invalid,
        lambda: tf.linalg.solve(tf.zeros([2, 2]), tf.ones([2, 1])),
        "invertible",
    ),
    wrong("svd of a vector", EITHER, lambda: tf.linalg.svd(f)),
    wrong("trace of integers given as strings", ANY, lambda: tf.linalg.trace([["a"]])),
    wrong(
        "uniform integers of an empty interval",
        EITHER,
        lambda: tf.random.uniform([2], 5, 5, tf.int32),
    ),
    wrong(
        "uniform integers without an end",
        ValueError,
        lambda: tf.random.uniform([2], dtype=tf.int32),
        "maxval",
    ),
    wrong("normal of a number as shape", EITHER, lambda: tf.random.normal(3), "vector", "[]"),
    wrong("uniform of a negative shape", EITHER, lambda: tf.random.uniform([-1])),
    wrong(
        "uniform of strings",
        (ValueError, TypeError),
        lambda: tf.random.uniform([2], dtype=tf.string),
    ),
    wrong(
        "stateless uniform of one seed",
        EITHER,
        lambda: tf.random.stateless_uniform([2], seed=[1]),
        "seed",
    ),
    wrong(
        "stateless normal of three seeds",
        EITHER,
        lambda: tf.random.stateless_normal([2], seed=[1, 2, 3]),
        "seed",
    ),
    wrong("categorical of a vector", EITHER, lambda: tf.random.categorical(f, 2)),
    wrong(
        "generator of an unknown algorithm",
        ValueError,
        lambda: tf.random.Generator.from_seed(1, alg="mersenne"),
    ),
    wrong(
        "resize of rank 2",
        ValueError,
        lambda: tf.image.resize(tf.ones([8, 8]), [4, 4]),
        "images",
        "(8, 8)",
    ),
    wrong("resize to one number", ValueError, lambda: tf.image.resize(image, [4]), "size", "(1,)"),
    wrong(
        "resize by an unknown method",
        ValueError,
        lambda: tf.image.resize(image, [4, 4], method="magic"),
    ),
    wrong(
        "crop beyond the image",
        (ValueError, Invalid),
        lambda: tf.image.crop_to_bounding_box(image, 5, 5, 8, 8),
        "Received 8, 8 and 5",
    ),
    wrong("decode a picture that is none", Invalid, lambda: tf.io.decode_png(b"not a picture")),
    wrong("decode a photograph that is none", Invalid, lambda: tf.io.decode_jpeg(b"not a picture")),
    wrong("number of a string that is none", Invalid, lambda: tf.strings.to_number("abc"), "abc"),
    wrong("substring beyond the end", Invalid, lambda: tf.strings.substr("abc", 5, 1)),
    wrong("length of numbers", ANY, lambda: tf.strings.length(f)),
    wrong("join of numbers", ANY, lambda: tf.strings.join([f, f])),
    wrong(
        "regular expression that is none", Invalid, lambda: tf.strings.regex_replace("a", "(", "b")
    ),
    wrong("base64 that is none", Invalid, lambda: tf.io.decode_base64("@@@@")),
    wrong(
        "read a file that does not exist",
        tf.errors.NotFoundError,
        lambda: tf.io.read_file("/no/such/file"),
        "/no/such/file",
    ),
    wrong("parse a tensor that is none", Invalid, lambda: tf.io.parse_tensor(b"xxxx", tf.float32)),
    wrong(
        "numbers that are not finite",
        Invalid,
        lambda: tf.debugging.check_numerics(tf.constant([1.0, float("nan")]), "loss"),
        "loss",
        "nan",
    ),
    wrong(
        "infinities where asked to check",
        Invalid,
        lambda: tf.debugging.check_numerics(tf.constant([float("inf")]), "loss"),
        "loss",
        "inf",
    ),
    wrong("assert of equal values", Invalid, lambda: tf.debugging.assert_equal(f, f + 1.0)),
    wrong("assert of positive values", Invalid, lambda: tf.debugging.assert_positive(-f)),
    wrong("assert of less", Invalid, lambda: tf.debugging.assert_less(f, f)),
    wrong("assert of a rank", ValueError, lambda: tf.debugging.assert_rank(f, 2)),
    wrong("assert of a type", TypeError, lambda: tf.debugging.assert_type(f, tf.int32)),
    wrong("assert of shapes", ValueError, lambda: tf.debugging.assert_shapes([(f, (4,))])),
    wrong("assert of near values", Invalid, lambda: tf.debugging.assert_near(f, f + 0.1)),
]
