"""What an extent decides by its remainder, its bits, a table or a comparison: shapes, indices, conditions, axes, seeds, lengths of draws."""

from tests.fuzz.programs.drawing import FLOATS, NUMBERS, Rejected
from tests.fuzz.programs.steps import step
from tests.fuzz.programs.steps.control import few, one, results, state, wrapped
from tests.fuzz.programs.steps.movement import ALL

MOST = 5  # numbers computed from extents are less


def extent(scope):
    """The text of an extent that samples differ in, or of a number of several of them."""

    def unknown(v):
        return None in v.static

    x = scope.pick(ALL, low=1, where=unknown)
    axes = [i for i, n in enumerate(x.static) if n is None]
    text = f"tf.shape({x})[{scope.choose(axes)}]"
    if scope.chance(0.3):
        y = scope.pick(ALL, low=1, where=unknown)
        other = f"tf.shape({y})[{scope.choose([i for i, n in enumerate(y.static) if n is None])}]"
        text = f"({text} {scope.choose(['+', '*', '-'])} {other})"
        if scope.chance(0.2):
            text = f"tf.size({x})"
    return text


def number(scope, k=MOST):
    """The text of a number from 0 on, less than k, that extents decide."""
    known = [
        v for v in scope.values if v.name in scope.drawing.numbers_of_extents and v.name[0] == "v"
    ]
    if known and scope.chance(0.3):
        return f"({scope.choose(known)} % {k})"
    n, m = extent(scope), extent(scope)
    table = [scope.int(0, k - 1) for _ in range(7)]
    text = scope.choose([
        f"{n} % {k}", f"{n} % {k}", f"-{n} % {k}", f"{n} * 7919 % {k}", f"{n} // 2 % {k}",
        f"tf.bitwise.bitwise_and({n}, 6) % {k}", f"tf.bitwise.bitwise_xor({n}, 5) % {k}",
        f"tf.bitwise.right_shift({n}, 1) % {k}", f"tf.gather({table}, {n} % 7)", f"tf.constant({table})[{n} % 7]",
        f"tf.where({n} % 3 > 1, {table[0]}, {table[1]})", f"tf.minimum(tf.abs({n}), {k - 1})",
        f"tf.cast({n} > {m}, tf.int32) * {k - 1}", f"tf.cast(tf.equal({n}, {m}), tf.int32) * {k - 1}",
        f"tf.reduce_max(tf.stack([{n} % {k}, {m} % 2]))", f"tf.abs({n} % {2 * k - 1} - {k - 1})",
        f"tf.cast(tf.argmax(tf.stack([{n} % 5, {m} % 3, 2])), tf.int32) % {k}", f"({n} * {m}) % {k}",
        f"tf.cast(tf.strings.length(tf.as_string({n})), tf.int32) % {k}", f"({n} - {m}) % {k}",
        f"tf.abs(1 - {n}) % {k}", f"tf.maximum({n} - 64, 0) % {k}", f"tf.bitwise.left_shift({n}, 1) % {k}",
        f"tf.maximum({k - 1} - {n}, 0)", f"tf.strings.length(tf.as_string({n} - 20)) % {k}",
    ])  # fmt: skip
    if scope.chance(scope.drawing.named_numbers):
        made = scope.add(f"({text})")[0]
        scope.drawing.numbers_of_extents.add(made.name)
        return str(made)
    return f"({text})"


def at_axis(x, axis, text, rest=":"):
    """An index of all axes of a value, with a text for one of them."""
    return f"{x}[{', '.join(text if i == axis else rest for i in range(x.rank))}]"


def widths(x, axis, before, after):
    """What an axis is padded by."""
    return (
        "["
        + ", ".join(f"[{before}, {after}]" if i == axis else "[0, 0]" for i in range(x.rank))
        + "]"
    )


@step(1.5)
def cut_by_extent(scope):
    x = scope.pick(ALL, low=1, high=4)
    axis = scope.int(0, x.rank - 1)
    n = f"tf.shape({x})[{axis}]"
    text = scope.choose([
        f"{number(scope)}:", f":{number(scope)} + 1", f":{number(scope)}", f":-({number(scope)} + 1)",
        f"::{number(scope)} + 1", f":{n} // 2", f"{n} - {n} // 2:", f"{number(scope)}:{n}:2", f"-{number(scope)} - 1:",
        f":{extent(scope)}", f"{number(scope)} % tf.maximum({n}, 1):", f"::-({number(scope)} + 1)",
    ])  # fmt: skip
    scope.add(at_axis(x, axis, text))


