"""tf.image: resizing, cropping, colours, codecs, boxes and measures."""
