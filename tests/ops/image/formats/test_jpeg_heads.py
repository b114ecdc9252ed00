"""What JPEG files say before their pixels, recorded on TensorFlow 2.21."""

import numpy as np

import penstock as tf

IMAGE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def test_densities_keep_their_unit():
    file = tf.io.encode_jpeg(IMAGE, density_unit="cm", x_density=100, y_density=50).numpy()
    assert file[:20] == b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x02\x00d\x002\x00\x00"
    assert tf.io.encode_jpeg(IMAGE).numpy()[13:18] == b"\x01\x01,\x01,"


def test_metadata_follow_the_first_segment():
    file = tf.io.encode_jpeg(IMAGE, xmp_metadata="hello").numpy()
    assert file[20:].startswith(b"\xff\xe1\x00$http://ns.adobe.com/xap/1.0/\x00hello\xff\xdb")
    plain = tf.io.encode_jpeg(IMAGE).numpy()
    assert (tf.io.decode_jpeg(file).numpy() == tf.io.decode_jpeg(plain).numpy()).all()
