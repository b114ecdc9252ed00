"""The methods by which primitives are written, by idea: each file is a mixin that needs `make` only.

maker.py puts them together as the class NodeMaker. Read base.py first; a method that makes nodes of others goes into the mixin of its
idea, a new kind of node also needs a row in ir/primitives.py.
"""
