"""TFLite: files for phones and small devices. In: a file; out: functions of Penstock, an interpreter, and files again.

`schema/` has the tables of a file, `reading/` turns them into functions, `interpreter/` is `tf.lite.Interpreter`.
Read `reading/translation.py` first.
"""
