"""Operators that can work on transposed values, so that transposes between convolutions are removed, in both directions."""

# Operators in which each output element depends on the first input only through the element at its position.
ELEMENTWISE = frozenset(
    "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast Ceil Clip Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish Identity IsInf "
    "IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh Gelu".split()
)
# Operators that broadcast their inputs.
BROADCASTING = frozenset(
    "Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mod Mul Or Pow PRelu Sub "
    "Sum Where Xor".split()
)