@step(2.5)
def at_the_edge(scope):
    """Cut, filled up or chosen at a number that is an extent of a sample, or one off: where answers about extents change."""
    x = scope.pick(ALL, low=1, high=4, where=lambda v: None in v.static)
    axis = scope.choose([i for i, n in enumerate(x.static) if n is None])
    n = f"tf.shape({x})[{axis}]"
    k = max(0, scope.choose([s[axis] for s in x.shapes]) + scope.int(-1, 1))
    text = scope.choose([
        at_axis(x, axis, f":{k}"), at_axis(x, axis, f"{k}:"), at_axis(x, axis, f"-{k + 1}:"), at_axis(x, axis, f":-{k + 1}"),
        at_axis(x, axis, f":tf.minimum({n}, {k})"), at_axis(x, axis, f"tf.maximum({n} - {k}, 0):"), f"tf.maximum({n}, {k})",
        f"tf.pad({x}, {widths(x, axis, 0, f'tf.maximum({k} - {n}, 0)')})", f"tf.cond({n} > {k}, lambda: {x}, lambda: tf.roll({x}, 1, {axis}))",
        f"tf.cond(tf.equal({n}, {k}), lambda: {x}, lambda: tf.reverse({x}, [{axis}]))", f"tf.range(tf.abs({n} - {k}))",
        f"tf.concat([{x}, {at_axis(x, axis, f'{k}:')}], {axis})",
    ])  # fmt: skip
    scope.add(text)


@step(1.0)
def beside_another(scope):
    """Two values whose extents are equal in some samples: joined, or chosen by how they compare."""
    x = scope.pick(NUMBERS, low=1, high=3, where=lambda v: None in v.static)
    y = scope.pick((x.dtype,), low=1, high=3, where=lambda v: None in v.static)
    a, b = (scope.choose([i for i, n in enumerate(v.static) if n is None]) for v in (x, y))
    n, m = f"tf.shape({x})[{a}]", f"tf.shape({y})[{b}]"
    rows = [f"tf.reduce_max(tf.reshape(tf.transpose({v}, {[i] + [j for j in range(v.rank) if j != i]}), [{k}, -1]), 1)" if v.rank > 1 else str(v)
            for v, i, k in ((x, a, n), (y, b, m))]  # fmt: skip
    if x.dtype.startswith("complex") or scope.chance(0.5):
        rows = [f"draws({i}, [200], {x.dtype!r})[:{k}]" for i, k in enumerate((n, m))]
    shorter = f"tf.minimum({n}, {m})"
    text = scope.choose([
        "{p}[:{k}] + {q}[:{k}]", "tf.concat([{p}, {q}], 0)", "tf.cond(tf.equal({n}, {m}), lambda: {p}[:{k}] * 2, lambda: {q}[:{k}])",
        "tf.cond({n} > {m}, lambda: {p}[{m}:], lambda: {q}[{n}:])", "tf.expand_dims({p}, 1) * {q}", "tf.pad({p}, [[0, tf.maximum({m} - {n}, 0)]])",
        "tf.reshape(tf.tile({p}, [{m}]), [{m}, {n}])", "tf.range({n} * {m}) // {m}", "tf.range({n} * {m}) % tf.maximum({n}, 1)",
        "tf.zeros([({n} + {m}) // 2, {n} * {m} % 7])", "{p}[:{n} // 2 + {m} // 2]",
    ])  # fmt: skip
    scope.add(text.format(p=rows[0], q=rows[1], n=n, m=m, k=shorter))


@step(0.7)
def indexed_by_extent(scope):
    x = scope.pick(ALL, low=1, high=4)
    axis = scope.int(0, x.rank - 1)
    n = x.length(axis)
    text = scope.choose([
        "tf.gather({x}, tf.range({n}) * 3 % tf.maximum({n}, 1), axis={axis})",
        "tf.gather({x}, (tf.range({n}) + {k}) % tf.maximum({n}, 1), axis={axis})",
        "tf.gather({x}, {k} % {n}, axis={axis})", "{at}", "tf.gather({x}, [0, {k}] % {n}, axis={axis})",
    ])  # fmt: skip
    k = number(scope)
    scope.add(text.format(x=x, n=n, k=k, axis=axis, at=at_axis(x, axis, f"{k} % {n}")))


