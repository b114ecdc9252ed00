"""The methods by which primitives are written, by idea: all of them come down to `make`, which a subclass of NodeMaker gives.

Each class adds to the one before: base, leaves, movement, elementwise, reduction, indexing, special_functions, control; maker.py has the whole. Read
base.py first. A method that makes nodes of others goes into the file of its idea; a new kind of node also needs a row in ir/primitives.py.
"""
