"""A private PostgreSQL server for tests, made from the machine's binaries and gone afterwards.

It listens on loopback only, on a free port, and asks for a password. The server refuses to run as
root, so a root test run starts it as the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "not a secret"
USER = "bot"
_START_SECONDS = 30


@dataclass(frozen=True)
class Cluster:
    """A running server."""

    port: int
    binaries: Path
    password: str = field(default=PASSWORD, repr=False)

    def url(self, database: str) -> str:
        """The address of one of its databases, without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> None:
        """Runs one statement as the owner."""
        command = [str(self.binaries / "psql"), "-qtA", "-v", "ON_ERROR_STOP=1", "-c", statement]
        subprocess.run(
            [*command, self.url(database)],
            check=True,
            capture_output=True,
            timeout=_START_SECONDS,
            env={**os.environ, "PGPASSWORD": PASSWORD},
        )


def find_binaries() -> Path | None:
    """The directory of the server's programs; None when this machine has none."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return installed[0].parent if installed else None


@contextmanager
def running_cluster(binaries: Path) -> Iterator[Cluster]:
    """Makes a server in a temporary directory, and stops and removes it afterwards."""
    with tempfile.TemporaryDirectory(prefix="dumptask-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        as_user = _server_user(home)
        password_file = home / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        state = home / "state"
        _initialise(binaries, state, password_file, as_user)
        port = _free_port()
        server = _start(binaries, state, port, as_user)
        try:
            cluster = Cluster(port, binaries)
            _wait_until_ready(cluster, server)
            yield cluster
        finally:
            # The server's immediate shutdown: nothing of it is needed any more.
            server.send_signal(signal.SIGQUIT)
            server.wait(_START_SECONDS)


def _server_user(home: Path) -> int | None:
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("postgres")
    os.chown(home, user.pw_uid, user.pw_gid)
    return user.pw_uid


def _run_as(user: int | None) -> list[str]:
    if user is None:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def _initialise(binaries: Path, state: Path, password_file: Path, user: int | None) -> None:
    options = ["--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password_file}"]
    options += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", f"--pgdata={state}"]
    subprocess.run(
        [*_run_as(user), str(binaries / "initdb"), *options],
        check=True,
        capture_output=True,
        timeout=60,
        cwd="/",
    )


def _start(binaries: Path, state: Path, port: int, user: int | None) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(state.parent),
        # The server dies with the tests; nothing of it need outlast a power cut.
        "fsync": "off",
        "max_connections": "60",
    }
    options = [f"-c{name}={value}" for name, value in settings.items()]
    with (state.parent / "log").open("wb") as log:
        return subprocess.Popen(
            [*_run_as(user), str(binaries / "postgres"), "-D", str(state), *options],
            stdout=log,
            stderr=log,
            cwd="/",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    ready = [str(cluster.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p"]
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run([*ready, str(cluster.port)], check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the PostgreSQL server for tests did not start")
        time.sleep(0.05)
