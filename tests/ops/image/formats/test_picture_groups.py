"""Pictures of datasets that are read, decoded and resized in groups, against calls for each."""

import io

import numpy as np
import PIL.Image
import pytest

import penstock as tf
from penstock._src.core.calls.consent import consent_for, guarded
from penstock._src.core.registry import find
from penstock._src.ops.data_planner import call_times, choices, grouped_batches
from penstock._src.ops.image.formats import picture_groups
from penstock._src.ops.image.formats.libraries import jpeg_functions

RANDOM = np.random.default_rng(4)
SIZE = (12, 15)


def encoded(mode="RGB", form="JPEG", **options):
    height, width = RANDOM.integers(9, 60, 2)
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    file = io.BytesIO()
    pixels = RANDOM.integers(0, 256, shape, np.uint8)
    PIL.Image.fromarray(pixels, mode).save(file, form, **options)
    return file.getvalue()


FILES = [
    *[encoded() for _ in range(9)],
    encoded("L"), encoded(progressive=True), encoded("CMYK"), encoded(form="PNG"), encoded(subsampling=0),
    *[encoded(quality=40) for _ in range(8)],
]  # fmt: skip


@pytest.fixture
def native(monkeypatch):
    """The numbers of pictures in the calls of native code."""
    counts, function = [], picture_groups.pictures()

    def resized(functions, files, offsets, count, *rest):
        counts.append(count)
        return function.resized(functions, files, offsets, count, *rest)

    monkeypatch.setattr(picture_groups, "pictures", lambda: function._replace(resized=resized))
    return counts


@pytest.fixture
def paths(tmp_path):
    for number, data in enumerate(FILES):
        (tmp_path / f"{number:02}").write_bytes(data)
    return [str(tmp_path / f"{number:02}") for number in range(len(FILES))]


def resized(decode, method="bilinear"):
    def load(path):
        small = tf.image.resize(decode(tf.io.read_file(path)), SIZE, method)
        return tf.cast(small, tf.float32) / 3.0

    return load


def elements(dataset):
    """The elements, and the names of errors in place of those that fail."""
    found, iterator = [], iter(dataset)
    while True:
        try:
            found.append(next(iterator).numpy())
        except StopIteration:
            return found
        except tf.errors.OpError as error:
            found.append(type(error).__name__)


def check(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


DECODERS = {
    "jpeg": lambda data: tf.io.decode_jpeg(data, channels=3),
    "gray": lambda data: tf.io.decode_jpeg(data, channels=1),
    "accurate": lambda data: tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE"),
    "repeated": lambda data: tf.io.decode_jpeg(data, channels=3, fancy_upscaling=False),
    "png": lambda data: tf.io.decode_png(data, channels=3),
    "image": lambda data: tf.io.decode_image(data, channels=3, expand_animations=False),
}


@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("decoder", DECODERS)
def test_groups_give_the_bits_of_calls(decoder, batch, paths, native, monkeypatch):
    if decoder in ("gray", "accurate"):
        paths = paths[:11] + paths[12:]  # without inks
    made = tf.data.Dataset.from_tensor_slices(paths).map(resized(DECODERS[decoder]))
    made = made.batch(batch) if batch else made
    found = elements(made)
    assert jpeg_functions() is None or native
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    check(found, elements(made))


@pytest.mark.parametrize("method", ["bicubic", "area", "nearest", "lanczos3"])
def test_other_methods(method, paths, monkeypatch):
    made = tf.data.Dataset.from_tensor_slices(paths).map(resized(DECODERS["jpeg"], method)).batch(5)
    found = elements(made)
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    check(found, elements(made))


@pytest.mark.parametrize("parts", [1e9, 1e-9], ids=["a call for a stack", "several"])
def test_slow_pictures_are_computed_in_threads(parts, paths, native, monkeypatch):
    monkeypatch.setattr(call_times, "QUICK", 0.0)
    monkeypatch.setattr(grouped_batches, "_SHARED", parts)
    made = tf.data.Dataset.from_tensor_slices(paths).map(resized(DECODERS["jpeg"]), 2).batch(3)
    found = elements(made)
    first, second = iter(made), iter(made)
    for _ in range(4):
        next(first)
    second._restore(first._save())
    check([each.numpy() for each in second], found[4:])
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    check(found, elements(made))


@pytest.mark.parametrize("quick", [1e9, 0.0], ids=["at once", "in threads"])
@pytest.mark.parametrize("batch", [None, 4])
def test_errors_are_those_of_their_elements(batch, quick, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(call_times, "QUICK", quick)
    (tmp_path / "07").write_bytes(FILES[7][:300])
    (tmp_path / "14").write_bytes(b"no picture")
    paths[18] = str(tmp_path / "nowhere")
    made = tf.data.Dataset.from_tensor_slices(paths).map(resized(DECODERS["jpeg"]))
    made = made.batch(batch) if batch else made
    found = elements(made)
    names = [each for each in found if isinstance(each, str)]
    assert names == ["InvalidArgumentError", "InvalidArgumentError", "NotFoundError"]
    monkeypatch.setattr(choices, "first_part", lambda *_: None)
    check(found, elements(made))


def test_a_picture_is_also_a_result(paths):
    def load(path):
        picture = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return picture, tf.image.resize(picture, SIZE)

    made = tf.data.Dataset.from_tensor_slices(paths).map(load)
    for (picture, small), data in zip(made, FILES, strict=True):
        expected = tf.io.decode_jpeg(data, channels=3)
        np.testing.assert_array_equal(picture, expected)
        np.testing.assert_array_equal(small, tf.image.resize(expected, SIZE))
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes"):
        list(made.batch(4))


def test_animations_with_one_shape_for_each(tmp_path):
    frames = [PIL.Image.fromarray(RANDOM.integers(0, 256, (8, 9, 3), np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "b.jpg").write_bytes(FILES[0])

    def load(path):
        pictures = tf.io.decode_image(tf.io.read_file(path), channels=3)
        pictures = tf.cond(tf.rank(pictures) == 3, lambda: pictures[None], lambda: pictures)
        return tf.image.resize(tf.ensure_shape(pictures, [None, None, None, 3]), SIZE)

    names = [str(tmp_path / name) for name in ("a.gif", "b.jpg", "a.gif")]
    found = elements(tf.data.Dataset.from_tensor_slices(names).map(load))
    assert [each.shape for each in found] == [(3, *SIZE, 3), (1, *SIZE, 3), (3, *SIZE, 3)]


def test_graphs_from_files_ask_for_each_file(paths):
    consent = consent_for("a model", None)
    guarded_class = guarded(find("ReadFile"), "node", consent)
    assert guarded_class.eager_each is None and find("ReadFile").eager_each is not None
    with pytest.raises(tf.errors.PermissionDeniedError, match="read_files"):
        guarded_class().eager(np.array(paths[0].encode(), object))
