"""tf.compat.v1.image: resizing without anti-aliasing, and random boxes."""

from penstock._src.api.config.determinism import is_op_determinism_enabled
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.image.geometry import with_batch
from penstock._src.api.image.resizing import resized_with_pad
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged_overrides.structural import resizing_each
from penstock._src.api.ragged_overrides.table import OF_RAGGED
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export


@export(v1=["image.ResizeMethod"])
class ResizeMethod:
    """The interpolation methods of `tf.compat.v1.image.resize`."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_NAMES = {"bilinear": 0, "nearest": 1, "bicubic": 2, "area": 3}


_RESIZERS = ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")


@dispatchable(v1=["image.resize", "image.resize_images"], scope="resize")
def resize(images, size, method=0, align_corners=False, preserve_aspect_ratio=False, name=None):
    """Resizes images.

    Args:
      images: one image or a batch.
      size: the rows and columns.
      method: a constant of `ResizeMethod`.
      align_corners: whether the centers of the corner pixels are aligned.
      preserve_aspect_ratio: whether images fit into `size` without distortion.
      name: a name for the operation.
    """
    number = _NAMES.get(method, method)
    if not isinstance(number, int) or not 0 <= number < len(_RESIZERS):
        raise ValueError(f"Resize method is not implemented: {method}")
    images = convert_to_tensor(images)
    if images.shape.rank not in (None, 3, 4):
        raise ValueError("'images' must have either 3 or 4 dimensions.")
    rows, columns = images.shape[-3:-1] if images.shape.rank else (None, None)
    try:
        size = convert_to_tensor(size, dtypes.int32)
    except (TypeError, ValueError):
        raise ValueError("'size' must be a 1-D int32 Tensor") from None
    static = get_static_value(size)
    if not size.shape.is_compatible_with([2]):
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    if preserve_aspect_ratio:
        static = _fitted(static, rows, columns)
        size = static
    if static is not None and (rows, columns) == (int(static[0]), int(static[1])):
        return images

    def run(batch):
        resized = getattr(raw, _RESIZERS[number])
        return resized(images=batch, size=size, align_corners=align_corners, name=name)

    return with_batch(images, run)


OF_RAGGED[resize] = resizing_each(resize)


def _fitted(size, rows, columns):
    if size is None or rows is None or columns is None:
        raise ValueError("preserve_aspect_ratio: the size of the images must be known.")
    scale = min(float(size[0]) / rows, float(size[1]) / columns)
    return [round(scale * rows), round(scale * columns)]


@export(v1=["image.resize_image_with_pad"])
def resize_image_with_pad(image, target_height, target_width, method=0, align_corners=False):
    """Resizes the image without distortion to fit into the target size, and pads the rest with black."""

    def resized(batch, size):
        return resize(batch, size, method, align_corners)

    return resized_with_pad(image, target_height, target_width, resized)


@export(v1=["image.sample_distorted_bounding_box"])
def sample_distorted_bounding_box(
    image_size,
    bounding_boxes,
    seed=None,
    seed2=None,
    min_object_covered=0.1,
    aspect_ratio_range=None,
    area_range=None,
    max_attempts=None,
    use_image_if_no_bounding_boxes=None,
    name=None,
):
    """A random box that covers enough of one of the given boxes, as (begin, size, box).

    Raises:
      ValueError: there is no seed, and operations must be deterministic.
    """
    if not seed and not seed2 and is_op_determinism_enabled():
        raise ValueError(
            'tf.compat.v1.image.sample_distorted_bounding_box requires "seed" or "seed2" to be non-zero when '
            "determinism is enabled. Pass one, or call tf.image.stateless_sample_distorted_bounding_box."
        )
    return raw.SampleDistortedBoundingBoxV2(
        image_size=image_size,
        bounding_boxes=bounding_boxes,
        min_object_covered=cast(min_object_covered, dtypes.float32),
        seed=seed or 0,
        seed2=seed2 or 0,
        aspect_ratio_range=aspect_ratio_range or [0.75, 1.33],
        area_range=area_range or [0.05, 1.0],
        max_attempts=max_attempts or 100,
        use_image_if_no_bounding_boxes=use_image_if_no_bounding_boxes or False,
        name=name,
    )
