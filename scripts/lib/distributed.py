"""Lets torch.distributed.checkpoint and torch.load judge folders and shards."""

import json
import tempfile

import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

import make_torch
from compare import differences as object_differences


def loaded(folder):
    """The nested dict in a folder, by torch, in this one process."""
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        dcp_to_torch_save(str(folder), file.name)
        return make_torch.load(file.name)


def differences(folder, original):
    """Compares a folder with the one that torch would write."""
    try:
        found = loaded(folder)
    except Exception as error:
        return [f"torch can't load it: {str(error)[:200]}"]
    expected = original
    if isinstance(original, torch.nn.Module):
        expected = original.state_dict()
    elif not isinstance(original, dict):
        expected = {"data": original}
    with tempfile.TemporaryDirectory() as theirs:
        try:
            dcp.save(expected, checkpoint_id=theirs, no_dist=True)
            expected = loaded(theirs)
        except Exception:
            # What torch can't write or read is there all the same.
            return names_differ(expected, found)
    return flat_differences(expected, found)


def flat(value, path=()):
    """Tensors and other leaves by path, of dicts and lists."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return {".".join(path): value}
    result = {}
    for key, part in parts:
        result.update(flat(part, path + (str(key),)))
    return result


def flat_differences(expected, found):
    # Dicts of classes that are unknown here stay whole there.
    expected, found = flat(expected), flat(found)
    wrong = []
    if list(expected) != list(found):
        wrong.append(f"names {list(found)[:6]}, not {list(expected)[:6]}")
    for name in expected.keys() & found.keys():
        wrong += [f"{name}: {line}" for line in object_differences(expected[name], found[name])]
    return wrong


def names_differ(expected, found):
    names = set(map(str, expected)), set(map(str, found))
    return [] if names[1] <= names[0] else [f"names {names[1]}, not {names[0]}"]


def same_as_file(folder, file):
    """Compares a folder with the one file that it was converted to."""
    return object_differences(loaded(folder), make_torch.load(file))


def shard_differences(index):
    """Loads each shard as Hugging Face's libraries do."""
    report = json.loads(index.read_text())
    wrong = []
    for file in sorted(set(report["weight_map"].values())):
        shard = torch.load(index.parent / file, weights_only=True)
        names = {k for k, v in report["weight_map"].items() if v == file}
        if isinstance(shard, torch.Tensor):
            shard = {"data": shard}
        if set(shard) != names:
            wrong.append(f"{file} has {sorted(shard)}, not {sorted(names)}")
    return wrong
