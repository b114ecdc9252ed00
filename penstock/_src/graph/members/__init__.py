"""Methods of graphs, by what they are for: the bases of Graph.

scopes.py       what the operations that are added within wait for, beside which others they run, and their attributes
elements.py     operations and tensors by their names
collections.py  collections of objects, and what sessions may be given and asked for
repetition.py   parts of a function that are recorded once and then copied, such as layers
conversions.py  to and from protocol buffers, for graphs and operations
"""
