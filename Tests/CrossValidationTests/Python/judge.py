"""What the embedded interpreter starts with.

`run` is called for each snippet of a test; the other names are there for the
snippets to use.
"""

import importlib.util
import json
import sys
import traceback
import warnings

import numpy
import torch

warnings.filterwarnings("ignore")
# The tests run side by side: each torch call stays on its own thread.
torch.set_num_threads(1)

FIXTURES = None


def start(fixtures):
    """Makes the helpers beside the fixtures importable."""
    global FIXTURES
    FIXTURES = fixtures
    sys.dont_write_bytecode = True
    sys.path.insert(0, fixtures)


def run(code, arguments):
    """Runs a snippet and gives back what it leaves in `result`.

    Bytes come back as they are, anything else as JSON. The first part of the
    pair is False where the snippet raised; the second is the traceback then.
    """
    names = {"torch": torch, "numpy": numpy, "json": json}
    for tool in (load, network, description, differences, cases):
        names[tool.__name__] = tool
    names.update(arguments)
    try:
        exec(compile(code, "<snippet>", "exec"), names)
        value = names.get("result")
        if isinstance(value, (bytes, bytearray)):
            return True, bytes(value)
        return True, json.dumps(value)
    except BaseException:
        return False, traceback.format_exc()


def load(path, **options):
    """torch.load that takes any object, in every version of torch."""
    options.setdefault("weights_only", False)
    return torch.load(path, **options)


def network():
    """The course's network, in the words of the fixtures' script."""
    spec = importlib.util.spec_from_file_location(
        "mnist_make", f"{FIXTURES}/mnist/make.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.network()


def description(path):
    """What torch finds in a file, as the fixtures' manifests tell it."""
    from describe import describe

    entry = {"file": path, "format": "pytorch-zip"}
    return {**entry, **describe(load(path))}


def differences(first, second):
    """What tells the objects of two files apart."""
    from compare import differences

    return differences(load(first), load(second))


def cases():
    """Names and makers of the objects that the fixtures hold."""
    import make_torch

    found = dict(make_torch.STRUCTURES)
    for name in make_torch.PLAIN + make_torch.QUANTIZED + make_torch.RAW:
        found[f"dtype_{name}"] = lambda name=name: make_torch.of_dtype(name)
    return found