@step(1.5)
def padded_by_extent(scope):
    """To a multiple, at either end, and perhaps cut into blocks of it."""
    x = scope.pick(low=1, high=4)
    axis, k = scope.int(0, x.rank - 1), scope.int(2, 8)
    missing = scope.choose(
        [f"-tf.shape({x})[{axis}] % {k}", f"-tf.shape({x})[{axis}] % {k}", number(scope)]
    )
    at = (missing, 0) if scope.chance(0.4) else (0, missing)
    mode = scope.choose(["CONSTANT", "CONSTANT", "CONSTANT", "REFLECT", "SYMMETRIC"])
    made = scope.add(f"tf.pad({x}, {widths(x, axis, *at)}, {mode!r})")[0]
    if "-tf" in missing and scope.chance(0.5):
        lengths = [x.length(i) for i in range(x.rank)]
        lengths[axis : axis + 1] = ["-1", str(k)]
        blocks = scope.add(f"tf.reshape({made}, [{', '.join(lengths)}])")[0]
        if blocks.dtype in FLOATS and scope.chance(0.5):
            scope.add(f"tf.reduce_sum({blocks}, {axis + 1})")


@step(1.0)
def moved_by_extent(scope):
    x = scope.pick(low=1, high=4)
    axis, k = scope.int(0, x.rank - 1), number(scope)
    text = scope.choose([
        "tf.roll({x}, {k}, {axis})", "tf.roll({x}, -{k}, {axis})", "tf.reverse({x}, [{k} % {rank}])",
        "tf.repeat({x}, {k}, axis={axis})", "tf.repeat({x}, {k} + 1, axis={axis})", "tf.concat([{x}, {x}], {k} % {rank})",
        "tf.tile({x}, tf.one_hot({axis}, {rank}, {k} + 1, 1))", "tf.expand_dims({x}, {k} % {rank})",
        "tf.transpose({x}, (tf.range({rank}) + {k}) % {rank})",
    ])  # fmt: skip
    scope.add(text.format(x=x, k=k, axis=axis, rank=x.rank))


