"""Lets PyTorch judge what `pth` reads and writes; see scripts/cross-validate.

Each torch runs this script with --worker: it writes checkpoints, has `pth`
read them and write them back, and compares. The main run prints the table.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import subprocess
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "fixtures"))
warnings.filterwarnings("ignore")

SYSTEM_PYTHON = "/usr/bin/python3"
RANDOM_CASES = 60
# The same object in other bytes: NumPy hands arrays over as buffers in protocol
# 5, and a built-in function or a dtype names its module by a text of its own,
# which shows where such texts are in the memo.
OTHER_BYTES = {(5, "zip-p2-numpy")}
OTHER_BYTES |= {(p, f"zip-p2-{n}") for p in (4, 5) for n in ("values", "objects", "meta")}
SHOWN = 100
# What a row of the table counts.
CHECKS = ["read", "written", "same bytes", "to legacy", "to zip"]
CHECKS += ["other protocols", "its bytes", "to dcp", "from dcp", "to shards"]


# --- the cases --------------------------------------------------------------


class Case:
    """A checkpoint to write: a name, the object, and how."""

    def __init__(self, group, name, value, protocol=2, legacy=False):
        self.group, self.value = group, value
        self.protocol, self.legacy = protocol, legacy
        self.container = "legacy" if legacy else "zip"
        self.name = f"{self.container}-p{protocol}-{name}"


def cases(make):
    """All cases of this torch; `make` is the fixtures' script."""
    values = []
    for name in make.PLAIN + make.QUANTIZED + make.RAW:
        try:
            values.append(("dtype", name, make.of_dtype(name)))
        except Exception:
            continue  # this torch has no such dtype
    for name, build in make.STRUCTURES.items():
        try:
            values.append(("structure", name, build()))
        except Exception:
            continue  # this torch has no such structure
    for seed in range(RANDOM_CASES):
        values.append(("random", f"random{seed}", RandomObject(make, seed).value()))
    for group, name, value in values:
        protocols = (2, 5) if group == "random" else (2, 3, 4, 5)
        for protocol in protocols:
            yield Case(group, name, value, protocol)
        if name not in make.NO_LEGACY:
            yield Case(group, name, value, legacy=True)
            yield Case(group, name, value, 4, legacy=True)


class RandomObject:
    """A nested object with views and aliases, from a seed."""

    def __init__(self, make, seed):
        self.make = make
        self.random = random.Random(seed)
        self.made = []

    def value(self):
        root = {f"k{i}": self.part(0) for i in range(self.random.randint(1, 8))}
        root["ü键"] = self.part(0)
        return root

    def part(self, depth):
        pick = self.random.random()
        if pick < 0.15 and self.made:
            return self.random.choice(self.made)
        if pick < 0.45 or depth > 3:
            made = self.tensor()
        elif pick < 0.6:
            made = [self.part(depth + 1) for _ in range(self.random.randint(0, 4))]
        elif pick < 0.7:
            made = tuple(self.part(depth + 1) for _ in range(self.random.randint(0, 4)))
        elif pick < 0.85:
            made = collections.OrderedDict(
                (self.key(), self.part(depth + 1))
                for _ in range(self.random.randint(0, 4))
            )
        else:
            return self.plain()
        self.made.append(made)
        return made

    def key(self):
        return self.random.choice(["a", "b", "weight", "层.1", 3, 70000, (1, "t"), 0.5])

    def plain(self):
        number = self.random.getrandbits(self.random.choice([3, 8, 16, 31, 63, 64, 900]))
        return self.random.choice(
            [None, True, number, -number, self.random.random(), "text" * 90, b"\0\xff", ""]
        )

    def tensor(self):
        name = self.random.choice(self.make.PLAIN)
        shape = [self.random.randint(0, 4) for _ in range(self.random.randint(0, 4))]
        whole = self.make.t(*shape, dtype=getattr(self.make.torch, name))
        view = self.random.randint(0, 4)
        if view == 1 and shape:
            return whole.permute(*self.random.sample(range(len(shape)), len(shape)))
        if view == 2 and shape and shape[0] > 1:
            return whole[1:]
        if view == 3 and shape:
            return whole.unsqueeze(-1).expand(*shape, 3)
        if view == 4 and shape:
            return whole[..., ::2]
        return whole


# --- one torch's work -------------------------------------------------------


