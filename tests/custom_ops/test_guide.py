"""docs/custom_ops.md: its module and its programs, as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "custom_ops.md").read_text()
BLOCKS = re.findall(r"```python\n(# (?:my_ops|try).*?)```", GUIDE, re.S)


def test_the_guide_runs(tmp_path):
    module = [block for block in BLOCKS if block.startswith("# my_ops.py")]
    programs = [block for block in BLOCKS if block.startswith("# try")]
    assert (len(module), len(programs)) == (3, 2)
    (tmp_path / "my_ops.py").write_text("\n".join(module))
    (tmp_path / "program.py").write_text("".join(programs))
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
