"""A real master with its replica, and three Sentinels that watch over them: on loopback, in memory only."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.ports import free_port

NAME = "videojob"
START_S = 90.0
"""By when servers and Sentinels have found each other, and by when they have failed over, on a busy machine."""
DOWN_MS = 1500
"""After so long without an answer a Sentinel holds a server for down."""


@dataclass(frozen=True)
class Guard:
    """What keeps others out."""

    sentinel_password: str = ""
    certificate: tuple[Path, Path, Path] | None = None
    """Certificate, key and authority, for TLS alone."""

    def options(self, port: int) -> list[str]:
        """Return how a server or Sentinel is to listen."""
        if self.certificate is None:
            return ["--port", str(port)]
        names = ("--tls-cert-file", "--tls-key-file", "--tls-ca-cert-file")
        files = [word for pair in zip(names, map(str, self.certificate), strict=True) for word in pair]
        return ["--port", "0", "--tls-port", str(port), "--tls-replication", "yes", "--tls-auth-clients", "no", *files]

    def client(self, port: int, password: str = "") -> redis.Redis:
        """Return a client of a server or a Sentinel."""
        tls: dict[str, Any] = {"ssl": True, "ssl_ca_certs": self.certificate[2]} if self.certificate else {}
        return redis.Redis(
            port=port,
            host="127.0.0.1",
            password=password or None,
            decode_responses=True,
            protocol=2,
            driver_info=None,
            socket_timeout=2,
            **tls,
        )


NONE = Guard()


class RedisSentinels:
    """Starts, ends and freezes the servers and their Sentinels, each by its port."""

    def __init__(self, folder: Path, options: tuple[str, ...], guard: Guard) -> None:
        self._folder, self._options, self._guard = folder, options, guard
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.servers: list[int] = []
        """The first is the master to begin with."""
        self.sentinels: list[int] = []

    @property
    def url(self) -> str:
        """As programs are given it."""
        scheme = "rediss" if self._guard.certificate else "redis"
        return f"{scheme}+sentinel://{','.join(f'127.0.0.1:{port}' for port in self.sentinels)}/{NAME}/0"

    def start(self) -> None:
        """Start all, and wait until a failover could begin."""
        for _ in range(2):
            self.servers.append(free_port())
            self.start_server(self.servers[-1])
        for _ in range(3):
            self.sentinels.append(free_port())
            self.start_sentinel(self.sentinels[-1])
        for each in self.sentinels:
            self._until(f"Sentinel {each} knows all", lambda port=each: self._knows_all(port))

    def start_server(self, port: int) -> None:
        """Start a server, which is empty: a replica of the first, or that as the master."""
        follow = ["--replicaof", f"127.0.0.1 {self.servers[0]}"] if port != self.servers[0] else []
        self._start(port, "--save", "", "--repl-diskless-sync-delay", "0", *follow, *self._options)

    def start_sentinel(self, port: int) -> None:
        """Start a Sentinel, anew or with what it wrote down."""
        file, password = self._folder / f"sentinel-{port}.conf", self._guard.sentinel_password
        if not file.exists():
            file.write_text(
                f"sentinel monitor {NAME} 127.0.0.1 {self.servers[0]} 2\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_MS}\n"
                f"sentinel failover-timeout {NAME} 5000\n"
                + (f"requirepass {password}\nsentinel sentinel-pass {password}\n" if password else "")
            )
        self._start(port, sentinel=file)

    def kill(self, port: int) -> None:
        """End a process as the loss of its machine does."""
        process = self._processes.pop(port)
        process.kill()
        process.wait(timeout=10)

    @contextmanager
    def frozen(self, *ports: int) -> Iterator[None]:
        """Have processes neither answer nor refuse."""
        processes = [self._processes[port] for port in ports]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all."""
        for port in list(self._processes):
            self.kill(port)

    def server(self, port: int) -> redis.Redis:
        """Return a client of one server, whatever it is."""
        return self._guard.client(port)

    @property
    def master(self) -> int:
        """The port of the master by the newest configuration of the Sentinels that answer."""
        said = [state for port in self.sentinels if port in self._processes if (state := self._state(port))]
        return int(max(said, key=lambda state: int(state["config-epoch"]))["port"])

    def fail_over(self) -> int:
        """Have the Sentinels make the replica the master, without need; returns its port when they have."""
        before = self.master
        with self._sentinel(self.sentinels[0]) as sentinel:
            self._until("a replica can follow", lambda: sentinel.sentinel_failover(NAME))
        return self.wait_for_another_master(before)

    def wait_for_another_master(self, than: int) -> int:
        """Wait until all Sentinels name another master, and it takes itself for one; return its port."""

        def found() -> int | None:
            named = {int(state["port"]) for port in self.sentinels if (state := self._state(port))}
            master = named.pop()
            return master if not named and master != than and self._role(master)[0] == "master" else None

        return int(self._until(f"there is another master than {than}", found))

    def wait_until_demoted(self, port: int) -> None:
        """Wait until a server is a replica, and follows its master."""
        self._until(f"{port} is a replica", lambda: self._role(port)[::3] == ["slave", "connected"])

    def cut_off(self, replica: int) -> None:
        """End a replica's replication, while it is left as good a successor as before; for a minute at most."""
        for port in self.sentinels:
            with self._sentinel(port) as sentinel:
                # Whose replication has been down for ten times as long is no successor.
                sentinel.execute_command("SENTINEL", "SET", NAME, "down-after-milliseconds", 6000)
        with self.server(replica) as server:
            server.config_set("masterauth", "a password that the master does not know")
            server.client_kill_filter(_type="master")
            self._until("it is cut off", lambda: server.info("replication")["master_link_status"] == "down")

    def _role(self, port: int) -> list[Any]:
        with self.server(port) as server:
            return list(server.execute_command("ROLE"))

    def _sentinel(self, port: int) -> redis.Redis:
        return self._guard.client(port, self._guard.sentinel_password)

    def _knows_all(self, port: int) -> bool:
        state = self._state(port)
        return (state.get("num-slaves"), state.get("num-other-sentinels")) == ("1", "2")

    def _state(self, port: int) -> dict[str, str]:
        with suppress(redis.RedisError, OSError), self._sentinel(port) as sentinel:
            words = sentinel.execute_command("SENTINEL", "MASTER", NAME)
            return dict(zip(words[::2], words[1::2], strict=True))
        return {}

    def _start(self, port: int, *options: str, sentinel: Path | None = None) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is not on PATH: apt-get install redis-server")
        log, of = self._folder / f"{port}.log", [str(sentinel), "--sentinel"] if sentinel else []
        listen = [*self._guard.options(port), "--bind", "127.0.0.1"]
        command = [program, *of, *listen, "--dir", str(self._folder), "--logfile", str(log), *options]
        self._processes[port] = process = subprocess.Popen(command)

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"redis-server did not start: {log.read_text()}")
            with self._guard.client(port) as server, suppress(redis.AuthenticationError):
                server.ping()
            return True

        self._until(f"{port} answers", answers)

    def _until(self, what: str, holds: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(redis.RedisError, OSError, KeyError):
                if found := holds():
                    return found
            time.sleep(0.05)
        logs = "\n".join(f"{file.name}: {file.read_text()[-2000:]}" for file in sorted(self._folder.glob("*.log")))
        raise AssertionError(f"not within {START_S:.0f} s: {what}\n{logs}")


@contextmanager
def redis_sentinels(*options: str, guard: Guard = NONE) -> Iterator[RedisSentinels]:
    """Run a master, a replica, both with more options, and three Sentinels."""
    with tempfile.TemporaryDirectory(prefix="videojob-sentinels-") as folder:
        made = RedisSentinels(Path(folder), options, guard)
        try:
            made.start()
            yield made
        finally:
            made.stop()
