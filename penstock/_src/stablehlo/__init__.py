"""StableHLO modules, the portable artifacts of JAX and other frameworks.

In: bytes of an artifact (MLIR bytecode, dialect VHLO). Out: an `HloModule` in memory. Read module.py first,
then bytecode/reader.py, then verify.py, which checks each operation by the table in facts.py. ops/xla/ gives operations their meaning.

Sources: MLIR's "Bytecode Format" page and the StableHLO specification. Cases stand in tests/stablehlo/.
"""
