"""What a SavedModel's file says: `program.py` makes the graph for servers, `object_messages.py` the messages of objects."""
