"""Where sums over processes stand among kernels."""

from penstock._src.compiler.fusion.schedule import schedule_function
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import SpecialKernel
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.core import dtypes
from penstock._src.ir.function import ExchangeUnit

UNIT = ExchangeUnit((0,) * 16, "Add", lambda rows: None)
NAMES = {"exchange_start": "start", "exchange_wait": "wait"}


def order(p, parameters, results):
    """The kernels of a function, by a word each."""
    found = []
    for kernel in schedule_function(p.function("f", parameters, results)).kernels:
        if isinstance(kernel, SpecialKernel):
            found.append(NAMES[kernel.node.kind])
        else:
            found.append("product" if isinstance(kernel, ContractKernel) else "nest")
    return " ".join(found)


def parameters(p):
    return [p.parameter(i, (32, 32), dtypes.float32) for i in range(2)]


def test_an_exchange_begins_when_its_pack_is_there_and_ends_where_it_is_read():
    p = LoweringContext()
    x, w = parameters(p)
    products = [p.matmul(x, w)]
    for _ in range(3):
        products.append(p.matmul(products[-1], w))
    flat = [p.reshape(one, (32 * 32,)) for one in products]
    packs = [p.concat(flat[:2], 0), flat[2]]
    first, second = p.exchange(packs, UNIT, 2)
    results = [p.exp(first), p.exp(second), products[3]]
    # The nest joins two products to a pack.
    assert (
        order(p, [x, w], results)
        == "product product nest start product start product wait nest wait nest"
    )


def test_an_exchange_that_is_needed_at_once_is_waited_for_at_once():
    p = LoweringContext()
    x, w = parameters(p)
    (mean,) = p.exchange([p.matmul(x, w)], UNIT, 2)
    (again,) = p.exchange([p.matmul(mean, w)], UNIT, 2)
    assert order(p, [x, w], [again]) == "product start wait product start wait"
    assert [wait.attrs["number"] for wait in p.exchanges] == [0, 2]


def test_an_exchange_that_nobody_reads_is_made():
    p = LoweringContext()
    x, w = parameters(p)
    p.exchange([p.matmul(x, w)], UNIT, 2)
    assert order(p, [x, w], [p.matmul(w, x)]) == "product start product wait"
