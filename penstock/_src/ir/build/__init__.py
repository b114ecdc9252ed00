"""The methods that write primitives, by subject: all of them call `make`, which a subclass of NodeMaker implements.

Each class extends the previous one: base, leaves, movement, elementwise, reduction, indexing, special_functions, control; maker.py has the whole.
Read base.py first. A method that creates nodes from others goes into the file of its subject; a new kind also needs a class in ir/primitives/.
"""
