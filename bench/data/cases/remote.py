"""Images of a remote file system, in which each request takes 20 ms.

Penstock reads from memory through fsspec. TensorFlow has no such file system: there a Python function waits as long, and reads a local file.
"""

import pathlib
import time

from bench.data.cases import case

LATENCY = 0.02


def _upload(files):
    """The paths of the files, copied to a slow file system in memory."""
    import fsspec  # of Penstock's environment only
    from fsspec.implementations.memory import MemoryFileSystem

    class Distant(MemoryFileSystem):
        """Files in memory that come after a while."""

        protocol = "distant"

        def cat_file(self, path, **place):
            time.sleep(LATENCY)
            return super().cat_file(path, **place)

    fsspec.register_implementation("distant", Distant)
    paths = [f"distant:///{path.name}" for path in sorted(files.jpegs.iterdir())]
    for path, source in zip(paths, sorted(files.jpegs.iterdir())):
        with fsspec.open(path, "wb") as file:
            file.write(source.read_bytes())
    return paths


def _waiting(path):
    time.sleep(LATENCY)
    return pathlib.Path(path.decode()).read_bytes()


def _pipeline(tf, files, parallel):
    is_penstock = "tensorflow" not in tf.__name__
    paths = _upload(files) if is_penstock else sorted(map(str, files.jpegs.iterdir()))

    def image(path):
        if is_penstock:
            data = tf.io.read_file(path)
        else:
            data = tf.ensure_shape(tf.numpy_function(_waiting, [path], tf.string), [])
        picture = tf.image.resize(tf.io.decode_jpeg(data, channels=3), [224, 224])
        return (picture - 127.5) / 127.5

    made = tf.data.Dataset.from_tensor_slices(paths).map(image, num_parallel_calls=parallel)
    return made.batch(32).prefetch(2)


@case(each=32)
def remote_images(tf, files):
    """Read, decode, resize, normalize, batch with AUTOTUNE."""
    return _pipeline(tf, files, tf.data.AUTOTUNE)


@case(each=32)
def remote_images_16(tf, files):
    """The same with 16 calls at a time."""
    return _pipeline(tf, files, 16)
