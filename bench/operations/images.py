"""Images."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    batch = random.random((8, 128, 128, 3)).astype("float32")
    bytes_ = (batch * 255).astype("uint8")
    boxes = random.random((500, 4)).astype("float32")
    boxes[:, 2:] += boxes[:, :2]
    scores = random.random(500).astype("float32")
    image = tf.image
    sized = {
        f"resize {m}": (lambda a, m=m: image.resize(a, [200, 180], m), (batch,))
        for m in ("bilinear", "nearest", "bicubic", "area", "lanczos3")
    }
    return sized | {
        "resize antialias": (lambda a: image.resize(a, [64, 60], antialias=True), (batch,)), "resize bytes": (lambda a: image.resize(a, [64, 64]), (bytes_,)),
        "crop_and_resize": (lambda a, b: image.crop_and_resize(a, b[:64] / 2, tf.range(64) % 8, [32, 32]), (batch, boxes)),
        "non_max_suppression": (lambda b, s: image.non_max_suppression(b, s, 50), (boxes, scores)),
        "combined_non_max_suppression": (lambda b, s: image.combined_non_max_suppression(b[None, :, None], tf.tile(s[None, :, None], [1, 1, 4]), 20, 50)[1], (boxes, scores)),
        "rgb_to_hsv": (image.rgb_to_hsv, (batch,)), "hsv_to_rgb": (image.hsv_to_rgb, (batch,)), "adjust_hue": (lambda a: image.adjust_hue(a, 0.1), (batch,)),
        "adjust_saturation": (lambda a: image.adjust_saturation(a, 1.3), (batch,)), "adjust_contrast": (lambda a: image.adjust_contrast(a, 1.3), (batch,)), "adjust_gamma": (lambda a: image.adjust_gamma(a, 1.3), (batch,)),
        "rgb_to_grayscale": (image.rgb_to_grayscale, (batch,)), "flip_left_right": (image.flip_left_right, (batch,)), "rot90": (image.rot90, (batch,)), "sobel_edges": (image.sobel_edges, (batch,)),
        "image_gradients": (image.image_gradients, (batch,)), "total_variation": (image.total_variation, (batch,)), "psnr": (lambda a: image.psnr(a, a[::-1], 1.0), (batch,)),
        "ssim": (lambda a: image.ssim(a, a[::-1], 1.0), (batch,)), "per_image_standardization": (image.per_image_standardization, (batch,)),
        "extract_patches": (lambda a: image.extract_patches(a, [1, 8, 8, 1], [1, 8, 8, 1], [1, 1, 1, 1], "VALID"), (batch,)), "resize_with_pad": (lambda a: image.resize_with_pad(a, 100, 140), (batch,)),
        "central_crop": (lambda a: image.central_crop(a, 0.5), (batch,)), "convert_image_dtype": (lambda a: image.convert_image_dtype(a, tf.float32), (bytes_,)),
        "projective transform": (lambda a: tf.raw_ops.ImageProjectiveTransformV3(images=a, transforms=[[1.0, 0.1, 2, -0.1, 1, 3, 0, 0]], output_shape=[128, 128], fill_value=0.0, interpolation="BILINEAR"), (batch,)),
        "decode png": (lambda s: image.decode_png(s), (tf.io.encode_png(bytes_[0]).numpy(),)), "decode jpeg": (lambda s: image.decode_jpeg(s), (tf.io.encode_jpeg(bytes_[0]).numpy(),)),
        "encode png": (lambda a: tf.io.encode_png(a[0]), (bytes_,)), "encode jpeg": (lambda a: tf.io.encode_jpeg(a[0]), (bytes_,)), "draw_bounding_boxes": (lambda a, b: image.draw_bounding_boxes(a, tf.tile(b[None, :10] / 2, [8, 1, 1]), [[1.0, 0, 0]]), (batch, boxes)),
    }  # fmt: skip
