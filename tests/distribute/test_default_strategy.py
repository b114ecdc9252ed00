"""The default strategy is made when something first asks for it."""

import subprocess
import sys


def test_a_process_that_imports_no_strategy_has_the_default_one():
    program = (
        "import sys; from penstock._src.distribute import context\n"
        "assert 'penstock._src.distribute.strategy' not in sys.modules\n"
        "strategy, replica = context.current()\n"
        "assert strategy.default_replica is replica and context.entered_strategy() is None\n"
        "import penstock as tf; assert tf.distribute.get_strategy() is strategy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
