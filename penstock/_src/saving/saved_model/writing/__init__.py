"""The file of a SavedModel: `program.py` makes the graph for servers, `object_messages.py` the messages of objects."""
