"""Lets the other formats' own libraries judge what `pth` converts.

`judge` returns a line for each check: its name, and what differs.
"""

import gzip
import importlib.util
import json
import pathlib
import struct
import subprocess

import numpy
import torch

import make_torch as make
from compare import differences

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAINED = ROOT / "fixtures/mnist/hw7_trained.pth"
# What numpy has a dtype for.
NUMPY_DTYPES = [d for d in make.PLAIN if d != "bfloat16"] + ["uint16", "uint32", "uint64"]
GGUF_DTYPES = "float64 float32 float16 bfloat16 int64 int32 int16 int8".split()
SAFETENSORS_DTYPES = [d for d in make.PLAIN if d != "complex128"]
SAFETENSORS_DTYPES += "float8_e4m3fn float8_e5m2 uint16 uint32 uint64".split()


class Peers:
    def __init__(self, pth, folder):
        self.pth, self.folder = pth, folder
        folder.mkdir(parents=True)

    def convert(self, source, target, *options):
        command = [self.pth, "convert", *map(str, (source, target, *options))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[:300]}")

    def torch_file(self, name, value):
        path = self.folder / f"{name}.pth"
        torch.save(value, path)
        return path

    # Each check gives what differs, a line each.

    def safetensors(self):
        from safetensors.torch import load_file, save_file

        value = {name: make.of_dtype(name) for name in SAFETENSORS_DTYPES}
        target = self.folder / "to.safetensors"
        self.convert(self.torch_file("to_safetensors", value), target)
        wrong = same_tensors(value, load_file(target))
        source = self.folder / "from.safetensors"
        save_file(value, source, {"format": "pt"})
        back = self.folder / "from_safetensors.pth"
        self.convert(source, back)
        return wrong + same_tensors(value, make.load(back))

    def safetensors_and_back(self):
        wrong, kept = [], 0
        for name, build in make.STRUCTURES.items():
            source = self.torch_file(f"whole_{name}", build())
            middle = self.folder / f"whole_{name}.safetensors"
            back = self.folder / f"back_{name}.pth"
            try:
                self.convert(source, middle)
            except RuntimeError as error:
                if "exit 65" not in str(error):
                    wrong.append(f"{name}: {error}")
                continue  # refused, and the loss is told
            try:
                self.convert(middle, back)
                found = differences(make.load(source), make.load(back))
            except Exception as error:
                found = [str(error)]
            kept += 1
            wrong += [f"{name}: {line}" for line in found[:3]]
        return wrong if kept else ["every structure is refused"]

    def npy(self):
        wrong = []
        for name in NUMPY_DTYPES:
            value = make.of_dtype(name)
            target = self.folder / f"{name}.npy"
            self.convert(self.torch_file(f"npy_{name}", value), target)
            array = numpy.load(target)
            if array.tobytes() != value.numpy().tobytes() or array.dtype.name != name:
                wrong.append(f"{name}: {array.dtype} {array.shape}")
            back = self.folder / f"back_{name}.pth"
            self.convert(target, back)
            wrong += same_tensors({name: value}, {name: make.load(back)})
        return wrong

    def npz(self):
        value = {name: make.of_dtype(name) for name in NUMPY_DTYPES}
        target = self.folder / "to.npz"
        self.convert(self.torch_file("to_npz", value), target)
        wrong = []
        with numpy.load(target) as arrays:
            for name in value:
                if arrays[name].tobytes() != value[name].numpy().tobytes():
                    wrong.append(f"{name}: other elements")
        back = self.folder / "from_npz.pth"
        self.convert(target, back)
        return wrong + same_tensors(value, make.load(back))

    def idx(self):
        pixels = torch.arange(3 * 28 * 28).remainder(256).to(torch.uint8)
        images = pixels.reshape(3, 1, 28, 28).float() / 255
        target = self.folder / "images-idx3-ubyte.gz"
        self.convert(self.torch_file("images", images), target)
        raw = gzip.decompress(target.read_bytes())
        head = struct.pack(">HBB3I", 0, 8, 3, 3, 28, 28)
        wrong = [] if raw == head + pixels.numpy().tobytes() else ["other bytes"]
        back = self.folder / "images_back.pth"
        self.convert(target, back)
        return wrong + same_tensors({"x": images}, {"x": make.load(back)})

    def gguf(self):
        import gguf

        value = {name: make.of_dtype(name) for name in GGUF_DTYPES}
        target = self.folder / "to.gguf"
        self.convert(self.torch_file("to_gguf", value), target)
        wrong = []
        found = {t.name: t for t in gguf.GGUFReader(target).tensors}
        for name, tensor in value.items():
            if name not in found:
                wrong.append(f"{name}: missing")
                continue
            shape = [int(n) for n in reversed(found[name].shape)]
            expected = tensor.contiguous().view(torch.uint8).numpy().tobytes()
            if shape != list(tensor.shape) or found[name].data.tobytes() != expected:
                wrong.append(f"{name}: {shape} or other elements")
        back = self.folder / "from_gguf.pth"
        self.convert(target, back)
        return wrong + same_tensors(value, make.load(back))

    def onnx(self):
        import onnx
        import onnxruntime

        target = self.folder / "network.onnx"
        self.convert(TRAINED, target)
        model = onnx.load(target)
        onnx.checker.check_model(model, full_check=True)
        spec = importlib.util.spec_from_file_location(
            "mnist_make", ROOT / "fixtures/mnist/make.py"
        )
        mnist = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mnist)
        net = mnist.network().eval()
        net.load_state_dict(make.load(TRAINED))
        images, _ = mnist.load(ROOT / "fixtures/mnist", "t10k")
        with torch.no_grad():
            expected = net(images[:64]).numpy()
        session = onnxruntime.InferenceSession(
            str(target), providers=["CPUExecutionProvider"]
        )
        name = session.get_inputs()[0].name
        (found,) = session.run(None, {name: images[:64].numpy()})
        distance = float(abs(found - expected).max())
        return [] if distance < 1e-5 else [f"probabilities differ by {distance}"]


