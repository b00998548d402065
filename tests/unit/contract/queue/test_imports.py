import subprocess
import sys


def test_a_worker_registers_without_importing_the_models() -> None:
    """Importing pydantic and the models takes about as long as starting Python: it comes after the registration."""
    program = "import videojob_contract.queue.worker, videojob_contract.queue.connection, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert "videojob_contract.queue.worker" in modules
    assert not {"pydantic", "videojob_contract.assignment"} & set(modules)
