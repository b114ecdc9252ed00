"""Image similarity (PSNR, SSIM), and bounding boxes."""

import numpy as np

from penstock._src.api.array.indexing import get_static_int
from penstock._src.api.config.determinism import is_op_determinism_enabled
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_all, reduce_mean
from penstock._src.api.random.seeds import get_seed
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor

from .color import convert_image_dtype, for_each_channel


def _check_pair(a, b):
    """Compares the extents of two stacks of images; returns what checks those that are not known yet, or None.

    Raises:
      ValueError: they are known to differ.
    """
    for images in (a, b):
        if images.shape.rank is not None and images.shape.rank < 3:
            raise ValueError(
                f"Images must have at least 3 dimensions. Received shape {images.shape}."
            )
    if not a.shape[-3:].is_compatible_with(b.shape[-3:]):
        raise ValueError(f"Shapes {a.shape} and {b.shape} are incompatible")
    if a.shape[-3:].is_fully_defined() and b.shape[-3:].is_fully_defined():
        return None
    extents = raw.Shape(input=a), raw.Shape(input=b)
    equal = raw.Equal(x=extents[0][-3:], y=extents[1][-3:], incompatible_shape_error=False)
    return Assert(reduce_all(equal), list(extents), summarize=10)


def _after(check, tensor):
    """The tensor, in graphs read only after a check."""
    if check is None:
        return tensor
    with control_dependencies([check]):
        return raw.Identity(input=tensor)


@dispatchable("image.psnr", scope="PSNR")
def psnr(a, b, max_val, name=None):
    """Returns the peak signal-to-noise ratio of each pair of images, in decibels.

    Args:
      a: `[..., height, width, channels]`.
      b: images of the same shape.
      max_val: the greatest value of a pixel, such as 1.0 or 255.
      name: a name for the operation.

    Returns:
      A float32 tensor `[...]`; infinite for equal images.

    >>> tf.image.psnr(tf.zeros([2, 2, 1]), tf.ones([2, 2, 1]) * 0.1, max_val=1.0).numpy().round(3)
    np.float32(20.0)
    """
    a, b = convert_to_tensor(a), convert_to_tensor(b)
    peak = convert_image_dtype(cast(convert_to_tensor(max_val), a.dtype), dtypes.float32)
    a, b = convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32)
    mse = reduce_mean(raw.SquaredDifference(x=a, y=b), [-3, -2, -1])
    mse = _after(_check_pair(a, b), mse)
    ten = np.float32(np.log(10.0))
    first = np.float32(20) * raw.Log(x=peak) / ten
    return raw.Sub(x=first, y=np.float32(10 / np.log(10)) * raw.Log(x=mse), name=name)


def _gaussian(size, sigma, kind):
    offsets = np.arange(size, dtype=np.float64) - (size - 1) / 2
    exponents = -0.5 * offsets**2 / sigma**2
    grid = np.exp(exponents[None, :] + exponents[:, None])
    return (grid / grid.sum()).astype(kind)[:, :, None, None]


def _ssim_parts(x, y, peak, size, sigma, k1, k2):
    """Luminance times structure, and structure alone, `[..., h, w, c]`."""
    kernel = for_each_channel(_gaussian(size, sigma, x.dtype.as_numpy_dtype), x)
    rank = x.shape.rank

    def blurred(image):
        shape = raw.Shape(input=image)
        flat = (
            image
            if rank == 4
            else raw.Reshape(
                tensor=image,
                shape=raw.ConcatV2(values=[np.array([-1], np.int32), shape[-3:]], axis=0),
            )
        )
        out = raw.DepthwiseConv2dNative(
            input=flat, filter=kernel, strides=[1, 1, 1, 1], padding="VALID"
        )
        if rank == 4:
            return out
        target = raw.ConcatV2(values=[shape[:-3], raw.Shape(input=out)[1:]], axis=0)
        return raw.Reshape(tensor=out, shape=target)

    c1 = raw.Square(x=np.float32(k1) * peak)
    c2 = raw.Square(x=np.float32(k2) * peak)
    mean_x, mean_y = blurred(x), blurred(y)
    both = mean_x * mean_y * np.float32(2)
    squares = raw.Square(x=mean_x) + raw.Square(x=mean_y)
    luminance = (both + c1) / (squares + c1)
    products = blurred(x * y) * np.float32(2)
    powers = blurred(raw.Square(x=x) + raw.Square(x=y))
    structure = (products - both + c2) / (powers - squares + c2)
    return luminance * structure, structure