STORAGE_LINES = (
    "bytes of the storage",
    "shares memory with another tensor in one of them only",
)


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list, tuple)):
        return []
    return [tensor for part in parts for tensor in tensors_in(part)]


def same_memory(expected, found):
    """Compares elements, and which tensors overlap in memory and how far."""
    lists = tensors_in(expected), tensors_in(found)
    wrong = []
    for index, (a, b) in enumerate(zip(*lists)):
        if bits(a.detach()) != bits(b.detach()):
            wrong.append(f"tensor {index}: other elements")
        for before in range(index):
            if overlap(a, lists[0][before]) != overlap(b, lists[1][before]):
                wrong.append(f"tensors {before} and {index} overlap otherwise")
    return wrong


def overlap(a, b):
    """How far apart two tensors begin in memory; None where nothing is shared."""
    ends = []
    for t in (a, b):
        last = sum((n - 1) * s for n, s in zip(t.shape, t.stride())) + 1
        start = t.data_ptr()
        ends.append((start, start + (last * t.element_size() if t.numel() else 0)))
    (start, end), (other, other_end) = ends
    return other - start if max(start, other) < min(end, other_end) else None


class Containers(Peers):
    """What only torch itself reads beside `pth`: whole files, compared with
    what they are converted to."""

    def whole(self, paths, sees_storages=True):
        """`sees_storages`: torch makes a storage of its own of each view in an
        old file, so that only the memory tells what is shared."""
        wrong, count = [], 0
        for path in paths:
            try:
                expected = make.load(path)
            except Exception:
                continue  # torch can't read it here
            count += 1
            back = self.folder / f"{path.name}.pth"
            self.convert(path, back)
            found = make.load(back)
            lines = differences(expected, found)
            if not sees_storages:
                lines = [line for line in lines if not line.endswith(STORAGE_LINES)]
                lines = [line for line in lines if "storage_offset" not in line]
                lines += same_memory(expected, found)
            wrong += [f"{path.name}: {line}" for line in lines]
        return wrong if count else ["torch reads none of them"]

    def old_files(self):
        return self.whole(sorted((ROOT / "fixtures/legacy").glob("*.pth")), False)

    def tar(self):
        return self.whole(sorted((ROOT / "fixtures/legacy").glob("*.tar")), False)

    def other_archives(self):
        """Deflated, big-endian, reordered … of both torches."""
        paths = sorted(ROOT.glob("fixtures/torch-*/container_*.pth"))
        return self.whole(paths)

    def torchscript(self):
        wrong = []
        net = make.small_net().eval()
        example = make.t(1, 1, 4, 4)
        compiled = {"script": torch.jit.script(net), "trace": torch.jit.trace(net, example)}
        for name, module in compiled.items():
            source = self.folder / f"{name}.pt"
            module.save(source)
            back = self.folder / f"{name}.pth"
            self.convert(source, back, "--force")
            wrong += same_tensors(dict(net.state_dict()), make.load(back))
        return wrong

    def shards(self):
        wrong = []
        state = make.state_dict()
        names = list(state)
        files = {"a.bin": names[::2], "b.bin": names[1::2]}
        folder = self.folder / "shards"
        folder.mkdir()
        places = {}
        for file, part in files.items():
            torch.save({n: state[n] for n in part}, folder / file)
            places.update(dict.fromkeys(part, file))
        index = folder / "pytorch_model.bin.index.json"
        index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
        for name, source in (("index", index), ("folder", folder)):
            back = self.folder / f"from_{name}.pth"
            self.convert(source, back)
            wrong += same_tensors(dict(state), make.load(back))
        return wrong

    def several_ranks(self):
        import distributed

        wrong = []
        for name in ("dcp_ranks", "dcp_single"):
            folder = ROOT / "fixtures/torch-2.13" / name
            back = self.folder / f"{name}.pth"
            self.convert(folder, back)
            wrong += distributed.same_as_file(folder, back)
        return wrong


