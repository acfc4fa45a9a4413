"""What a tensor and a byte cost, as files grow: the same, where cost is linear."""

import statistics
import zipfile

from contestants import Failure, Program, Task, remove

TENSORS = [100, 10_000, 1_000_000]
BYTES = [1 << 20, 32 << 20, 1 << 30, 8 << 30]


def rounds(count, limit):
    """Many rounds of what is quick, at least five, but three of the largest."""
    return 3 if count > limit else max(5, min(21, limit // max(1, count)))


def median(task, count, output=None):
    """The median, after a round that warms up where that takes no minutes."""
    times = []
    for _ in range(count if count < 5 else count + 1):
        times.append(task.seconds())
        if output:
            remove(output)
    return statistics.median(times[-count:])


def row(label, cells):
    print("| " + " | ".join([label] + cells) + " |", flush=True)


def memory_cell(task, output=None):
    peak = task.memory()
    if output:
        remove(output)
    return peak


def extract_pickle(archive, target):
    with zipfile.ZipFile(archive) as file:
        name = next(n for n in file.namelist() if n.endswith("data.pkl"))
        with open(target, "wb") as output:
            output.write(file.read(name))


def tensors(material, workers, options):
    """The same per tensor, from 100 to 1,000,000 of them."""
    path, out = material.path("many.pth"), material.path("out.pth")
    converted = material.path("out.safetensors")
    swift = workers.swift
    print("\nµs a tensor of 64 bytes (anonymous memory a tensor)\n")
    titles = ["save", "open", "decode data.pkl", "verify", "convert", "load"]
    row("tensors", titles)
    row("---", ["---"] * len(titles))
    for count in TENSORS:
        if options.largest and count > options.largest:
            continue
        # The worker keeps each pickle that it has read.
        pickle = material.path(f"many{count}.pkl")
        swift.ask("make", "many", count, 64)
        swift.ask("save", "many", path)
        extract_pickle(path, pickle)
        tasks = [
            (Task("save", swift, "save", "many", out), out),
            (Task("open", swift, "open", path), None),
            (Task("decode", swift, "decode", pickle), None),
            (Task("verify", swift, "verify", path), None),
            (Task("convert", swift, "convert", path, converted), converted),
            (Task("load", swift, "load", path), None),
        ]
        cells = []
        for task, output in tasks:
            if task.name == "open":
                swift.ask("release", "many")
            try:
                seconds = median(task, rounds(count, 500_000), output)
                peak = memory_cell(task, output)
            except Failure as failure:
                # A header of safetensors may have 100 MB.
                if "the header would have" not in str(failure):
                    raise
                cells.append("header too large")
                continue
            cells.append(f"{seconds / count * 1e6:.3f} ({peak / count:.0f} B)")
        row(f"{count:,}", cells)
        for file in (path, pickle):
            remove(file)


def size_name(count):
    return f"{count >> 30} GiB" if count >= 1 << 30 else f"{count >> 20} MiB"


def byte_rates(material, workers, options):
    """The same per byte, from 1 MiB to 8 GiB."""
    swift, source = workers.swift, material.large()
    path, out = material.path("big.pth"), material.path("out.pth")
    converted = material.path("out.safetensors")
    print("\nGB/s in tensors of at most 4 MiB (anonymous memory)\n")
    titles = ["save", "cp", "open, µs", "verify", "load", "convert"]
    row("bytes", titles)
    row("---", ["---"] * len(titles))
    for size in BYTES:
        if options.largest and size > options.largest:
            continue
        swift.ask("map", "big", source, size)
        swift.ask("save", "big", path)
        tasks = [
            (Task("save", swift, "save", "big", out), out),
            (Program("cp", ["cp", path, out]), out),
            (Task("open", swift, "open", path), None),
            (Task("verify", swift, "verify", path), None),
            (Task("load", swift, "load", path), None),
            (Task("convert", swift, "convert", path, converted), converted),
        ]
        cells = []
        for task, output in tasks:
            seconds = median(task, rounds(size >> 20, 2000), output)
            peak = memory_cell(task, output) / 2**20
            shown = (
                f"{seconds * 1e6:.0f}"
                if task.name == "open"
                else f"{size / seconds / 1e9:.2f}"
            )
            cells.append(f"{shown} ({peak:.1f} MiB)")
        row(size_name(size), cells)
        remove(path)
    swift.ask("release", "big")


def run(material, workers, options):
    if options.linearity in ("all", "tensors"):
        tensors(material, workers, options)
    if options.linearity in ("all", "bytes"):
        byte_rates(material, workers, options)
    return 0
