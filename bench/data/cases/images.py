"""Folders of image files."""

from bench.data.cases import case


def _pipeline(tf, pattern, decode, parallel):
    def image(number, path):
        picture = decode(tf.io.read_file(path), channels=3)
        picture = tf.image.resize(picture, [224, 224])
        picture = tf.image.stateless_random_flip_left_right(picture, tf.stack([number, 7]))
        return (picture - 127.5) / 127.5

    paths = tf.data.Dataset.list_files(str(pattern), shuffle=False)
    numbered = tf.data.Dataset.zip((tf.data.Dataset.counter(), paths))
    return numbered.map(image, num_parallel_calls=parallel).batch(32).prefetch(2)


@case(each=32)
def jpeg_folder(tf, files):
    """Decode, resize, flip, normalize, batch; one call at a time."""
    return _pipeline(tf, files.jpegs / "*.jpg", tf.io.decode_jpeg, None)


@case(each=32)
def jpeg_folder_parallel(tf, files):
    """The same with AUTOTUNE."""
    return _pipeline(tf, files.jpegs / "*.jpg", tf.io.decode_jpeg, tf.data.AUTOTUNE)


@case(each=32)
def png_folder(tf, files):
    """The same of PNG files; one call at a time."""
    return _pipeline(tf, files.pngs / "*.png", tf.io.decode_png, None)


@case(each=32)
def png_folder_parallel(tf, files):
    """The same with AUTOTUNE."""
    return _pipeline(tf, files.pngs / "*.png", tf.io.decode_png, tf.data.AUTOTUNE)