def same_tensors(expected, found):
    wrong = []
    if sorted(expected) != sorted(found):
        return [f"names {sorted(found)}, not {sorted(expected)}"]
    for name, tensor in expected.items():
        other = found[name]
        if tensor.dtype != other.dtype or tensor.shape != other.shape:
            wrong.append(f"{name}: {other.dtype} {list(other.shape)}")
        elif bits(tensor) != bits(other):
            wrong.append(f"{name}: other elements")
    return wrong


def bits(tensor):
    tensor = tensor.contiguous().reshape(-1)
    return tensor.view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def judge(pth, folder):
    """Runs the check of each format that this `pth` can write."""
    report = subprocess.run([pth, "formats", "--json"], capture_output=True, text=True)
    writable = [f["name"] for f in json.loads(report.stdout) if f["write"]]
    peers = Peers(pth, folder)
    checks = {}
    for name in writable:
        if hasattr(peers, name):
            checks[name] = getattr(peers, name)
        if name == "safetensors":
            checks["safetensors and back, structure kept"] = peers.safetensors_and_back
    whole = Containers(pth, folder / "containers")
    checks["files of torch 0.2 to 1.5"] = whole.old_files
    checks["tar of torch 0.1"] = whole.tar
    checks["archives that other tools wrote"] = whole.other_archives
    checks["torchscript"] = whole.torchscript
    checks["shards of Hugging Face"] = whole.shards
    checks["distributed, of several ranks"] = whole.several_ranks
    results = {}
    for name, check in checks.items():
        try:
            results[name] = check()
        except Exception as error:
            results[name] = [f"{type(error).__name__}: {error}"]
    return results
