"""A tiny classifier and pictures of every kind for the export tests."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

CLASSES = ["ants", "bees", "Käfer"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE = 32
PREPROCESSING = {"size_px": SIZE, "resize": "pad", "mean": MEAN, "std": STD}
CARD = {
    "name": "resnet10t.tiny_imagenet",
    "title": "ResNet-10 small",
    "source_data": "Tiny-ImageNet",
    "licence": "Apache-2.0",
    "commercial": True,
}


class TinyNet(nn.Module):
    """Two convolutions with normalisation, dropout and a head; answers differ between pictures."""

    def __init__(self, seed=0, n_classes=3):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.body = nn.Sequential(
                nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3)
            )
            self.drop = nn.Dropout(0.5)
            self.fc = nn.Linear(8, n_classes)
            nn.init.normal_(self.fc.weight, std=6.0)

    def forward(self, x):
        return self.fc(self.drop(self.body(x).mean((2, 3))))


def photo(width=70, height=50, seed=0):
    """A smooth picture with some noise: unlike pure noise it survives resizing."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    channels = [128 + 90 * np.sin(x / rng.uniform(4, 30) + y / rng.uniform(4, 30)) for _ in "rgb"]
    values = np.stack(channels, axis=-1) + rng.normal(0, 8, (height, width, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def encoded(image, kind, **options):
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def samples():
    return [(f"picture {i}.jpg", encoded(photo(60 + i, 50, seed=i), "JPEG")) for i in range(5)]
