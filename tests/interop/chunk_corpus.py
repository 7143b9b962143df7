"""
Chunks as numcodecs writes them, for sluice to read; and the other way round.

    python chunk_corpus.py write FOLDER    writes manifest.json, chunks.bin and voxels.bin
    python chunk_corpus.py check FOLDER    decodes what the manifest lists; prints how many were right

An entry: name; chunk and voxels, each [first, end) in its file, voxels little-endian; dtype; codec; and
crc32c, whether four bytes of it close the stored ones.
"""

import itertools
import json
import pathlib
import sys

import google_crc32c
import numpy as np
from numcodecs import Blosc, GZip, Zstd

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]


def contents(dtype):
    """Arrays that compress well, badly and not at all, of lengths that fill blocks and that do not."""
    random = np.random.default_rng(20260103)
    smooth = np.cumsum(random.integers(-3, 4, 20011)).astype(dtype)
    noise = np.frombuffer(random.bytes(4096 * np.dtype(dtype).itemsize), dtype)
    labels = np.repeat(random.integers(0, 100, 200), random.integers(1, 700, 200))[: 1 << 16]
    yield "smooth", smooth
    yield "noise", noise
    yield "labels", (labels * 7919).astype(dtype)
    yield "constant", np.full(7 * 5 * 3, 9, dtype)
    yield "one", np.full(1, 1, dtype)


def unsized_zstd(data):
    """A zstd frame of raw blocks that does not tell its content size."""
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00\x58")
    blocks = [data[i : i + 65536] for i in range(0, len(data), 65536)]
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        frame += (len(block) << 3 | last).to_bytes(3, "little") + block
    return bytes(frame)


def encoders():
    """Names of codecs, and functions from an array to stored bytes."""
    for level in [1, 5]:
        yield f"gzip {level}", "gzip", GZip(level).encode
    for level, checksum in itertools.product([1, 3, 9], [False, True]):
        yield f"zstd {level} checksum={checksum}", "zstd", Zstd(level, checksum).encode
    yield "zstd without content size", "zstd", lambda array: unsized_zstd(array.tobytes())
    shuffles = {"none": Blosc.NOSHUFFLE, "byte": Blosc.SHUFFLE, "bit": Blosc.BITSHUFFLE}
    for cname, level, blocksize in itertools.product(
        ["blosclz", "lz4", "lz4hc", "zlib", "zstd"], [0, 1, 5], [0, 4096]
    ):
        for name, shuffle in shuffles.items():
            codec = Blosc(cname, level, shuffle, blocksize)
            yield f"blosc {cname} {level} {name} block {blocksize}", "blosc", codec.encode


def append(file, data):
    """Writes bytes; returns where they lie."""
    first = file.tell()
    file.write(data)
    return [first, file.tell()]


def write(folder):
    entries = []
    with open(folder / "chunks.bin", "wb") as chunks, open(folder / "voxels.bin", "wb") as voxels:
        for dtype in DTYPES:
            for content, array in contents(dtype):
                plain = append(voxels, array.tobytes())
                for name, codec, encode in encoders():
                    for closed in [False, True] if " 5" in name else [False]:
                        stored = bytes(encode(array))
                        if closed:
                            stored += google_crc32c.value(stored).to_bytes(4, "little")
                        entry = {"name": f"{name}, {dtype} {content}", "chunk": append(chunks, stored)}
                        entry |= {"voxels": plain, "dtype": dtype, "codec": codec, "crc32c": closed}
                        entries.append(entry)
    (folder / "manifest.json").write_text(json.dumps(entries))


def check(folder):
    decoders = {"gzip": GZip().decode, "zstd": Zstd().decode, "blosc": Blosc().decode, "none": bytes}
    chunks, voxels = (folder / "chunks.bin").read_bytes(), (folder / "voxels.bin").read_bytes()
    right = 0
    for entry in json.loads((folder / "manifest.json").read_text()):
        stored = chunks[slice(*entry["chunk"])]
        if entry["crc32c"]:
            stored, closing = stored[:-4], int.from_bytes(stored[-4:], "little")
            if google_crc32c.value(stored) != closing:
                sys.exit(f"{entry['name']}: the checksum is wrong")
        if bytes(decoders[entry["codec"]](stored)) != voxels[slice(*entry["voxels"])]:
            sys.exit(f"{entry['name']}: the voxels differ")
        if entry["codec"] == "blosc" and stored[3] != np.dtype(entry["dtype"]).itemsize:
            sys.exit(f"{entry['name']}: the element size is {stored[3]}")
        right += 1
    print(right)


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
