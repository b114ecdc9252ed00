"""StableHLO modules: what JAX and other frameworks hand over as portable artifacts.

In: bytes of an artifact (MLIR bytecode, dialect VHLO). Out: an `HloModule` in memory. Read module.py first,
then bytecode/reader.py. ops/xla/ gives operations their meaning.

Sources: MLIR's "Bytecode Format" page and the StableHLO specification. Cases stand in tests/stablehlo/.
"""
