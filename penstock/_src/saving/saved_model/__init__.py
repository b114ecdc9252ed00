"""SavedModel: a folder with a program, its object graph, and the values of its variables.

    saved_model.pb            functions, signatures, objects
    variables/variables.*     a checkpoint of the variables
    assets/                   files that the program reads

`constants.py` has the names of the format; `objects.py` numbers the objects to save, `object_values.py` has functions for
their values, `writing/` makes the graph for servers and the messages; `save.py` writes them;
`load.py` reads; `revived/` has the loaded functions. SavedModels of TensorFlow 1 sessions are handled by `v1/saving/`.
"""
