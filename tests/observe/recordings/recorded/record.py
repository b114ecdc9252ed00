"""Records the program's last run on TensorFlow, as a user does: python tests/observe/recordings/recorded/record.py, by TensorFlow's interpreter."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
RECORDER = HERE.parents[3] / "penstock/_src/bridge/cli/verify/operations_recorder.py"

if __name__ == "__main__":
    command = [sys.executable, str(RECORDER), "--last", "1", "tensorflow", "program.py"]
    sys.exit(subprocess.run(command, cwd=HERE).returncode)
