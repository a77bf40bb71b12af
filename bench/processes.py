"""Starting what is measured, and reading what it used, from /proc: user and system time of whole processes, children included."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


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
        process.wait(timeout=20)


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


def cpu_seconds(pids: set[int]) -> float:
    """User and system seconds that these processes have used so far."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += sum(int(fields[at]) for at in (11, 12, 13, 14))  # utime, stime, and those of ended children (proc_pid_stat(5))
    return total / _TICKS


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found and child not in found}:
        found |= more
    return found
