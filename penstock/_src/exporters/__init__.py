"""Models in other formats. In: functions and SavedModels; out: files that other runtimes read.

A file or folder per format. `lite.py` (`tf.lite.TFLiteConverter`) takes models and says how they are to be converted; writing them is not
implemented. What merely raises is in `api/missing/`.
"""
