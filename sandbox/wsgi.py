"""The sandbox for a WSGI server with one worker process: `granian --interface wsgi sandbox.wsgi:app --host 127.0.0.1 --workers 1`.

One process, because idempotency keys in use and scripted faults live in its memory; several threads are welcome.
"""

from sandbox.app import create_sandbox
from sandbox.settings import Settings

app = create_sandbox(Settings.from_environment())
