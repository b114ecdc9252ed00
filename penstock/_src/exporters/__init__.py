"""Models in other formats. In: functions and SavedModels; out: files that other runtimes read.

A folder for each format, which nothing else knows of. Read `stablehlo/` first: a function for each kind of primitive, registered
where it stands, and one entry that takes a Function. `lite.py` (`tf.lite.TFLiteConverter`) takes models and says how they
are to be converted; writing them is not implemented. What merely raises is in `api/missing/`.
"""