class Worker:
    def __init__(self, pth, folder, only):
        import compare
        import describe
        import make_torch

        self.make, self.describe, self.compare = make_torch, describe, compare
        self.distributed = None
        if not make_torch.torch.__version__.startswith("1."):
            import distributed

            self.distributed = distributed
        self.pth, self.folder, self.only = pth, folder, only
        self.results = []
        self.legacy = {}

    def run(self):
        self.folder.mkdir(parents=True)
        for case in cases(self.make):
            if self.only in case.name:
                self.judge(case)
        version = self.make.torch.__version__
        return {"torch": version, "results": self.results}

    def judge(self, case):
        source = self.folder / case.name / "checkpoint.pth"
        source.parent.mkdir()
        outcome = {"group": case.group, "container": case.container}
        outcome.update(name=case.name, protocol=case.protocol, checks={})
        try:
            self.make.torch.save(
                case.value,
                source,
                pickle_protocol=case.protocol,
                _use_new_zipfile_serialization=not case.legacy,
            )
        except Exception:
            shutil.rmtree(source.parent)
            return  # this torch can't save it: nothing to read
        try:
            original = self.make.load(source)
        except Exception:
            # torch 2.13 can't read some files of its own: what it saved counts.
            original = None
        checks = outcome["checks"]
        checks["read"] = self.check_reading(source, original, case)
        # The name is part of an archive: it stays the same.
        written = source.parent / "written" / source.name
        written.parent.mkdir()
        checks["written"] = self.check_writing(source, written, original)
        if not case.legacy and case.protocol == 2 and written.exists():
            same = source.read_bytes() == written.read_bytes()
            checks["same bytes"] = [] if same else ["the files differ"]
        for check, target in (("to legacy", "pth-legacy"), ("to zip", "pth")):
            if case.legacy == (check == "to zip"):
                file = source.parent / target / source.name
                file.parent.mkdir()
                checks[check] = self.check_writing(source, file, original, "--to", target)
                if check == "to legacy" and not self.loads_as_legacy(case):
                    # Refused with the reason, where torch could not read it.
                    refused = any("no torch reads" in line for line in checks[check])
                    checks[check] = [] if refused else ["not refused"] + checks[check]
        if not case.legacy and case.protocol == 2:
            self.check_protocols(case, source, original, checks)
        if self.distributed and not case.legacy and case.protocol == 2:
            self.check_folders(source, original, checks)
        self.results.append(outcome)

    def loads_as_legacy(self, case):
        """Whether torch can read the object from an old file of its own."""
        if case.group not in ("dtype", "structure"):
            return True
        file = self.folder / "legacy.pth"
        name = case.name.split("-", 2)[2]
        if name not in self.legacy:
            try:
                if name in self.make.NO_LEGACY:
                    raise ValueError
                self.make.torch.save(
                    case.value, file, _use_new_zipfile_serialization=False
                )
                self.make.load(file)
                self.legacy[name] = True
            except Exception:
                self.legacy[name] = False
        return self.legacy[name]

    def check_protocols(self, case, source, original, checks):
        """Rewrites a file of protocol 2 in the others."""
        checks["other protocols"], checks["its bytes"] = [], []
        for protocol in (3, 4, 5):
            file = source.parent / f"to-{protocol}" / source.name
            theirs = source.parent / f"torch-{protocol}" / source.name
            file.parent.mkdir()
            theirs.parent.mkdir()
            found = self.check_writing(source, file, original, "--protocol", protocol)
            checks["other protocols"] += [f"{protocol}: {line}" for line in found]
            if found or original is None:
                continue
            # What torch writes of the very object that it reads here.
            self.make.torch.save(original, theirs, pickle_protocol=protocol)
            again = source.parent / f"torch-2-{protocol}" / source.name
            again.parent.mkdir()
            self.make.torch.save(original, again)
            written = source.parent / f"ours-{protocol}" / source.name
            written.parent.mkdir()
            self.call("convert", again, written, "--protocol", protocol)
            if written.read_bytes() != theirs.read_bytes():
                if (protocol, case.name) not in OTHER_BYTES:
                    checks["its bytes"].append(f"protocol {protocol}: the files differ")

    def check_folders(self, source, original, checks):
        folder = source.parent / "folders"
        folder.mkdir()
        try:
            self.call("convert", source, folder / "dcp", "--to", "dcp", "--force")
        except Exception as error:
            # A cycle has no flat form; torch runs into its recursion limit.
            if "no end" not in str(error):
                checks["to dcp"] = [str(error)]
        else:
            checks["to dcp"] = self.distributed.differences(folder / "dcp", original)
            back = folder / "back.pth"
            try:
                self.call("convert", folder / "dcp", back)
                checks["from dcp"] = self.distributed.same_as_file(folder / "dcp", back)
            except self.distributed.FAILURES as error:
                checks["from dcp"] = [str(error)[:300]]
        index = folder / "pytorch_model.bin.index.json"
        try:
            self.call("convert", source, index, "--max-shard-size", "100", "--force")
            back = folder / "merged.pth"
            self.call("convert", index, back, "--force")
            names = json.loads(self.call("info", "--json", "--checksum", source))
            found = json.loads(self.call("info", "--json", "--checksum", back))
            checks["to shards"] = self.distributed.shard_differences(index, source)
            # The index is sorted, so the order is another.
            checks["to shards"] += tensor_differences(
                *(sorted(r["tensors"], key=lambda t: t["name"]) for r in (names, found))
            )
        except Exception as error:
            checks["to shards"] = [str(error)[:300]]

    def call(self, *arguments):
        done = subprocess.run(
            [self.pth, *map(str, arguments)], capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[:300]}")
        return done.stdout

    def check_reading(self, source, original, case):
        try:
            report = json.loads(self.call("info", "--json", "--checksum", source))
        except Exception as error:
            return [str(error)]
        expected = self.describe.describe(case.value if original is None else original)
        return tensor_differences(expected["tensors"], report["tensors"])

    def check_writing(self, source, target, original, *options):
        try:
            self.call("convert", source, target, *options)
        except Exception as error:
            return [str(error)]
        if original is None:
            return []  # torch can't read it, before or after
        try:
            written = self.make.load(target)
        except Exception as error:
            return [f"torch can't load it: {str(error)[:200]}"]
        return self.compare.differences(original, written)


