"""Times the codec and its peers in turn; see scripts/bench."""

import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import linearity
from cases import CASES, Material
from contestants import Failure, Worker, remove

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = str(pathlib.Path(__file__).with_name("worker.py"))
OLD_PYTHON = "/usr/bin/python3"
TRAINED = ROOT / "fixtures" / "mnist" / "hw7_trained.pth"


class Workers:
    """The processes that wait for tasks, started when first asked for."""

    def __init__(self, bench):
        self.python = sys.executable
        self.commands = {
            "swift": ("pth", [bench]),
            "torch": ("torch 2.13", [sys.executable, WORKER]),
            "old": ("torch 1.13", [OLD_PYTHON, WORKER]),
            "plain": ("Python 3", [sys.executable, WORKER, "--plain"]),
        }
        self.started = {}

    def __getattr__(self, key):
        if key.startswith("_") or key not in self.commands:
            raise AttributeError(key)
        if key not in self.started:
            name, command = self.commands[key]
            worker = self.started[key] = Worker(name, command)
            if key != "swift":
                version = worker.answer()
                if not version.startswith(name.split()[1]):
                    sys.exit(f"{command[0]} has torch {version}, not {name}")
        return self.started[key]

    def close(self):
        for worker in self.started.values():
            worker.close()


def duration(seconds):
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def size(count):
    if count is None:
        return ""
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.2f} GiB"


def measure(case, rounds):
    """Each contestant's times, all asked in turn; the first round warms up."""
    times = [[] for _ in case.contestants]
    for number in range(rounds + 1):
        for contestant, list_ in zip(case.contestants, times):
            seconds = contestant.seconds()
            if case.output:
                remove(case.output)
            if number:
                list_.append(seconds)
    return times


def memories(case):
    """The anonymous memory of each, in a round of its own."""
    peaks = []
    for contestant in case.contestants:
        peaks.append(contestant.memory())
        if case.output:
            remove(case.output)
    return peaks


def run_case(case, options):
    """Prints the case's rows; returns whether every target was reached."""
    times = measure(case, options.rounds or case.rounds)
    peaks = [None] * len(times) if options.no_memory else memories(case)
    medians = [statistics.median(t) for t in times]
    own, own_peak = medians[0], peaks[0]
    rate = f", {case.work / own / 1e9:.2f} GB/s" if case.work else ""
    spread = f"{duration(min(times[0]))} to {duration(max(times[0]))}"
    reached = True
    limit = ""
    if case.most:
        met = own <= case.most
        reached &= met
        limit = f"at most {duration(case.most)}: {'yes' if met else 'NO'}"
    rows = [[case.title, "pth", duration(own) + rate, spread, size(own_peak), "", limit]]
    for contestant, target, median, series, peak in zip(
        case.contestants[1:], case.targets, medians[1:], times[1:], peaks[1:]
    ):
        ratio = median / own
        verdict = ""
        if target:
            met = ratio >= target
            reached &= met
            verdict = f"{target}: {'yes' if met else 'NO'}"
        rows.append(
            [
                "",
                contestant.name,
                duration(median),
                f"{duration(min(series))} to {duration(max(series))}",
                size(peak),
                f"{ratio:.3g}",
                verdict,
            ]
        )
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    return reached


def table(names, material, workers, options):
    print("| case | who | median | least to most | memory | ÷ pth | must reach |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    missed = []
    for name in names:
        if not run_case(CASES[name](material, workers), options):
            missed.append(name)
    if missed:
        print("\nmissed: " + ", ".join(missed))
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", required=True, help="bench-codec")
    parser.add_argument("--pth", required=True, help="the tool")
    parser.add_argument("--only", action="append", help="cases with this text")
    parser.add_argument("--rounds", type=int, help="instead of each case's own")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--linearity", nargs="?", const="all",
                        choices=["all", "tensors", "bytes"])
    parser.add_argument("--largest", type=int, help="leave out larger sizes")
    parser.add_argument("--folder", default=str(ROOT / ".build"))
    options = parser.parse_args()
    if options.list:
        print("\n".join(CASES))
        return 0
    names = [
        name
        for name in CASES
        if not options.only or any(text in name for text in options.only)
    ]
    if not names:
        sys.exit("no case has such a name; --list tells them")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=options.folder))
    workers = Workers(options.bench)
    try:
        subprocess.run(
            [options.pth, "export", str(TRAINED), "--student-id", "21307303",
             "--name", "liuzhuoyi", "--output", str(folder)],
            check=True, stdout=subprocess.DEVNULL,
        )
        homework = str(next(folder.glob("hw7_*.pth")))
        material = Material(folder, workers, options.pth, homework)
        if options.linearity:
            return linearity.run(material, workers, options)
        return table(names, material, workers, options)
    except Failure as failure:
        sys.exit(f"error: {failure}")
    finally:
        workers.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    # The files are removed also where the run is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