def _prepared(img1, img2, max_val, filter_size):
    img1, img2 = convert_to_tensor(img1), convert_to_tensor(img2)
    img1 = _after(_check_pair(img1, img2), img1)
    extents = img1.shape.as_list()[-3:-1] if img1.shape.rank is not None else [None]
    if filter_size > 1 and None in extents:
        received = raw.Shape(input=img1)
        is_large = raw.All(input=received[-3:-1] >= np.int32(filter_size), axis=[0])
        img1 = _after(Assert(is_large, [received, filter_size], summarize=8), img1)
    for extent in extents:
        if extent is not None and extent < filter_size:
            raise errors.InvalidArgumentError(
                None, None, f"ssim: images must be at least {filter_size} wide and high. Received "
                f"{img1.shape}."
            )  # fmt: skip
    peak = convert_image_dtype(cast(convert_to_tensor(max_val), img1.dtype), dtypes.float32)
    return (
        convert_image_dtype(img1, dtypes.float32),
        convert_image_dtype(img2, dtypes.float32),
        peak,
    )


@dispatchable("image.ssim", scope="SSIM")
def ssim(
    img1,
    img2,
    max_val,
    filter_size=11,
    filter_sigma=1.5,
    k1=0.01,
    k2=0.03,
    return_index_map=False,
):
    """Returns the structural similarity of each pair of images, 1 for equal ones.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", 2004.

    Args:
      img1: `[..., height, width, channels]`, at least as large as the window.
      img2: images of the same shape and dtype.
      max_val: the greatest value of a pixel, such as 1.0 or 255.
      filter_size: the size of the Gaussian window.
      filter_sigma: the standard deviation of the window.
      k1: keeps the term of luminance finite.
      k2: keeps the term of structure finite.
      return_index_map: whether the similarity of each window is returned rather than their mean.

    Returns:
      A float tensor `[...]`, or a map over the image.

    Raises:
      InvalidArgumentError: the shapes differ, or images are smaller than the window.

    >>> image = tf.random.stateless_uniform([1, 16, 16, 1], seed=[1, 2])
    >>> tf.image.ssim(image, image, max_val=1.0).numpy()
    array([1.], dtype=float32)
    """
    x, y, peak = _prepared(img1, img2, max_val, filter_size)
    values, _ = _ssim_parts(x, y, peak, filter_size, filter_sigma, k1, k2)
    if not return_index_map:
        values = reduce_mean(values, [-3, -2])
    return reduce_mean(values, [-1])


_MSSSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@dispatchable("image.ssim_multiscale", scope="MS-SSIM")
def ssim_multiscale(
    img1,
    img2,
    max_val,
    power_factors=_MSSSIM_WEIGHTS,
    filter_size=11,
    filter_sigma=1.5,
    k1=0.01,
    k2=0.03,
):
    """The multi-scale structural similarity.

    Source: Wang, Simoncelli, Bovik, Multi-scale structural similarity, 2003.

    Args:
      img1, img2: `[..., height, width, channels]` of one dtype.
      max_val: the range of pixels, 255 for uint8.
      power_factors: the weight of each scale; an image has half the size of the one before.
      filter_size: of the Gaussian window, in pixels.
      filter_sigma: the window's standard deviation.
      k1, k2: constants that keep the quotients away from 0 / 0.

    Returns:
      A float32 tensor `[...]`, 1 for equal images.
    """
    x, y, peak = _prepared(img1, img2, max_val, 1)
    terms = []
    for level in range(len(power_factors)):
        if level:
            x, y = _halved(x), _halved(y)
        values, structure = _ssim_parts(x, y, peak, filter_size, filter_sigma, k1, k2)
        last = level == len(power_factors) - 1
        terms.append(raw.Relu(features=reduce_mean(values if last else structure, [-3, -2])))
    stacked = raw.Pack(values=terms, axis=-1)
    weights = np.array(power_factors, np.float32)
    product = raw.Prod(input=raw.Pow(x=stacked, y=weights), axis=[-1])
    return reduce_mean(product, [-1])


