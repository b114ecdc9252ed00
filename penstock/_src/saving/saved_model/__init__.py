"""SavedModel: a folder with a program, the values of its variables, and how its objects hang together.

    saved_model.pb            functions, signatures, objects
    variables/variables.*     a checkpoint of the variables
    assets/                   files that the program reads

`constants.py` has the names of the format; `objects.py` numbers what is to be written, `save.py`
writes it; `load.py` reads, `revived.py` are the functions that it finds. What sessions
of TensorFlow 1 saved is written and loaded by `v1/saving/`.
"""
