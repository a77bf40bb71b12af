"""`python -m sandbox`: the sandbox on `SANDBOX_PORT` of the loopback interface, without another server."""

from werkzeug.serving import run_simple

from sandbox.app import create_sandbox
from sandbox.serving import LOOPBACK, QuietHandler
from sandbox.settings import Settings

if __name__ == "__main__":
    settings = Settings.from_environment()
    run_simple(LOOPBACK, settings.port, create_sandbox(settings), threaded=True, request_handler=QuietHandler)
