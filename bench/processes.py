"""Starting what is measured, and reading what it used, from /proc: user and system time of whole processes, ended children included."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME, _CUTIME, _CSTIME, _PARENT = 11, 12, 13, 14, 1  # fields of /proc/<pid>/stat behind the command's name (proc_pid_stat(5))


def free_port() -> int:
    """A port on the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def flask(*words: str, environ: Mapping[str, str]) -> None:
    """Run a command of the shop's."""
    subprocess.run([sys.executable, "-m", "flask", *words], cwd=ROOT, env=dict(environ), check=True, stdout=subprocess.DEVNULL)


@contextmanager
def granian(target: str, port: int, environ: Mapping[str, str], *, ready: str = "/") -> Iterator[int]:
    """Serve `target` as the Procfile does, with one worker; the process's id, once it answers."""
    command = [str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", target, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(environ))
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)  # nothing to wait on but the port
    raise RuntimeError(f"{url} did not answer within 30 s")


# ── Processor time ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Meters:
    """What the shop's processes and the database's have used so far, in seconds."""

    shop: Callable[[], float]
    database: Callable[[], float]

    def read(self) -> tuple[float, float]:
        """Both: shop, database."""
        return self.shop(), self.database()


def meter(pid: int | None) -> Callable[[], float]:
    """Reads the user and system seconds of a process and all that descend from it, those that have ended included. None: of nobody."""
    return (lambda: sum(_seconds(member) for member in family(pid))) if pid is not None else (lambda: 0.0)


def _seconds(pid: int) -> float:
    fields = _stat(pid)
    return sum(int(fields[at]) for at in (_UTIME, _STIME, _CUTIME, _CSTIME)) / _TICKS if fields else 0.0


def family(pid: int) -> set[int]:
    """A process and all that descend from it, at this moment."""
    parents = {int(path.name): int(fields[_PARENT]) for path in Path("/proc").glob("[0-9]*") if (fields := _stat(int(path.name)))}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found and child not in found}:
        found |= more
    return found


def parent_of(pid: int) -> int:
    """Who started a process."""
    return int(_stat(pid)[_PARENT])


def _stat(pid: int) -> list[str]:
    """The fields of a process's `stat` behind its name; none when it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
