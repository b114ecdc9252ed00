"""The binary form of MLIR: container.py reads sections, reader.py operations, builtin.py and vhlo.py what attributes and
types of the two dialects look like, schema.py which attributes each operation has.
"""
