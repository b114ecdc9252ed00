"""tf.image: resizing, cropping, colors, codecs, boxes and measures."""
