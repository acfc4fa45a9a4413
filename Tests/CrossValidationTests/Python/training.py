"""The course's training in PyTorch, in a process of its own.

    python3 training.py data FOLDER
    python3 training.py train FOLDER SEED EPOCHS WORKERS STATE...
    python3 training.py resume FOLDER STATE EPOCHS WORKERS STATE...
    python3 training.py orders SEED COUNT EPOCHS WORKERS

`data` writes the four files of a small dataset. `train` and `resume` train to
the end of epoch EPOCHS and save the state after each epoch that they do; what
the epochs gave is printed as JSON. `orders` prints the split and the batches'
order of each epoch. A process of its own: PyTorch's generator is global, and
other tests may draw from it.
"""

import gzip
import hashlib
import importlib.util
import json
import os
import pathlib
import sys

if "PTH_TORCH_SITE" in os.environ:
    sys.path.insert(0, os.environ["PTH_TORCH_SITE"])

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

MNIST = pathlib.Path(__file__).parents[3] / "fixtures" / "mnist"
TRAINING, TEST, BATCH = 320, 64, 16
torch.set_num_threads(1)


def write_data(folder):
    def values(name, header):
        return list(gzip.decompress((MNIST / name).read_bytes())[header:])

    images = torch.tensor(values("train-images-idx3-ubyte.gz", 16)[
        :(TRAINING + TEST) * 784]).reshape(-1, 1, 28, 28).float() / 255
    labels = torch.tensor(
        values("train-labels-idx1-ubyte.gz", 8)[:TRAINING + TEST])
    for part, chosen in [("train", slice(None, TRAINING)),
                         ("test", slice(TRAINING, None))]:
        torch.save(images[chosen].clone(), f"{folder}/{part}_data.pth")
        torch.save(labels[chosen].clone(), f"{folder}/{part}_labels.pth")


def network():
    """The course's network, in the words of the fixtures' script."""
    spec = importlib.util.spec_from_file_location("make", MNIST / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.network()


def loaders(dataset, workers):
    """A new split and its two loaders, as the script makes them."""
    size = int(0.1 * len(dataset))
    training, validation = random_split(dataset, [len(dataset) - size, size])
    options = {"batch_size": BATCH, "drop_last": True, "num_workers": workers}
    return (DataLoader(training, shuffle=True, **options),
            DataLoader(validation, shuffle=False, **options))


class Run:
    def __init__(self, folder):
        self.dataset = TensorDataset(torch.load(f"{folder}/train_data.pth"),
                                     torch.load(f"{folder}/train_labels.pth"))
        self.model = network()
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=0.0003, weight_decay=1e-5)
        self.criterion = nn.CrossEntropyLoss()
        self.epoch, self.best = 0, 0.0

    def resume(self, path):
        state = torch.load(path)
        self.model.load_state_dict(state["model"], strict=True)
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.best = state["epoch"], state["best_acc"]
        torch.set_rng_state(state["rng"])

    def save(self, path):
        torch.save({"epoch": self.epoch, "model": self.model.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "best_acc": self.best, "rng": torch.get_rng_state()}, path)

    def run_epoch(self, workers):
        training, validation = loaders(self.dataset, workers)
        self.model.train()
        losses, hits = [], []
        for images, labels in training:
            output = self.model(images)
            loss = self.criterion(output, labels)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=10)
            self.optimizer.step()
            losses.append(loss.item())
            hits.append((output.argmax(-1) == labels).float().mean().item())
        self.model.eval()
        checked, right = [], []
        with torch.no_grad():
            for images, labels in validation:
                output = self.model(images)
                checked.append(self.criterion(output, labels).item())
                right.append(
                    (output.argmax(-1) == labels).float().mean().item())
        self.epoch += 1
        accuracy = sum(right) / len(right)
        self.best = max(self.best, accuracy)
        return [sum(losses) / len(losses), sum(hits) / len(hits),
                sum(checked) / len(checked), accuracy]


def orders(seed, count, epochs, workers):
    torch.manual_seed(seed)
    result = []
    for _ in range(epochs):
        training, validation = loaders(
            TensorDataset(torch.arange(count)), workers)
        result.append([[i for (batch,) in loader for i in batch.tolist()]
                       for loader in (training, validation)])
    state = torch.get_rng_state().numpy().tobytes()
    return {"epochs": result, "state": hashlib.sha256(state).hexdigest()}


def main(mode, *arguments):
    if mode == "data":
        return write_data(*arguments)
    if mode == "orders":
        return print(json.dumps(orders(*map(int, arguments))))
    folder, start, epochs, workers, *states = arguments
    if mode == "train":
        torch.manual_seed(int(start))
    run = Run(folder)
    if mode == "resume":
        run.resume(start)
    records = []
    while run.epoch < int(epochs):
        records.append(run.run_epoch(int(workers)))
        run.save(states[len(records) - 1])
    print(json.dumps(records))


main(*sys.argv[1:])
