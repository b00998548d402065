from __future__ import annotations

import subprocess
import sys


def test_a_worker_that_reads_no_object_does_not_wait_for_obstore() -> None:
    program = "import sys, videojob_worker.pipeline; print('obstore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
