"""Rules of operations on elements: rows are aligned, and broadcasting does the rest."""

from penstock._src.api.vectorized.rules import Value, rule
from penstock._src.api.vectorized.step import Step
from penstock._src.core.registry import raw


@rule("""
    Abs Acos Acosh Add AddN AddV2 Angle ApproximateEqual Asin Asinh Atan Atan2 Atanh BesselI0 BesselI0e
    BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1
    Betainc Bitcast BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast Ceil CheckNumerics ClipByValue Complex
    ComplexAbs Conj Cos Cosh Dawsn Digamma Div DivNoNan Elu EluGrad Equal Erf Erfc Erfinv Exp Expint
    Expm1 Floor FloorDiv FloorMod FresnelCos FresnelSin Greater GreaterEqual Identity IdentityN Igamma
    IgammaGradA Igammac Imag Inv InvGrad Invert IsFinite IsInf IsNan LeakyRelu LeakyReluGrad LeftShift
    Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr LogicalXor Maximum Minimum Mod
    Mul MulNoNan Ndtri Neg NextAfter NotEqual OnesLike Polygamma PopulationCount Pow PreventGradient
    Real RealDiv Reciprocal ReciprocalGrad Relu Relu6 Relu6Grad ReluGrad RightShift Rint Round Rsqrt RsqrtGrad
    SelectV2 Selu SeluGrad Sigmoid SigmoidGrad Sign Sin Sinh Snapshot Softplus SoftplusGrad Softsign
    SoftsignGrad Spence Sqrt SqrtGrad Square SquaredDifference StopGradient Sub Tan Tanh TanhGrad
    TruncateDiv TruncateMod Xdivy Xlog1py Xlogy ZerosLike Zeta
    AsString StringLower StringUpper StringStrip StringLength StringToNumber RegexReplace RegexFullMatch
    StringToHashBucketFast StaticRegexReplace StaticRegexFullMatch RandomGammaGrad
""")
def elements(step: Step) -> list:
    """The same on rows that broadcast: axes of extent 1 come between the rows and what is shorter."""
    inputs = range(len(step.values))
    rank = 0 if len(inputs) == 1 else max(step.rank(i) for i in inputs)
    if len(inputs) == 1:
        return step.run_flat([step.values[0].tensor])
    return step.run_flat([step.aligned(i, rank) for i in inputs])


@rule("Select")
def select(step: Step) -> list:
    """A condition of one axis chooses whole parts of rows."""
    rank = step.rank(1)
    condition = step.values[0].tensor
    for _ in range(rank - step.rank(0) if step.rank(0) else 0):
        condition = raw.ExpandDims(input=condition, axis=-1)
    if step.is_stacked(0) and not step.rank(0):
        condition = step.aligned(0, rank)
    return step.other("SelectV2", condition, step.aligned(1, rank), step.aligned(2, rank))


@rule("Shape")
def shape(step: Step) -> list:
    """The shape of a row, the same for all."""
    found = raw.Shape(input=step.values[0].tensor, out_type=step.op.out_type)
    return [Value(raw.Slice(input=found, begin=[1], size=[-1]), False)]


@rule("ShapeN")
def shapes(step: Step) -> list:
    """The shapes of rows."""
    found = []
    for value in step.values:
        vector = raw.Shape(input=value.tensor, out_type=step.op.out_type)
        if value.stacked:
            vector = raw.Slice(input=vector, begin=[1], size=[-1])
        found.append(Value(vector, False))
    return found


@rule("Size")
def size(step: Step) -> list:
    """The number of elements of a row."""
    vector = raw.Shape(input=step.values[0].tensor, out_type=step.op.out_type)
    return [Value(raw.Prod(input=raw.Slice(input=vector, begin=[1], size=[-1]), axis=0), False)]


@rule("Rank")
def rank(step: Step) -> list:
    """The rank of a row."""
    return [Value(raw.Sub(x=raw.Rank(input=step.values[0].tensor), y=1), False)]


@rule("Assert")
def check(step: Step) -> list:
    """All rows must hold."""
    held = step.values[0].tensor
    if step.is_stacked(0):
        held = raw.All(input=held, axis=0)
    return step.run(held, [value.tensor for value in step.values[1:]])


@rule("EnsureShape")
def ensure_shape(step: Step) -> list:
    """Rows of any number, each of the shape."""
    wanted = step.op.attrs["shape"]
    return step.run(step.whole(0), shape=[None, *wanted] if wanted.rank is not None else wanted)
