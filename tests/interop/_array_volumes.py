"""Voxels that show every mistake, and the list of the volumes that hold them."""

import json
import pathlib

import numpy as np

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]
AXES = "tczyx"
SHAPE = (3, 5, 7)
CHUNKS = (2, 3, 4)
CNAMES = ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]


def make_voxels(shape, dtype, seed=20260103):
    """Noise below, smooth above, so that every byte matters and something compresses; some planes repeat."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    width = np.dtype(dtype).itemsize
    data = random.integers(0, 256, (count, width), dtype=np.uint8)
    data[:, width // 2 :] = (np.arange(count)[:, None] // 5 + np.arange(width - width // 2)) & 127
    data[count // 3 : count // 2] = 7
    if dtype == "float32":
        data[:, 3] &= 63
    return data.view(dtype)[:, 0].reshape(shape)


class Corpus:
    """The volumes of a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.entries = []
        self.voxels = {}

    def place(self):
        """A path that no volume has yet."""
        return self.folder / f"{len(self.entries):04}"

    def add(self, name, kind, path, voxels, axes=None, scale=0, expected=None):
        """Enters a volume. axes: of the voxels, in the order of NumPy; expected: what else must be said of it."""
        axes = axes or AXES[-voxels.ndim :]
        kept = [axis for axis in AXES if axis in axes]
        plain = voxels.transpose([axes.index(axis) for axis in kept])
        size = [dict(zip(axes, voxels.shape)).get(axis, 1) for axis in "xyzct"]
        data = np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("<"))).tobytes()
        raw = self.voxels.setdefault(data, f"{len(self.voxels):04}.raw")
        entry = {"name": name, "format": kind, "path": str(path), "voxels": str(self.folder / raw)}
        entry |= {"size": size, "dtype": voxels.dtype.name, "scale": scale, "expected": expected or {}}
        self.entries.append(entry)

    def save(self):
        """Writes the raw files and the manifest."""
        for data, raw in self.voxels.items():
            (self.folder / raw).write_bytes(data)
        (self.folder / "manifest.json").write_text(json.dumps(self.entries))
