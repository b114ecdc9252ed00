"""Strings and records."""

import numpy as np


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    words = np.array(
        [b"Penstock", b"tensor", b"Compiler of Tensors", b"a", b"2026-11-25", b"  spaces  here "]
    )
    lines = np.array([b" ".join(words[random.integers(0, 6, 8)]) for _ in range(1000)])
    numbers = np.array([b"%.4f" % x for x in random.normal(size=1000)])
    dates = np.array([b"12,3.5,%d,abc" % i for i in range(1000)])
    ids = random.integers(0, 1000, 1000).astype("int64")
    text = tf.strings
    example = tf.train.Example(features=tf.train.Features(feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0] * 16)), "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[3]))})).SerializeToString()  # fmt: skip
    records = np.array([example] * 256)
    features = {"x": tf.io.FixedLenFeature([16], tf.float32), "y": tf.io.FixedLenFeature([], tf.int64)}  # fmt: skip
    return {
        "length": (text.length, (lines,)), "lower": (text.lower, (lines,)), "upper": (text.upper, (lines,)), "strip": (text.strip, (lines,)), "substr": (lambda s: text.substr(s, 2, 5), (lines,)), "join": (lambda s: text.join([s, s], "-"), (lines,)),
        "split": (lambda s: text.split(s).flat_values, (lines,)), "split by comma": (lambda s: text.split(s, ",").flat_values, (dates,)), "regex_replace": (lambda s: text.regex_replace(s, "[aeiou]+", "_"), (lines,)), "regex_full_match": (lambda s: text.regex_full_match(s, ".*Tensor.*"), (lines,)),
        "to_number": (lambda s: text.to_number(s), (numbers,)), "as_string": (lambda s: text.as_string(s), (ids,)), "to_hash_bucket_fast": (lambda s: text.to_hash_bucket_fast(s, 1000), (lines,)), "to_hash_bucket_strong": (lambda s: text.to_hash_bucket_strong(s, 1000, [1, 2]), (lines,)),
        "split and hash": (lambda s: text.to_hash_bucket_fast(text.split(s).flat_values, 1000), (lines,)), "reduce_join": (lambda s: text.reduce_join(tf.reshape(s, [10, 100]), 1, separator=" "), (lines,)), "bytes_split": (lambda s: text.bytes_split(s).flat_values, (numbers,)),
        "unicode_decode": (lambda s: text.unicode_decode(s, "UTF-8").flat_values, (lines,)), "unicode_encode": (lambda s: text.unicode_encode(text.unicode_decode(s, "UTF-8"), "UTF-8"), (lines,)), "ngrams": (lambda s: text.ngrams(s, 2), (numbers,)), "equal": (lambda s: tf.equal(s, s[::-1]), (lines,)),
        "encode_base64": (lambda s: tf.io.encode_base64(s), (lines,)), "decode_base64": (lambda s: tf.io.decode_base64(tf.io.encode_base64(s)), (lines,)), "decode_raw": (lambda s: tf.io.decode_raw(text.substr(s, 0, 4), tf.uint8), (numbers,)), "decode_csv": (lambda s: tf.io.decode_csv(s, [0, 0.0, 0, ""]), (dates,)),
        "parse_example": (lambda s: tf.io.parse_example(s, features), (records,)), "edit_distance": (lambda i: tf.edit_distance(tf.sparse.from_dense(tf.reshape(i[:500] + 1, [50, 10])), tf.sparse.from_dense(tf.reshape(i[500:] + 1, [50, 10]))), (ids,)), "format": (lambda i: text.format("{}", i[:10]), (ids,)),
    }  # fmt: skip
