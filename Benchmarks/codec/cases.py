"""The cases: who is timed, and how many times faster this package must be."""

from contestants import Program, Task

MIB = 1 << 20


class Case:
    """One row for each contestant but the first, which is this package.

    `targets` gives for each of the others how many times as fast the first
    must be, or None; `most` is the most seconds that the first may take.
    """

    def __init__(
        self,
        name,
        title,
        contestants,
        targets,
        *,
        output=None,
        rounds=5,
        most=None,
        work=None,
    ):
        self.name, self.title = name, title
        self.contestants, self.targets = contestants, targets
        self.output, self.rounds, self.most, self.work = output, rounds, most, work


class Material:
    """The files that the cases read, made when first asked for."""

    def __init__(self, folder, workers, pth, homework):
        self.folder, self.workers, self.homework = folder, workers, homework
        self.pth, self.made = pth, {}

    def path(self, name):
        return str(self.folder / name)

    def file(self, name, make):
        if name not in self.made:
            make(self.path(name))
            self.made[name] = self.path(name)
        return self.made[name]

    def large(self):
        """1 GiB in 256 tensors of 4 MiB, by torch."""
        return self.file(
            "large.pth", lambda path: self.workers.torch.ask("make", path, 256, 4 * MIB)
        )

    def small(self):
        """10,000 tensors of 16 elements, by torch."""
        return self.file(
            "small.pth", lambda path: self.workers.torch.ask("make", path, 10000, 64)
        )

    def pickle(self):
        """The data.pkl of the 10,000 tensors."""
        import zipfile

        def make(path):
            with zipfile.ZipFile(self.small()) as archive:
                name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
                with open(path, "wb") as file:
                    file.write(archive.read(name))

        return self.file("small.pkl", make)

    def safetensors(self):
        return self.file(
            "large.safetensors",
            lambda path: self.workers.torch.ask("to-safetensors", self.large(), path),
        )

    def mnist(self):
        """The course's training set: images as float32, labels as int64."""
        labels = self.path("train_labels.pth")
        images = self.file(
            "train_data.pth",
            lambda path: self.workers.torch.ask("make-mnist", path, labels),
        )
        return images, labels

    def held(self, worker, name, path):
        """A file's tensors in a worker's memory, under a name."""
        key = (worker.name, name)
        if key not in self.made:
            worker.ask("hold", name, path)
            self.made[key] = name
        return name


def open_large(m, w):
    path = m.large()
    return Case(
        "open-large",
        "open 1 GiB in 256 tensors",
        [
            Task("pth", w.swift, "open", path),
            Task("torch 2.13, mmap=True", w.torch, "load-mmap", path),
            Task("safetensors load_file", w.torch, "load-safetensors", m.safetensors()),
        ],
        [20, 10],
        rounds=11,
    )


def open_small(m, w):
    path = m.small()
    return Case(
        "open-small",
        "open 10,000 small tensors",
        [
            Task("pth", w.swift, "open", path),
            Task("torch 2.13", w.torch, "load", path),
            Task("torch 2.13, weights_only=False", w.torch, "load-unsafe", path),
            Task("torch 1.13", w.old, "load", path),
        ],
        [50, None, 10],
        rounds=7,
    )


def decode(m, w):
    path = m.pickle()
    return Case(
        "decode",
        "decode the data.pkl of 10,000 tensors",
        [
            Task("pth", w.swift, "decode", path),
            Task("CPython's C Unpickler", w.plain, "decode", path),
        ],
        [2],
        rounds=21,
    )


def save(m, w, size, title, durable, targets):
    path = m.large() if size == "large" else m.small()
    out = m.path("saved.pth")
    task = "save-durable" if durable else "save"
    contestants = [
        Task("pth", w.swift, task, m.held(w.swift, size, path), out),
        Task("torch 2.13", w.torch, "save", m.held(w.torch, size, path), out),
    ]
    copy = [["cp", path, out]] + ([["sync", out]] if durable else [])
    contestants.append(Program("cp, sync" if durable else "cp", *copy))
    name = f"save-{size}" + ("-durable" if durable else "")
    suffix = ", on the disk" if durable else ""
    return Case(name, title + suffix, contestants, targets, output=out)


def verify(m, w):
    path = m.large()
    return Case(
        "verify",
        "verify 1 GiB",
        [
            Task("pth", w.swift, "verify", path),
            Task("reading a byte a page", w.swift, "touch", path),
            Task("zlib's crc32, by Python", w.plain, "crc", path),
        ],
        [None, None],
        most=1 / (4e9 / 2**30),
        work=2**30,
    )


def load(m, w):
    path = m.large()
    return Case(
        "load",
        "load 1 GiB into owned memory",
        [
            Task("pth", w.swift, "load", path),
            Task("torch 2.13", w.torch, "load", path),
            Task("safetensors load_file", w.torch, "load-safetensors", m.safetensors()),
        ],
        [2, None],
        work=2**30,
    )


def mnist(m, w, task, title):
    images, labels = m.mnist()
    return Case(
        f"mnist-{task}",
        title,
        [
            Task("pth", w.swift, task, images, labels),
            Task("torch 2.13", w.torch, "mnist", images, labels),
            Task("torch 1.13", w.old, "mnist", images, labels),
        ],
        [3, None],
        rounds=11,
        work=60000 * 784 * 4,
    )


def convert(m, w, durable):
    path, out = m.large(), m.path("converted.safetensors")
    copy = [["cp", path, out]] + ([["sync", out]] if durable else [])
    return Case(
        "convert" + ("-durable" if durable else ""),
        "convert 1 GiB to safetensors" + (", on the disk" if durable else ""),
        [
            Task(
                "pth",
                w.swift,
                "convert-durable" if durable else "convert",
                path,
                out,
            ),
            Program("cp, sync" if durable else "cp", *copy),
            Task("torch 2.13, save_file", w.torch, "convert", path, out),
        ],
        [0.8, None],
        output=out,
        work=2**30,
    )


def info(m, w):
    script = "import sys, torch; print(torch.load(sys.argv[1]))"
    return Case(
        "info",
        "pth info of the exported homework, CPU time",
        [
            Program("pth", [m.pth, "info", m.homework], counts_cpu=True),
            Program(
                "Python with torch 2.13",
                [w.python, "-c", script, m.homework],
                counts_cpu=True,
            ),
        ],
        [None],
        most=0.015,
    )


CASES = {
    "open-large": open_large,
    "open-small": open_small,
    "decode": decode,
    "save-large": lambda m, w: save(m, w, "large", "save 1 GiB", False, [2, 1]),
    "save-large-durable": lambda m, w: save(
        m, w, "large", "save 1 GiB", True, [None, 1]
    ),
    "save-small": lambda m, w: save(
        m, w, "small", "save 10,000 small tensors", False, [50, None]
    ),
    "save-small-durable": lambda m, w: save(
        m, w, "small", "save 10,000 small tensors", True, [None, None]
    ),
    "verify": verify,
    "load": load,
    "mnist-arrays": lambda m, w: mnist(
        m, w, "arrays", "MNIST's training set as [Float]"
    ),
    "mnist-spans": lambda m, w: mnist(
        m, w, "spans", "MNIST's training set in place, summed"
    ),
    "convert": lambda m, w: convert(m, w, False),
    "convert-durable": lambda m, w: convert(m, w, True),
    "info": info,
}
