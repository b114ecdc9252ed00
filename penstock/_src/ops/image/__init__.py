"""Images: files decoded and encoded, color, resizing, crops, projections, boxes.

Read codec.py first (formats/ reads and writes the files), then resize.py with taps.py: which pixels an output pixel reads, and by which weights.

Pictures of sizes of their own, which the host decodes or an eager call gets, are resized there by native kernels (`graph/passes/own_sizes.py`,
`native/algorithms/resampling.py`): planning a program for a new size takes longer. Where only movements and a few elementwise ops follow, a function
of decoding and resizing is not a program, but for the arithmetic of sizes: shapes are inputs of that as vectors, and what only the host reads
(`Section.for_host`) does not count in what a block is specialized for, so it is one program for all pictures. In programs, whose extents may be
unknown, `unknown_taps.py` computes which pixels are read by which weights.

Datasets that read, decode and resize pictures do so for groups of them (`formats/picture_groups.py`). JPEG files are decoded by the libjpeg-turbo that Pillow
brings, called from native code (`native/algorithms/pictures`): one call without Python's lock goes from the names of files to a stack.
"""
