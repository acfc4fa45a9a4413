"""Lets torch.distributed.checkpoint and torch.load judge folders and shards."""

import json
import tempfile

import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

import make_torch
from compare import differences as object_differences

# torch's own is a BaseException.
FAILURES = (Exception, CheckpointException)


def loaded(folder):
    """The nested dict in a folder, by torch, in this one process."""
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        dcp_to_torch_save(str(folder), file.name)
        return make_torch.load(file.name)


def differences(folder, original):
    """Compares a folder with the one that torch would write."""
    expected, theirs = original, None
    if isinstance(original, torch.nn.Module):
        expected = original.state_dict()
    elif not isinstance(original, dict):
        expected = {"data": original}
    with tempfile.TemporaryDirectory() as made:
        try:
            dcp.save(expected, checkpoint_id=made, no_dist=True)
            theirs = loaded(made)
        except FAILURES:
            pass  # what torch can't write or read may be there all the same
    try:
        found = loaded(folder)
    except FAILURES as error:
        if theirs is None:
            return []  # torch can't read its own folder of it either
        return [f"torch can't load it: {str(error)[:200]}"]
    if theirs is None:
        return names_differ(expected, found)
    return flat_differences(theirs, found)


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
    found = make_torch.load(file)
    try:
        expected = loaded(folder)
    except FAILURES:
        return []  # told where the folder was written
    # torch fills tensors of its own here, which require no gradient; the folder
    # says which of them do.
    described = FileSystemReader(str(folder)).read_metadata().state_dict_metadata
    flags = {
        name: entry.properties.requires_grad
        for name, entry in described.items()
        if isinstance(entry, TensorStorageMetadata)
    }
    for name, tensor in flat(expected).items():
        if isinstance(tensor, torch.Tensor) and flags.get(name):
            tensor.requires_grad_()
    return object_differences(expected, found)


def shard_differences(index, source):
    """Loads each shard as Hugging Face's libraries do, of what they can load."""
    try:
        torch.load(source, weights_only=True)
        is_safe = True
    except Exception:
        is_safe = False  # no more than the one file
    report = json.loads(index.read_text())
    wrong = []
    for file in sorted(set(report["weight_map"].values())):
        shard = torch.load(index.parent / file, weights_only=is_safe)
        names = {k for k, v in report["weight_map"].items() if v == file}
        if isinstance(shard, torch.Tensor):
            shard = {"data": shard}
        if set(shard) != names:
            wrong.append(f"{file} has {sorted(shard)}, not {sorted(names)}")
    return wrong
