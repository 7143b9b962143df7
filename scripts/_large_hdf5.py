"""Writes a large HDF5 file in moments: a few chunks, compressed once, over and over.

python _large_hdf5.py FILE DEPTH HEIGHT WIDTH
FILE has the dataset /volumes/raw (uint8, gzip); FILE.patterns holds the chunks, one after the other.
The chunk at (z, y, x) of the grid is number (5 z + 3 y + x) mod 23.
"""

import sys
import zlib

import h5py
import numpy

CHUNK = (16, 256, 256)
PATTERNS = 23

path, shape = sys.argv[1], tuple(int(side) for side in sys.argv[2:5])
random = numpy.random.default_rng(20260301)
patterns = []
for number in range(PATTERNS):
    # Tissue under a microscope: soft shapes, and noise that no codec shortens.
    z, y, x = numpy.meshgrid(*(numpy.arange(side) for side in CHUNK), indexing="ij")
    soft = numpy.sin(x / (9 + number)) + numpy.cos(y / 13 + z / 5) + numpy.sin((x + y) / 31)
    noise = random.standard_normal(CHUNK) * 5
    patterns.append((128 + 30 * soft + noise).clip(0, 255).astype("u1"))
packed = [zlib.compress(pattern.tobytes(), 4) for pattern in patterns]
numpy.stack(patterns).tofile(path + ".patterns")
with h5py.File(path, "w") as file:
    raw = file.create_dataset("volumes/raw", shape, "u1", chunks=CHUNK, compression="gzip")
    raw.attrs["resolution"] = [40.0, 4.0, 4.0]
    for z in range(0, shape[0], CHUNK[0]):
        for y in range(0, shape[1], CHUNK[1]):
            for x in range(0, shape[2], CHUNK[2]):
                number = 5 * (z // CHUNK[0]) + 3 * (y // CHUNK[1]) + x // CHUNK[2]
                raw.id.write_direct_chunk((z, y, x), packed[number % PATTERNS])