@step(1.0)
def reduced_by_extent(scope):
    """Along an axis that an extent decides."""
    x = scope.pick((*FLOATS, "int32", "int64"), low=1, high=4)
    name = scope.choose(
        ["reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "cumsum", "argmax"]
    )
    keep = "" if name in ("cumsum", "argmax") else ", keepdims=True"
    scope.add(f"tf.{name}({x}, {number(scope)} % {x.rank}{keep})")


@step(1.0)
def reshaped_by_extent(scope):
    x = scope.pick(ALL, low=1, high=4)
    n = extent(scope)
    text = scope.choose([
        "tf.reshape(tf.range(60), [{k} + 1, -1])", "tf.reshape({x}, [-1, tf.shape({x})[0]])",
        "tf.reshape({x}, [{n}, -1])", "tf.reshape({x}, [-1, {k} + 1])", "tf.reshape(tf.range({n} * 6), [2, {n}, 3])",
        "tf.reshape(tf.transpose(tf.reshape({x}[:tf.shape({x})[0] // 2 * 2], [2, tf.shape({x})[0] // 2, -1]), [1, 0, 2]), [-1])",
    ])  # fmt: skip
    scope.add(text.format(x=x, n=n, k=number(scope)))


@step(1.0)
def made_of_extent(scope):
    """New values whose lengths or elements an extent decides."""
    k = number(scope)
    text = scope.choose([
        "tf.range({k})", "tf.range(0, 20, {k} + 1)", "tf.range({k}, 20)", "tf.linspace(0.0, 1.0, {k} + 1)",
        "tf.one_hot({k}, 5)", "tf.one_hot([0, 2], {k} + 1)", "tf.eye({k} + 1, {j} + 2)", "tf.fill([{k}, 3], 2.0)",
        "tf.sequence_mask([1, 3, {k}], {j} + 1)", "tf.linalg.diag([1.0, 2.0, 3.0], k={k})", "tf.range(8) < {k} * 2",
        "tf.linalg.diag_part(tf.reshape(tf.range(36), [6, 6]), k={k})", "tf.zeros([{k}, {n} % 4])", "tf.range({n}) % ({k} + 1)",
        "tf.scatter_nd([[{k}]], [5.0], [5])", "tf.math.bincount(tf.range({n}) % 5, minlength={k} + 1, maxlength={k} + 1)",
        "tf.linalg.band_part(tf.reshape(tf.range(25), [5, 5]), {k}, {j})", "tf.cast({k}, tf.float32) * tf.ones([3])",
        "draws(7, [5, 3], 'float32')[{k}]", "tf.gather(draws(8, [5, 2], 'float32'), [{k}, 0, {j}])",
        "tf.image.resize(draws(9, [1, 4, 5, 2], 'float32'), [{k} + 2, {j} + 1])", "tf.where(tf.range(6) < {k}, 1.5, 0.0)",
        "tf.image.crop_to_bounding_box(draws(3, [1, 6, 6, 1], 'float32'), {k} % 3, {j} % 2, 3, 3)", "tf.unique([{k}, 0, {j}, 1])[0]",
        "tf.image.rot90(draws(4, [1, 3, 5, 1], 'float32'), k={k} % 4)", "tf.nn.embedding_lookup(draws(8, [5, 2], 'float32'), [{k}, 1])",
        "tf.sort(tf.stack([{k}, 2, {j}]))", "tf.unravel_index({k} + {j} * 5, [5, 5])", "tf.cast({n} * 37, tf.int8)",
    ])  # fmt: skip
    scope.add(text.format(k=k, j=number(scope), n=extent(scope)))


@step(1.0)
def drawn_by_extent(scope):
    """Numbers that are drawn: as many, or of a seed, as an extent decides; or by a generator whose state goes on."""
    k = number(scope)
    if scope.depth == 0 and scope.chance(0.5):
        samples = [[3]] * scope.drawing.samples
        state_of = scope.parameter(samples, "int64", (3,), prefix="x")
        generator = f"tf.random.Generator(state={state_of}, alg='philox')"
        for _ in range(scope.int(1, 3)):
            shape = scope.choose(
                [
                    f"[{k} * 3]",
                    f"[{extent(scope)} % 9, 3]",
                    f"[{k}, {number(scope)}]",
                    f"[{extent(scope)}]",
                ]
            )
            scope.add(
                f"{generator}.{scope.choose(['normal', 'uniform', 'truncated_normal'])}({shape})"
            )
        return
    text = scope.choose([
        "tf.random.stateless_uniform([{k} * 2, 3], [{j}, 7])", "tf.random.stateless_normal([3], [{k}, {j}])",
        "tf.random.stateless_uniform([8], [1, 2], 0, {k} + 1, tf.int32)", "tf.random.stateless_uniform([{n}], [{k}, 1])",
        "tf.nn.experimental.stateless_dropout(tf.ones([16]), 0.5, [{k}, 3])", "tf.random.experimental.stateless_shuffle(tf.range({n}), [{k}, 3])",
    ])  # fmt: skip
    scope.add(text.format(k=k, j=number(scope), n=extent(scope)))


@step(0.8)
def grouped_by_extent(scope):
    x = scope.pick(("float32", "float64", "int32"), low=1, high=3)
    n, k = x.length(0), number(scope)
    text = scope.choose([
        "tf.math.unsorted_segment_sum({x}, tf.range({n}) % ({k} + 1), {k} + 2)", "tf.math.segment_max({x}, tf.range({n}) // 2)",
        "tf.math.segment_sum({x}, tf.range({n}) // ({k} + 1))", "tf.math.unsorted_segment_max({x}, tf.range({n}) * {k} % 3, 3)",
        "tf.signal.frame({x}, 4, {k} + 1, axis=0, pad_end=True)", "tf.signal.frame({x}, {k} + 1, 2, axis=0)",
        "tf.space_to_batch(tf.expand_dims({x}, 0), [4], [[0, -{n} % 4]])", "tf.math.top_k({x}, {k} + 1)[0]",
        "tf.tensor_scatter_nd_update({x}, [[{k} % {n}]], {x}[:1])", "tf.split({x}, [{k} % ({n} + 1), {n} - {k} % ({n} + 1)])[1]",
        "tf.sort({x}, 0)[({n} - 1) // 2]", "tf.dynamic_partition({x}, tf.range({n}) % 3, 3)[1]",
    ])  # fmt: skip
    scope.add(text.format(x=x, n=n, k=k))


@step(1.0)
def chosen_by_extent(scope):
    """A branch of a condition or of several."""
    wanted = state(scope, scope.int(1, 2))
    count = scope.int(2, 3)
    which = number(scope, count)
    blocks = tuple(
        scope.block((), [], scope.int(1, few(scope)), results(wanted)) for _ in range(count)
    )
    functions = ", ".join(f"{{{i}}}" for i in range(count))
    text = f"tf.switch_case({which}, [{functions}])"
    if count == 2 and scope.chance(0.7):
        text = f"tf.cond({which} > 0, {{0}}, {{1}})"
    scope.add(one(text, wanted), len(wanted), blocks=wrapped(blocks))


@step(1.5)
def repeated_where_one(scope):
    """Rows that a sum, or a broadcast, repeats in calls in which there is one."""
    x = scope.pick(NUMBERS, low=1, high=3, where=lambda v: v.extent(0) != 0)
    n = scope.add(f"tf.maximum({number(scope)}, 1)")[0]
    rows = f"tf.gather({x}, tf.zeros([{n}], tf.int32))"
    wanted = f"tf.where(tf.equal({n}, 1), {scope.int(2, 4)}, {n})"
    rest = "".join(f", tf.shape({x})[{axis}]" for axis in range(1, x.rank))
    text = scope.choose([
        f"tf.broadcast_to({rows}, tf.stack([{wanted}{rest}]))",
        f"{rows} + tf.zeros(tf.stack([{wanted}{rest}]), {rows}.dtype)",
        f"{rows} * tf.ones(tf.stack([{wanted}{rest}]), {rows}.dtype)",
    ])  # fmt: skip
    if x.dtype in FLOATS and x.rank > 1 and scope.chance(0.6):
        way = scope.choose(["transpose_a", "transpose_b"])
        text = f"(lambda b: tf.matmul(b, b, {way}=True))({text})"
    scope.add(text, sums=True)


@step(0.7)
def repeated_by_extent(scope):
    """A loop as often as an extent decides."""
    x = scope.pick(("float32", "float64", "int32"), high=3, where=lambda v: v.size <= 3000)
    k = number(scope)
    body = scope.choose(
        ["a + 1", "tf.roll(a, 1, 0)", "a - tf.cast(i, a.dtype)", "a * tf.cast(i % 2, a.dtype)"]
    )
    if "roll" in body and not x.rank:
        raise Rejected
    text = scope.choose([
        f"tf.while_loop(lambda i, a: i < {k}, lambda i, a: (i + 1, {body}), [0, {x}])[1]",
        f"tf.while_loop(lambda i, a: i < 9, lambda i, a: (i + 1, {body}), [0, {x}], maximum_iterations={k})[1]",
        f"growing(lambda a: a + 1, tf.identity({x}), {k} + 1)",
    ])  # fmt: skip
    scope.add(text)


@step(0.8)
def scaled_by_extent(scope):
    """Elements, by numbers of extents: powers, quotients, comparisons."""
    x = scope.pick(NUMBERS, high=4)
    k = number(scope)
    text = scope.choose([
        "{x} * tf.cast({k}, {x}.dtype)", "{x} + tf.cast({n} % 3, {x}.dtype)", "{x} * tf.cast(2 ** {k}, {x}.dtype)",
        "{x} - tf.cast(tf.math.floormod({n}, 2) * 2 - 1, {x}.dtype)", "tf.where({k} > 1, {x}, -{x})",
        "{x} / tf.cast({k} + 1, {x}.dtype)", "{x} * tf.cast(tf.sign({k} - 2), {x}.dtype)",
    ])  # fmt: skip
    scope.add(text.format(x=x, k=k, n=extent(scope)))


@step(0.7)
def crossed(scope):
    """Values of two unknown extents, each element of one with each of the other."""

    def fits(v):
        return 1 <= v.rank <= 2 and v.size <= 400

    x = scope.pick(("float32", "float64"), where=fits)
    y = scope.pick((x.dtype,), where=fits)
    text = scope.choose([
        "tf.tensordot({x}, {y}, 0)", "tf.expand_dims(tf.reshape({x}, [-1]), 1) - tf.reshape({y}, [-1])",
        "tf.concat([tf.reshape({x}, [-1]), tf.reshape({y}, [-1])], 0)",
        "tf.reshape({x}, [-1])[:tf.minimum(tf.size({x}), tf.size({y}))] * tf.reshape({y}, [-1])[:tf.minimum(tf.size({x}), tf.size({y}))]",
    ])  # fmt: skip
    scope.add(text.format(x=x, y=y))
