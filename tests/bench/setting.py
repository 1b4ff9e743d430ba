"""What a contestant is told about the lap it is to run."""

from __future__ import annotations

from dataclasses import dataclass

PROJECT_ID = "0123456789abcdef0123456789abcdef"
CONNECTOR_ID = "8d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"
ACCESS_KEY = "AKEXAMPLE0BENCHONLY1"
SECRET_KEY = "made-up-secret-key-for-the-bench-only-01"


@dataclass(frozen=True, slots=True)
class Setting:
    """A lap: which server, how large the tasks are, for how long."""

    port: int
    size: int
    """Partitions of each task."""
    seconds: float
    """CPU time to measure over, at least."""
    uvloop: bool = False
    core: int | None = None
    profile: int = 0
    """How many of the costliest functions are printed; 0: no profile is made."""

    @property
    def tasks(self) -> int:
        """How many tasks are polled in a pass; fewer where each is large."""
        return 48 if self.size >= 200 else 128

    @property
    def endpoint(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.port}"

    def path(self, task_id: str) -> str:
        """The path and query of a query of a task."""
        task = f"connectors/{CONNECTOR_ID}/sink-tasks/{task_id}"
        return f"/v2/{PROJECT_ID}/{task}?topic-info=true"
