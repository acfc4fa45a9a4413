"""Who is timed: workers that wait for tasks, and programs that are started."""

import os
import pathlib
import shutil
import subprocess
import threading
import time


class Failure(Exception):
    """A contestant could not do its task."""


class Sampler:
    """The most anonymous memory that a process has while the block runs."""

    def __init__(self, pid):
        self.path = f"/proc/{pid}/status"
        self.first = self.most = self.now()
        self.running = True
        self.thread = threading.Thread(target=self.sample)

    def now(self):
        try:
            with open(self.path, "rb") as file:
                for line in file:
                    if line.startswith(b"RssAnon:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass
        return 0

    def sample(self):
        while self.running:
            self.most = max(self.most, self.now())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()


class Worker:
    """A process that answers each line with the seconds that it took."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line or line.startswith("error:"):
            raise Failure(f"{self.name}: {line or 'ended'}")
        return line

    def ask(self, *words):
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Task:
    """A worker's task as a contestant."""

    def __init__(self, name, worker, *words):
        self.name, self.worker, self.words = name, worker, words

    def seconds(self):
        return self.worker.ask(*self.words)

    def memory(self):
        """What the task adds to the worker's anonymous memory, at most."""
        self.worker.ask("trim")
        # A quick task is repeated, so that the sampler sees its peak.
        end = time.monotonic() + 0.3
        with Sampler(self.worker.process.pid) as sampler:
            self.seconds()
            while time.monotonic() < end:
                self.seconds()
        return sampler.most - sampler.first


class Program:
    """A program that is started anew each time."""

    def __init__(self, name, *commands, counts_cpu=False):
        self.name, self.commands, self.counts_cpu = name, commands, counts_cpu

    def run(self, watch=None):
        wall = cpu = 0.0
        for command in self.commands:
            start = time.perf_counter()
            pid = os.posix_spawnp(
                command[0],
                command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
                ],
            )
            if watch:
                watch(pid)
            _, status, usage = os.wait4(pid, 0)
            wall += time.perf_counter() - start
            cpu += usage.ru_utime + usage.ru_stime
            if status:
                raise Failure(f"{' '.join(command)}: status {status}")
        return cpu if self.counts_cpu else wall

    def seconds(self):
        return self.run()

    def memory(self):
        most = 0

        def watch(pid):
            nonlocal most
            # Until the process is gone, or has no memory any more.
            sampler = Sampler(pid)
            while True:
                now = sampler.now()
                most = max(most, now)
                try:
                    state = pathlib.Path(f"/proc/{pid}/stat").read_text()
                except OSError:
                    return
                if state.rpartition(")")[2].split()[0] == "Z":
                    return

        self.run(watch)
        return most


def remove(path):
    """Removes a file or folder that may be there."""
    path = pathlib.Path(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