def tensor_differences(expected, found):
    names = [t["name"] for t in expected], [t["name"] for t in found]
    if names[0] != names[1]:
        return [f"names {names[1][:8]}, not {names[0][:8]}"]
    result = []
    storages, back = {}, {}
    for a, b in zip(expected, found):
        for key in ("dtype", "shape", "strides", "offset"):
            if a[key] != b[key]:
                result.append(f"{a['name']}: {key} {b[key]}, not {a[key]}")
        if b["sha256"] not in (a["sha256"], a.get("storedSha256", a["sha256"])):
            result.append(f"{a['name']}: other elements")
        if a["storage"] is not None:
            known = storages.setdefault(a["storage"], b["storage"])
            if known != b["storage"] or back.setdefault(known, a["storage"]) != a["storage"]:
                result.append(f"{a['name']}: shares memory with others than it should")
    return result


# --- the table --------------------------------------------------------------


def work(python, pth, folder, only):
    command = [python, __file__, "--worker", "--pth", pth, "--folder", str(folder)]
    done = subprocess.run([*command, "--only", only], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{python}: the worker failed with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def has_torch_113(python):
    code = "import torch; raise SystemExit(not torch.__version__.startswith('1.13'))"
    try:
        return subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def print_table(reports, peers):
    """One table of all that was checked: fine of all, row by row."""
    rows = collections.OrderedDict()
    failures = []
    for report in reports:
        for result in report["results"]:
            key = (
                report["torch"],
                result["container"],
                f"protocol {result['protocol']}",
                result["group"],
            )
            row = rows.setdefault(key, collections.Counter())
            row["files"] += 1
            for check, wrong in result["checks"].items():
                row[check, bool(wrong)] += 1
                if wrong:
                    name = f"{report['torch']} {result['name']}: {check}"
                    told = "; ".join(wrong[:3]).replace("\n", " ")
                    failures.append(f"{name}: {told}")
    for name, wrong in peers.items():
        row = rows.setdefault(("", "other formats", "", name), collections.Counter())
        row["files"] += 1
        row["written", bool(wrong)] += 1
        failures += [f"{name}: {line}" for line in wrong]
    heads = ["torch", "container", "protocol", "content", "files", *CHECKS]
    lines = [heads]
    total = collections.Counter()
    for key, row in rows.items():
        total.update(row)
        lines.append([*key, str(row["files"]), *cells(row)])
    lines.append(["all", "", "", "", str(total["files"]), *cells(total)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    for number, line in enumerate(lines):
        if number in (1, len(lines) - 1):
            print("  ".join("-" * w for w in widths))
        print("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip())
    for line in failures[:SHOWN]:
        print(f"DIFFERS  {line}")
    if len(failures) > SHOWN:
        print(f"and {len(failures) - SHOWN} more")
    print(f"\n{total['files']} checkpoints, {len(failures)} mismatches")
    return not failures


def cells(row):
    for check in CHECKS:
        fine, wrong = row[check, False], row[check, True]
        yield f"{fine}/{fine + wrong}" if fine + wrong else ""


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pth", required=True)
    options.add_argument("--folder", type=pathlib.Path, required=True)
    options.add_argument("--only", default="")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--worker", action="store_true")
    chosen = options.parse_args()
    if chosen.worker:
        print(json.dumps(Worker(chosen.pth, chosen.folder, chosen.only).run()))
        return
    shutil.rmtree(chosen.folder, ignore_errors=True)
    pythons = {"torch213": sys.executable}
    if has_torch_113(SYSTEM_PYTHON):
        pythons["torch113"] = SYSTEM_PYTHON
    reports = []
    for name, python in pythons.items():
        reports.append(work(python, chosen.pth, chosen.folder / name, chosen.only))
    peers = {}
    if not chosen.only:
        from peers import judge

        peers = judge(chosen.pth, chosen.folder / "peers")
    fine = print_table(reports, peers)
    if not chosen.keep:
        shutil.rmtree(chosen.folder)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
