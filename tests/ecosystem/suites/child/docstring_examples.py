"""A plugin for pytest: makes a test of each statement of the Python examples in docstrings.

The fenced blocks of a docstring, then what follows its prompts (`>>>`), run in order, in one namespace that begins with the names
of their module. Lines that are no Python, such as results that are shown, are left out. The numbers of what a statement computes or assigns go into the
report, where they are compared with those that TensorFlow gives for the same seeds.
"""

import ast
import contextlib
import doctest
import importlib
import random
import re
import signal
import textwrap

import pytest

LIMIT = 30  # seconds for one statement
FENCE = re.compile(r"```[ ]*(?:python|Python|py)?[ ]*\n(.*?)```", re.DOTALL)
MOST = 64  # numbers of an array that are compared


def examples_of(source):
    """Yields (qualified name, line, statements) for each docstring that has Python code, in fences or after prompts.

    Example:
      >>> [(name, [ast.unparse(s) for s in statements]) for name, _, statements in examples_of(
      ...     'def f():\\n  \"\"\"Adds.\\n\\n  ```python\\n  x = 1\\n  ==> 1\\n  ```\\n  \"\"\"')]
      [('f', ['x = 1'])]
    """
    pending = [("", ast.parse(source))]
    while pending:
        prefix, node = pending.pop(0)
        text = (ast.get_docstring(node) or "") if hasattr(node, "body") else ""
        found = [s for block in FENCE.findall(text) for s in statements_of(textwrap.dedent(block))]
        found += prompted(text)
        if found:
            yield prefix or "<module>", getattr(node, "lineno", 1), found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                pending.append((f"{prefix}.{child.name}".lstrip("."), child))


def prompted(text):
    """The statements after the prompts of a docstring, which may be wrongly indented."""
    with contextlib.suppress(ValueError):
        examples = doctest.DocTestParser().get_examples(text)
        return [s for example in examples for s in statements_of(example.source)]
    return []


def statements_of(code):
    """The statements of a block, without the lines that are no Python."""
    lines = code.splitlines()
    while any(line.strip() for line in lines):
        try:
            return ast.parse("\n".join(lines)).body
        except SyntaxError as error:
            at = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
            while at and not lines[at].strip():
                at -= 1
            if not lines[at].strip():
                return []
            lines[at] = ""
    return []


def numbers_of(values):
    """The numbers among values: {name: [dtype, shape, first numbers]}."""
    import numpy as np
    import tensorflow as tf

    found = {}
    for name, value in values.items():
        if isinstance(value, tf.Variable) or (tf.is_tensor(value) and hasattr(value, "numpy")):
            value = value.numpy()
        if isinstance(value, float | int | np.ndarray | np.generic):
            array = np.asarray(value)
            if array.dtype.kind in "bif":
                first = array.ravel()[:MOST].astype(np.float64).tolist()
                found[name] = [array.dtype.name, list(array.shape), [repr(x) for x in first]]
    return found


def begin(module):
    """The namespace in which the examples of a module start, with the seeds set."""
    import numpy as np
    import tensorflow as tf

    tf.random.set_seed(7)
    np.random.seed(7)
    random.seed(7)
    return {
        **(names_of_probability() if module.startswith("tensorflow_probability") else {}),
        **dict(tfk=tf.keras, tfkl=tf.keras.layers, keras=tf.keras),
        **vars(importlib.import_module(module)),
        **dict(np=np, tf=tf, __name__="example"),
    }


def names_of_probability():
    """The names that TensorFlow Probability's examples use."""
    import tensorflow_probability as tfp

    return dict(
        **dict(tfd=tfp.distributions, tfb=tfp.bijectors, tfl=tfp.layers, tfpl=tfp.layers),
        **dict(tfp=tfp, tfm=tfp.math),
    )


class Statement(pytest.Item):
    """One statement of a docstring, after those before it."""

    def __init__(self, *, statement, line, module, namespace, **kwargs):
        super().__init__(**kwargs)
        self.statement, self.line = statement, line
        self.module, self.namespace = module, namespace

    def runtest(self):
        def late(*_):
            raise TimeoutError(f"a statement of an example took more than {LIMIT} s")

        signal.signal(signal.SIGALRM, late)
        signal.alarm(LIMIT)
        try:
            if not self.namespace:
                self.namespace.update(begin(self.module))
            values = self.run_statement()
        finally:
            signal.alarm(0)
        self.user_properties.append(("numbers", numbers_of(values)))

    def run_statement(self):
        """What the statement assigns, or what its expression is: {name: value}."""
        where, namespace = f"<{self.name}>", self.namespace
        if isinstance(self.statement, ast.Expr):
            code = compile(ast.Expression(self.statement.value), where, "eval")
            return {"value": eval(code, namespace)}
        exec(compile(ast.Module([self.statement], []), where, "exec"), namespace)
        names = {n.id for n in ast.walk(self.statement) if isinstance(n, ast.Name)}
        stored = isinstance(self.statement, ast.Assign | ast.AugAssign)
        return {name: namespace[name] for name in names if stored and name in namespace}

    def reportinfo(self):
        return self.path, self.line, self.name


class Module(pytest.File):
    """A source file."""

    def collect(self):
        module = ".".join(self.path.relative_to(self.config.rootpath).with_suffix("").parts)
        for name, line, statements in examples_of(self.path.read_text(encoding="utf-8")):
            shared = {}
            for index, statement in enumerate(statements):
                yield Statement.from_parent(
                    self,
                    name=f"{name}[{index}]",
                    statement=statement,
                    line=line,
                    module=module,
                    namespace=shared,
                )


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".py":
        return Module.from_parent(parent, path=file_path)
    return None
