"""Translates the operations of a StableHLO module to primitives.

Read translate.py first; each family of operations has a file. A handler takes the translation, the operation and its
operands as nodes, and returns its results. If it needs a value that is not static (`p.value` is None), it raises
NotLowerable: the module then runs on the host, through the same handlers and an ImmediateBuilder.

StableHLO (`stablehlo/`) is the format in which JAX exports functions: `jax2tf` emits the op `XlaCallModule` with a module in MLIR bytecode.
`stablehlo/bytecode` parses it into a small graph of operations, regions and values, and `ops/xla/translation` translates that to primitives, so JAX's
functions are fused with the surrounding ops. Bodies of reductions, sorts and scatters are recognized if a primitive has the same meaning. The others
run on whole arrays: a reduction by halving its axis, a sort by the keys that its comparator reads, or else by comparing all pairs. On the host, the
same translation uses a builder that computes every node immediately (`ir/immediate.py`). Symbolic dimensions need no special handling: extents are
`Dim`s.
"""