def _halved(image):
    """Means of 2x2 blocks; an odd last row or column is repeated first."""
    shape = raw.Shape(input=image)
    flat = raw.Reshape(tensor=image, shape=raw.ConcatV2(values=[[-1], shape[-3:]], axis=0))
    odd = raw.FloorMod(x=raw.Shape(input=flat), y=np.array([1, 2, 2, 1], np.int32))
    paddings = raw.Pack(values=[raw.ZerosLike(x=odd), odd], axis=1)
    flat = raw.MirrorPad(input=flat, paddings=paddings, mode="SYMMETRIC")
    pooled = raw.AvgPool(value=flat, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")
    target = raw.ConcatV2(values=[shape[:-3], raw.Shape(input=pooled)[1:]], axis=0)
    return raw.Reshape(tensor=pooled, shape=target)


@dispatchable("image.draw_bounding_boxes", v1=[])
def draw_bounding_boxes(images, boxes, colors, name=None):
    """The images with boxes (of normalized corners) drawn on them.

    Args:
      images: `[batch, height, width, channels]`, float32 or float16.
      boxes: float32 `[batch, boxes, 4]`: y_min, x_min, y_max, x_max as fractions of the image.
      colors: float32 `[n, channels]`, used in turn; None: a list of its own.
      name: of the operation.

    Returns:
      A tensor of the shape and dtype of `images`.
    """
    if colors is None:
        return raw.DrawBoundingBoxes(images=images, boxes=boxes, name=name)
    return raw.DrawBoundingBoxesV2(images=images, boxes=boxes, colors=colors, name=name)


@dispatchable("image.non_max_suppression", scope="non_max_suppression")
def non_max_suppression(
    boxes,
    scores,
    max_output_size,
    iou_threshold=0.5,
    score_threshold=float("-inf"),
    name=None,
):
    """Indices of boxes in descending order of score, without those that overlap a selected one too much.

    Args:
      boxes: floats `[n, 4]`: two opposite corners y1, x1, y2, x2.
      scores: floats `[n]`.
      max_output_size: an int32 scalar.
      iou_threshold: a scalar: a box that overlaps a selected one more (intersection over union) is
        dropped.
      score_threshold: a scalar: boxes of lower score are ignored.
      name: of the operation.

    Returns:
      An int32 vector of at most `max_output_size` indices.
    """
    return raw.NonMaxSuppressionV3(
        boxes=boxes,
        scores=scores,
        max_output_size=convert_to_tensor(max_output_size, dtypes.int32, "max_output_size"),
        iou_threshold=np.float32(iou_threshold)
        if not isinstance(iou_threshold, Tensor)
        else iou_threshold,
        score_threshold=np.float32(score_threshold)
        if not isinstance(score_threshold, Tensor)
        else score_threshold,
        name=name,
    )


@dispatchable("image.non_max_suppression_with_scores", scope="non_max_suppression_with_scores")
def non_max_suppression_with_scores(
    boxes,
    scores,
    max_output_size,
    iou_threshold=0.5,
    score_threshold=float("-inf"),
    soft_nms_sigma=0.0,
    name=None,
):
    """Indices and scores; with a positive sigma, overlapping boxes lose score instead of being dropped.

    Args:
      boxes, scores, max_output_size, iou_threshold, score_threshold, name: as
        `tf.image.non_max_suppression`'s.
      soft_nms_sigma: a float scalar: the width of the Gaussian of the overlap by which scores are
        multiplied; 0 drops boxes.

    Returns:
      (indices, scores): int32 `[m]`, and `[m]` of the dtype of `scores`, with m at most
      `max_output_size`.
    """
    indices, kept, _ = raw.NonMaxSuppressionV5(
        boxes=boxes,
        scores=scores,
        max_output_size=convert_to_tensor(max_output_size, dtypes.int32, "max_output_size"),
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
        soft_nms_sigma=soft_nms_sigma,
        pad_to_max_output_size=False,
        name=name,
    )
    return indices, kept


@dispatchable("image.non_max_suppression_padded", v1=[], scope="non_max_suppression_padded")
def non_max_suppression_padded(
    boxes,
    scores,
    max_output_size,
    iou_threshold=0.5,
    score_threshold=float("-inf"),
    pad_to_max_output_size=False,
    name=None,
    sorted_input=False,
    canonicalized_coordinates=False,
    tile_size=512,
):
    """Indices padded with zeros to `max_output_size`, and the number of valid ones; also for batches.

    Args:
      boxes: floats `[n, 4]` or `[..., n, 4]`: two opposite corners y1, x1, y2, x2.
      scores: floats `[n]` or `[..., n]`.
      max_output_size, iou_threshold, score_threshold, name: as `tf.image.non_max_suppression`'s.
      pad_to_max_output_size: whether a single set of boxes is padded; batches always are.
      sorted_input: whether boxes are taken in their order, which is that of descending scores.
      canonicalized_coordinates, tile_size: accepted for compatibility; no effect on the result.

    Returns:
      (indices, count): int32 `[..., m]` and int32 `[...]`.

    Raises:
      TypeError: `max_output_size` is not an int32.
    """
    del canonicalized_coordinates, tile_size
    boxes, scores = convert_to_tensor(boxes), convert_to_tensor(scores)
    size = convert_to_tensor(max_output_size)
    if size.dtype != dtypes.int32:
        raise TypeError(
            f"non_max_suppression_padded: max_output_size has type {size.dtype.name} that does not match type int32."
        )
    if sorted_input:
        scores = _descending(scores, score_threshold)
        score_threshold = -np.inf
    arguments = dict(
        max_output_size=size,
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
        pad_to_max_output_size=pad_to_max_output_size,
    )
    if boxes.shape.rank == 2:
        indices, count = raw.NonMaxSuppressionV4(boxes=boxes, scores=scores, **arguments, name=name)
        return indices, count
    arguments["pad_to_max_output_size"] = True
    static, whole = boxes.shape, raw.Shape(input=boxes)
    lead, shape = whole[:-2], whole[-2:]
    boxes = raw.Reshape(tensor=boxes, shape=raw.ConcatV2(values=[[-1], shape], axis=0))
    scores = raw.Reshape(tensor=scores, shape=raw.Pack(values=[np.int32(-1), shape[0]]))

    def suppress(row):
        return tuple(raw.NonMaxSuppressionV4(boxes=row[0], scores=row[1], **arguments))

    indices, counts = map_fn(suppress, (boxes, scores), dtype=(dtypes.int32, dtypes.int32))
    indices = raw.Reshape(tensor=indices, shape=raw.ConcatV2(values=[lead, [-1]], axis=0))
    if static.rank is not None and STATE.graph is not None:
        indices.set_shape(static[:-2].concatenate([get_static_int(max_output_size)]))
    return indices, raw.Reshape(tensor=counts, shape=lead)


def _descending(scores, threshold):
    """Numbers that descend along the last axis, -inf where a score is not above the threshold."""
    threshold = convert_to_tensor(threshold, dtype=scores.dtype)
    shape = raw.Shape(input=scores)
    order = raw.Neg(x=raw.Range(start=0, limit=shape[-1], delta=1))
    order = raw.BroadcastTo(input=raw.Cast(x=order, DstT=scores.dtype), shape=shape)
    lowest = convert_to_tensor(-np.inf, dtype=scores.dtype)
    return raw.SelectV2(condition=raw.Greater(x=scores, y=threshold), t=order, e=lowest)


def _box_attributes(aspect, area, attempts, whole):
    return dict(
        aspect_ratio_range=aspect or [0.75, 1.33],
        area_range=area or [0.05, 1.0],
        max_attempts=attempts or 100,
        use_image_if_no_bounding_boxes=bool(whole),
    )


@dispatchable("image.sample_distorted_bounding_box", v1=[])
def sample_distorted_bounding_box(
    image_size,
    bounding_boxes,
    seed=0,
    min_object_covered=0.1,
    aspect_ratio_range=None,
    area_range=None,
    max_attempts=None,
    use_image_if_no_bounding_boxes=None,
    name=None,
):
    """A random window of an image that covers enough of a box: (begin, size, bboxes).

    Args:
      image_size: integers `[3]`: height, width and channels.
      bounding_boxes: float32 `[batch, n, 4]`: y_min, x_min, y_max, x_max as fractions of the image.
      seed: an int; 0 for other windows in each run of the program.
      min_object_covered: the part of some box that the window must cover, a float32 scalar.
      aspect_ratio_range: bounds of width / height; by default (0.75, 1.33).
      area_range: bounds of the window's part of the image; by default (0.05, 1).
      max_attempts: after that many the whole image is returned; by default 100.
      use_image_if_no_bounding_boxes: whether no boxes mean the whole image; otherwise they are an
        error.
      name: of the operation.

    Returns:
      A named tuple: `begin` and `size` for `tf.slice`, `[3]` of the dtype of `image_size`, and
      `bboxes`, float32 `[1, 1, 4]`.

    Raises:
      ValueError: there is no seed, and operations must be deterministic.
    """
    if not seed and is_op_determinism_enabled():
        raise ValueError(
            "tf.image.sample_distorted_bounding_box requires a non-zero seed to be passed in when "
            "determinism is enabled. Pass one, or call tf.image.stateless_sample_distorted_bounding_box."
        )
    first, second = get_seed(seed) if seed else (0, 0)
    return raw.SampleDistortedBoundingBoxV2(
        image_size=image_size,
        bounding_boxes=bounding_boxes,
        min_object_covered=min_object_covered,
        seed=first,
        seed2=second,
        **_box_attributes(
            aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes
        ),
        name=name,
    )


@dispatchable(
    "image.stateless_sample_distorted_bounding_box", scope="stateless_sample_distorted_bounding_box"
)
def stateless_sample_distorted_bounding_box(
    image_size,
    bounding_boxes,
    seed,
    min_object_covered=0.1,
    aspect_ratio_range=None,
    area_range=None,
    max_attempts=None,
    use_image_if_no_bounding_boxes=None,
    name=None,
):
    """`sample_distorted_bounding_box`, a function of `seed`.

    Args:
      image_size, bounding_boxes, min_object_covered, aspect_ratio_range, area_range, max_attempts:
        as `tf.image.sample_distorted_bounding_box`'s.
      seed: two integers `[2]`.
      use_image_if_no_bounding_boxes, name: the same.

    Returns:
      What `tf.image.sample_distorted_bounding_box` returns.
    """
    return raw.StatelessSampleDistortedBoundingBox(
        image_size=image_size,
        bounding_boxes=bounding_boxes,
        seed=seed,
        min_object_covered=min_object_covered,
        **_box_attributes(
            aspect_ratio_range, area_range, max_attempts, use_image_if_no_bounding_boxes
        ),
        name=name,
    )


__getattr__ = op_functions(
    globals(),
    dispatchable="""
image.non_max_suppression_overlaps = NonMaxSuppressionWithOverlaps(overlaps, scores, max_output_size, overlap_threshold=0.5, score_threshold=float("-inf"))
    `non_max_suppression` with the overlaps of all pairs given.

    Args:
      overlaps: float32 `[n, n]`.
      scores: float32 `[n]`.
      max_output_size: an int32 scalar.
      overlap_threshold: the overlap above which a box is dropped.
      score_threshold: boxes of lower score are ignored.
      name: of the operation.

    Returns:
      An int32 vector of indices.
image.combined_non_max_suppression = CombinedNonMaxSuppression(boxes, scores, max_output_size_per_class, max_total_size: convert_to_tensor(convert_to_tensor(max_total_size), dtypes.int32), iou_threshold=0.5, score_threshold=float("-inf"), pad_per_class=False, clip_boxes=True) in combined_non_max_suppression
    Boxes, scores, classes and their count, suppressed within each class of each image.

    Args:
      boxes: float32 `[batch, n, q, 4]`: two opposite corners y1, x1, y2, x2; q is the number of
        classes, or 1 if boxes are shared.
      scores: float32 `[batch, n, classes]`.
      max_output_size_per_class: an int32 scalar.
      max_total_size: an int32 scalar: the most boxes of an image.
      iou_threshold: the intersection over union above which a box is dropped.
      score_threshold: boxes of lower score are ignored.
      pad_per_class: whether results have `min(max_total_size, max_output_size_per_class * classes)`
        rows instead of `max_total_size`.
      clip_boxes: whether corners are clipped to [0, 1].
      name: of the operation.

    Returns:
      A named tuple: `nmsed_boxes` `[batch, rows, 4]`, `nmsed_scores` and `nmsed_classes` `[batch,
      rows]`, all float32, and `valid_detections`, int32 `[batch]`.
image.generate_bounding_box_proposals = GenerateBoundingBoxProposals(scores, bbox_deltas, image_info, anchors, nms_threshold=0.7, pre_nms_topn=6000, min_size=16, post_nms_topn=300)
    Regions of interest and their probabilities, from a region proposal network's outputs.

    Args:
      scores: float32 `[batch, height, width, anchors]`.
      bbox_deltas: float32 `[batch, height, width, 4 * anchors]`: how each anchor is moved and
        scaled.
      image_info: float32 `[batch, 5]`: height, width and scale of each image.
      anchors: float32 `[anchors, 4]`.
      nms_threshold: a float32 scalar: the intersection over union above which a box is dropped.
      pre_nms_topn: an int32 scalar: how many boxes of highest score are looked at.
      min_size: a float32 scalar: smaller boxes are ignored.
      post_nms_topn: how many boxes of an image are returned.
      name: of the operation.

    Returns:
      A named tuple: `rois`, float32 `[batch, post_nms_topn, 4]`, and `roi_probabilities`, float32
      `[batch, post_nms_topn]`.

    Raises:
      UnimplementedError: always, as in TensorFlow on a CPU.
""",
)
