"""Times the training step and the evaluation in PyTorch.

    python3 torch_worker.py IMAGES LABELS THREADS

The counterpart of bench-train: the same tasks, the same answers. The first line
printed is the version. `batch` takes the size after the count.
"""
import sys
import time

import torch
from torch import nn


def network():
    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs),
                nn.ReLU(), nn.MaxPool2d(2, 2, 0)]

    return nn.Sequential(
        *block(1, 16), *block(16, 32), nn.Flatten(),
        nn.Linear(1568, 392), nn.ReLU(), nn.Linear(392, 196), nn.ReLU(),
        nn.Linear(196, 10), nn.Softmax(-1))


def train(model, optimizer, criterion, x, y, steps):
    """The course's step: forward, loss, backward, clipping, Adam, accuracy."""
    model.train()
    size = 16
    batches = len(y) // size
    for step in range(steps):
        first = step % batches * size
        images, labels = x[first:first + size], y[first:first + size]
        output = model(images)
        loss = criterion(output, labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=10)
        optimizer.step()
        (output.argmax(dim=-1) == labels).float().mean()
        loss.item()


def main():
    images, labels, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    with open(images, "rb") as file:
        x = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
    with open(labels, "rb") as file:
        y = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
    x = x.reshape(-1, 1, 28, 28).float() / 255
    y = y.long()
    model = network()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.0003,
                                 weight_decay=1e-5)
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        task, count, *size = line.split()
        count = int(count)
        if task == "train":
            start = time.perf_counter()
            train(model, optimizer, criterion, x, y, count)
        elif task == "batch":
            many = x.repeat(count // len(x) + 1, 1, 1, 1)[:count]
            model.eval()
            start = time.perf_counter()
            with torch.no_grad():
                for part in many.split(int(size[0])):
                    model(part)
        else:
            # As the course's test has it: one image after the other.
            model.eval()
            start = time.perf_counter()
            for index in range(count):
                image = x[index % len(x)]
                model(image.unsqueeze(0)).detach()
        print(time.perf_counter() - start, flush=True)


main()
