"""Exporters of models to other formats. In: functions and SavedModels; out: files for other runtimes.

Each format is a folder that nothing else depends on. Read `stablehlo/` first: a function for each kind of primitive,
registered where it stands, and one entry that takes a Function. `lite.py` (`tf.lite.TFLiteConverter`) accepts models and
options; the conversion is not implemented. Names that only raise are in `api/missing/`.
"""
