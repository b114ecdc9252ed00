"""TFLite: files for phones and small devices. In: a file or functions; out: functions of Penstock, an interpreter, and files.

`schema/` has the tables of a file, `reading/` turns them into functions, `interpreter/` is `tf.lite.Interpreter`, `writing/` makes files and
`converter.py` is `tf.lite.TFLiteConverter`, `debugger.py` compares quantized models with their originals. Read `reading/translation.py` first, and `writing/graph.py` for the way back.
"""
