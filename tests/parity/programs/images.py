"""Images: boxes drawn, chosen and suppressed, files written and read, colours and distortions."""

import numpy as np

RNG = np.random.RandomState(3)
PHOTO = (RNG.rand(1, 6, 7, 3)).astype(np.float32)
BYTES = (PHOTO[0] * 255).astype(np.uint8)
BOXES = np.array(
    [[0.0, 0.0, 0.5, 0.5], [0.05, 0.0, 0.55, 0.5], [0.4, 0.4, 0.9, 0.8], [0.1, 0.6, 0.3, 1.0]],
    np.float32,
)
SCORES = np.array([0.9, 0.8, 0.3, 0.6], np.float32)


def suppression(tf, tmp):
    raw = tf.raw_ops
    common = {"boxes": BOXES, "scores": SCORES, "max_output_size": 3}
    overlaps = np.array(
        [[1, 0.6, 0, 0], [0.6, 1, 0, 0], [0, 0, 1, 0.1], [0, 0, 0.1, 1]], np.float32
    )
    combined = raw.CombinedNonMaxSuppression(
        boxes=BOXES[None, :, None], scores=SCORES[None, :, None], max_output_size_per_class=2, max_total_size=3,
        iou_threshold=0.5, score_threshold=0.1,
    )  # fmt: skip
    return [
        raw.NonMaxSuppression(**common, iou_threshold=0.5),
        raw.NonMaxSuppressionV2(**common, iou_threshold=0.9),
        raw.NonMaxSuppressionV3(**common, iou_threshold=0.5, score_threshold=0.5),
        list(
            raw.NonMaxSuppressionV4(
                **common, iou_threshold=0.5, score_threshold=0.5, pad_to_max_output_size=True
            )
        ),
        list(
            raw.NonMaxSuppressionV5(
                **common, iou_threshold=0.5, score_threshold=0.1, soft_nms_sigma=0.5
            )
        ),
        raw.NonMaxSuppressionWithOverlaps(
            overlaps=overlaps,
            scores=SCORES,
            max_output_size=3,
            overlap_threshold=0.5,
            score_threshold=0.0,
        ),
        list(combined),
    ]


def boxes_drawn_and_drawn_at_random(tf, tmp):
    raw = tf.raw_ops
    draw = {"aspect_ratio_range": [0.75, 1.33], "area_range": [0.3, 1.0], "seed": 5, "seed2": 6}
    return [
        raw.DrawBoundingBoxes(images=PHOTO, boxes=BOXES[None]),
        raw.DrawBoundingBoxesV2(images=PHOTO, boxes=BOXES[None], colors=np.array([[1, 0, 0]], np.float32)),
        list(
            raw.SampleDistortedBoundingBox(
                image_size=np.array([40, 60, 3]), bounding_boxes=BOXES[None], min_object_covered=0.2, **draw
            )
        ),
        list(
            raw.SampleDistortedBoundingBoxV2(
                image_size=np.array([40, 60, 3]), bounding_boxes=BOXES[None], min_object_covered=0.2, **draw
            )
        ),
        list(
            raw.StatelessSampleDistortedBoundingBox(
                image_size=np.array([40, 60, 3]), bounding_boxes=BOXES[None], min_object_covered=0.2, seed=[3, 4],
                aspect_ratio_range=[0.75, 1.33], area_range=[0.3, 1.0],
            )
        ),
    ]  # fmt: skip


def crops_and_their_gradients(tf, tmp):
    raw, which = tf.raw_ops, np.array([0, 0, 0, 0], np.int32)
    grads = np.ones((4, 3, 2, 3), np.float32)
    made = []
    for method in ("bilinear", "nearest"):
        made.append(
            raw.CropAndResize(
                image=PHOTO, boxes=BOXES, box_ind=which, crop_size=[3, 2], method=method
            )
        )
        made.append(
            raw.CropAndResizeGradImage(
                grads=grads,
                boxes=BOXES,
                box_ind=which,
                image_size=[1, 6, 7, 3],
                T=tf.float32,
                method=method,
            )
        )
    made.append(raw.CropAndResizeGradBoxes(grads=grads, image=PHOTO, boxes=BOXES, box_ind=which))
    made.append(
        raw.ExtractGlimpse(
            input=PHOTO,
            size=[3, 4],
            offsets=np.array([[0.2, -0.6]], np.float32),
            uniform_noise=False,
            noise="zero",
        )
    )
    return made


def sizes_and_their_gradients(tf, tmp):
    raw, dy = tf.raw_ops, np.arange(4 * 5 * 3, dtype=np.float32).reshape(1, 4, 5, 3)
    made = []
    for flags in ({}, {"align_corners": True}, {"half_pixel_centers": True}):
        made += [
            raw.ResizeBilinearGrad(grads=dy, original_image=PHOTO, **flags),
            raw.ResizeBicubicGrad(grads=dy, original_image=PHOTO, **flags),
            raw.ResizeNearestNeighborGrad(grads=dy, size=[6, 7], **flags),
            raw.ResizeArea(
                images=PHOTO, size=[4, 3], align_corners=flags.get("align_corners", False)
            ),
        ]
    scaled = {
        "scale": np.array([1.5, 0.7], np.float32),
        "translation": np.array([0.3, -1.0], np.float32),
    }
    for kernel in ("lanczos3", "gaussian", "box", "keyscubic"):
        made.append(raw.ScaleAndTranslate(images=PHOTO, size=[5, 4], kernel_type=kernel, **scaled))
        made.append(
            raw.ScaleAndTranslateGrad(
                grads=dy, original_image=PHOTO, kernel_type=kernel, antialias=False, **scaled
            )
        )
    return made


def files(tf, tmp):
    raw = tf.raw_ops
    png = raw.EncodePng(image=BYTES)
    jpeg = raw.EncodeJpeg(image=BYTES, quality=90)
    row = 6 * 3 + 2
    head = b"BM" + (54 + row * 2).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    info = b"".join(n.to_bytes(4, "little") for n in (40, 6, 2)) + b"\1\0\x18\0" + bytes(24)
    bmp = head + info + bytes(range(row * 2))
    return [
        raw.DecodePng(contents=png),
        raw.DecodeJpeg(contents=jpeg, channels=3),
        raw.DecodeAndCropJpeg(contents=jpeg, crop_window=[1, 2, 3, 5]),
        raw.DecodeBmp(contents=bmp),
        raw.DecodeImage(contents=png, dtype=tf.float32),
        raw.ExtractJpegShape(contents=jpeg),
    ]


def colours(tf, tmp):
    raw = tf.raw_ops
    hsv = raw.RGBToHSV(images=PHOTO)
    return [
        hsv,
        raw.HSVToRGB(images=hsv),
        raw.AdjustHue(images=PHOTO, delta=0.3),
        raw.AdjustSaturation(images=PHOTO, scale=1.7),
        raw.AdjustContrastv2(images=PHOTO, contrast_factor=0.6),
    ]


def transforms(tf, tmp):
    raw = tf.raw_ops
    matrix = np.array([[0.9, 0.1, 0.5, -0.2, 1.1, 0.3, 0.01, -0.02]], np.float32)
    modes = ("CONSTANT", "REFLECT", "WRAP", "NEAREST")
    return [
        raw.ImageProjectiveTransformV3(
            images=PHOTO,
            transforms=matrix,
            output_shape=[5, 8],
            interpolation=i,
            fill_mode=m,
            fill_value=0.5,
        )
        for i in ("BILINEAR", "NEAREST")
        for m in modes
    ]
