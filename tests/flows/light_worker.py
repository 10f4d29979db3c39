"""In place of the desk's workers: a process that imports nothing and does what the file's name says."""

import os
import resource
import tempfile
import time


def work(pipe, memory_bytes):
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    pipe.send(("ready", None))
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        deed = job.paths[0].stem
        if deed in ("sleeps", "dies"):
            tempfile.mkdtemp()  # what is cut short deletes nothing
        if deed == "sleeps":
            time.sleep(60)
        if deed == "dies":
            os._exit(9)
        if deed == "naps":
            time.sleep(0.3)
        try:
            content = len(b"x" * memory_bytes) if deed == "grows" else os.getpid()
            pipe.send(("done", content))
        except MemoryError:
            pipe.send(("failed", "too much"))
