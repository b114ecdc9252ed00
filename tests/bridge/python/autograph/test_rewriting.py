"""Rewriting of functions with TensorFlow's toolbox."""

import gast
import numpy

from penstock._src.bridge.python.autograph.impl import conversion
from penstock._src.bridge.python.autograph.pyct import (
    anno,
    cfg,
    qual_names,
    transformer,
    transpiler,
)
from penstock._src.bridge.python.autograph.pyct.static_analysis import (
    activity,
    reaching_definitions,
    reaching_fndefs,
    type_inference,
)


class Negated(transformer.Base):
    def visit_BinOp(self, node):
        node.op = gast.Sub()
        return node


class Subtracting(transpiler.PyToPy):
    def get_caching_key(self, user_context):
        return 0

    def get_extra_locals(self):
        return {}

    def transform_ast(self, node, ctx):
        return Negated(ctx).visit(node)


def test_a_rewritten_function_keeps_closure_and_defaults():
    offset = 1

    def add(x, y=offset, *, z=2):
        return x + y + z + offset

    rewritten = Subtracting()
    made, module, source_map = rewritten.transform(add, None)
    assert made(0) == (0 + 1 + 2) - 1
    assert source_map and made.__kwdefaults__ == {"z": 2}
    offset = 5
    again, same_module, _ = rewritten.transform(add, None)
    assert same_module is module and again(10) == (10 + 1 + 2) - 5


class Values(type_inference.Resolver):
    def res_value(self, ns, value):
        return {type(value)}

    def res_arg(self, ns, types_ns, f_name, name, type_anno, f_is_local):
        return {float}

    def res_binop(self, ns, types_ns, node, left, right):
        return left | right


class Inferring(transpiler.GenericTranspiler):
    def transform_ast(self, node, ctx):
        node = activity.resolve(qual_names.resolve(node), ctx)
        graphs = cfg.build(node)
        node = reaching_definitions.resolve(node, ctx, graphs)
        node = reaching_fndefs.resolve(node, ctx, graphs)
        return type_inference.resolve(node, ctx, graphs, Values())


def test_types_flow_through_branches():
    def branching(a):
        if a:
            b = 1
        else:
            b = "text"
        c = a + b
        return c

    node, _ = Inferring().transform(branching, None)
    types = anno.getanno(node.body[-1].value, anno.Static.TYPES)
    assert set(types) == {float, int, str}


def test_library_functions_are_left_alone():
    assert conversion.is_allowlisted(gast.dump) is False
    assert conversion.is_allowlisted(numpy.sum)
    assert not conversion.is_allowlisted(test_types_flow_through_branches)
    assert conversion.is_unsupported(dict)
