"""Native code for groups of pictures: files are read, decoded by a C library and resized without Python's lock.

jpeg.py calls libjpeg, whose functions it gets as addresses; resized.py runs it for a group, and interpolates.
"""
