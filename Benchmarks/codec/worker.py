"""Does in Python what bench-codec does; see run.py.

    python3 worker.py [--plain]

With --plain torch is not imported. A line of standard input is a task and its arguments, with tabs between them.
The answer is the seconds that it took, or `error:` and why. What a task makes
is released after the clock has stopped.
"""

import collections
import ctypes
import gc
import io
import pickle
import sys
import time
import warnings
import zlib

warnings.filterwarnings("ignore")
held = {}


class TrivialUnpickler(pickle.Unpickler):
    """The C unpickler; storages and tensors stay tuples."""

    def persistent_load(self, identity):
        return identity

    def find_class(self, module, name):
        if name == "OrderedDict":
            return collections.OrderedDict
        return (lambda *arguments: arguments) if name.startswith("_") else object


def timed(work):
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    del made
    return seconds


def load(path, **options):
    return timed(lambda: torch.load(path, **options))


def decode(path):
    if path not in held:
        with open(path, "rb") as file:
            held[path] = file.read()
    return timed(lambda: TrivialUnpickler(io.BytesIO(held[path])).load())


def load_safetensors(path):
    return timed(lambda: safetensors.torch.load_file(path))


def mnist(images, labels):
    return timed(lambda: (torch.load(images), torch.load(labels)))


def hold(name, path):
    held[name] = torch.load(path)
    return 0


def save(name, path):
    return timed(lambda: torch.save(held[name], path))


def convert(source, target):
    return timed(
        lambda: safetensors.torch.save_file(torch.load(source, mmap=True), target)
    )


def crc(path):
    """The CRC-32 of a whole file, as zipfile would compute it."""

    def work():
        total = 0
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                total = zlib.crc32(piece, total)
        return total

    return timed(work)


def make(path, count, size):
    """Writes `count` float32 tensors of `size` bytes each, not zeros."""
    torch.manual_seed(1)
    tensors = collections.OrderedDict(
        (f"layers.{i // 4}.block.conv{i % 4}.weight", torch.randn(int(size) // 4))
        for i in range(int(count))
    )
    torch.save(tensors, path)
    return 0


def make_mnist(images, labels):
    """Files of the training set's shapes; the values don't matter."""
    torch.save(torch.rand(60000, 1, 28, 28), images)
    torch.save(torch.randint(0, 10, (60000,)), labels)
    return 0


def to_safetensors(source, target):
    safetensors.torch.save_file(torch.load(source), target)
    return 0


def release(name):
    held.pop(name, None)
    return 0


def trim():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return 0


TASKS = {
    "load": load,
    "load-mmap": lambda path: load(path, mmap=True),
    "load-unsafe": lambda path: load(path, weights_only=False),
    "load-safetensors": load_safetensors,
    "decode": decode,
    "mnist": mnist,
    "hold": hold,
    "save": save,
    "convert": convert,
    "crc": crc,
    "make": make,
    "make-mnist": make_mnist,
    "to-safetensors": to_safetensors,
    "release": release,
    "trim": trim,
}

if __name__ == "__main__":
    if sys.argv[1:] == ["--plain"]:
        # Without torch's objects, which the garbage collector would visit.
        print(sys.version.split()[0], flush=True)
    else:
        import torch

        try:
            import safetensors.torch
        except ImportError:
            pass  # torch 1.13 is asked for nothing of it
        print(torch.__version__, flush=True)
    for line in sys.stdin:
        task, *arguments = line.rstrip("\n").split("\t")
        try:
            print(TASKS[task](*arguments), flush=True)
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            print("error:", text, flush=True)
