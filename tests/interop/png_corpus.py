"""PNGs by other programs, and what they make of ours.

Needs from PyPI: imagecodecs, numpy, pillow, pypng

    png_corpus.py write FOLDER   writes N.png, N.bin (its pixels, little-endian) and manifest.json
    png_corpus.py check FOLDER   reads each file of manifest.json and compares its pixels with N.bin
"""

import itertools
import json
import pathlib
import sys

import imagecodecs
import numpy
import png as pypng
from PIL import Image

SIZES = [(7, 5), (1, 1), (33, 3), (130, 67)]  # width, height


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.entries = []

    def add(self, name, pixels):
        """Gives the path to write the file to; pixels is y, x or y, x, sample."""
        pixels = numpy.atleast_3d(pixels)
        number = len(self.entries)
        little = pixels.astype(pixels.dtype.newbyteorder("<"))
        (self.folder / f"{number}.bin").write_bytes(little.tobytes())
        self.entries.append(
            dict(
                name=name,
                file=f"{number}.png",
                pixels=f"{number}.bin",
                width=pixels.shape[1],
                height=pixels.shape[0],
                samples=pixels.shape[2],
                dtype=pixels.dtype.name,
            )
        )
        return str(self.folder / f"{number}.png")

    def close(self):
        (self.folder / "manifest.json").write_text(json.dumps(self.entries))


def make(random, width, height, samples, bits):
    """Half smooth, half noise, of unequal bytes."""
    y, x, s = numpy.mgrid[:height, :width, :samples]
    smooth = (x * 37 + y * 101 + s * 1777) * 2**bits // 4096
    values = (smooth + random.integers(0, max(2, 2**bits // 2), smooth.shape)) % 2**bits
    return values.astype(numpy.uint16 if bits == 16 else numpy.uint8)


def write_pillow(corpus, random):
    options = [dict(compress_level=level) for level in (0, 1, 6, 9)]
    options += [dict(compress_type=strategy) for strategy in range(5)] + [dict(optimize=True)]
    modes = [("L", 1, 8), ("LA", 2, 8), ("RGB", 3, 8), ("RGBA", 4, 8), ("I;16", 1, 16)]
    for (mode, samples, bits), option, size in itertools.product(modes, options, SIZES):
        pixels = make(random, *size, samples, bits)
        image = Image.fromarray(pixels[..., 0] if samples == 1 else pixels)
        assert image.mode == mode, image.mode
        image.save(corpus.add(f"pillow {mode} {option} {size}", pixels), **option)
    for size in SIZES:
        mask = make(random, *size, 1, 1)
        Image.fromarray(mask[..., 0] == 1).save(corpus.add(f"pillow 1 {size}", mask * 255))
        small = make(random, *size, 1, 8)
        Image.fromarray(small[..., 0]).save(
            corpus.add(f"pillow L, 4 nm, tRNS {size}", small), dpi=(6.35e6, 6.35e6), transparency=7
        )
        for bits, clear in itertools.product((1, 2, 4, 8), (None, 1, b"\x00\x80")):
            colours = random.integers(0, 256, (2**bits, 3), numpy.uint8)
            index = make(random, *size, 1, bits)[..., 0]
            image = Image.fromarray(index)
            image.putpalette(colours.tobytes())
            expected = colours[index]
            option = {}
            if clear is not None:
                alphas = numpy.full(2**bits, 255, numpy.uint8)
                if clear == 1:
                    alphas[1] = 0
                else:
                    alphas[:2] = [0, 128]
                expected = numpy.concatenate([expected, alphas[index][..., None]], -1)
                option = dict(transparency=clear)
            path = corpus.add(f"pillow P {bits} bits, clear {clear}, {size}", expected)
            image.save(path, bits=bits, **option)
    frames = [Image.fromarray(make(random, 7, 5, 1, 8)[..., 0]) for _ in range(3)]
    path = corpus.add("pillow, an animation", numpy.asarray(frames[0]))
    frames[0].save(path, save_all=True, append_images=frames[1:])


def write_pypng(corpus, random):
    kinds = [(1, bits) for bits in (1, 2, 4, 8, 16)]
    kinds += [(samples, bits) for samples in (2, 3, 4) for bits in (8, 16)]
    for (samples, bits), interlace, size in itertools.product(kinds, (False, True), SIZES):
        pixels = make(random, *size, samples, bits)
        expected = pixels if bits >= 8 else pixels * (255 // (2**bits - 1))
        name = f"pypng {samples} x {bits} bits, interlace {interlace}, {size}"
        writer = pypng.Writer(
            *size,
            greyscale=samples < 3,
            alpha=samples in (2, 4),
            bitdepth=bits,
            interlace=interlace,
            chunk_limit=61,
        )
        with open(corpus.add(name, expected), "wb") as file:
            writer.write(file, pixels.reshape(size[1], -1).tolist())
    for bits, alpha, interlace, size in itertools.product((1, 2, 4, 8), (3, 4), (False, True), SIZES):
        colours = random.integers(0, 256, (2**bits, alpha), numpy.uint8)
        index = make(random, *size, 1, bits)[..., 0]
        writer = pypng.Writer(
            *size, palette=[tuple(c) for c in colours.tolist()], bitdepth=bits, interlace=interlace
        )
        name = f"pypng palette of {bits} bits, {alpha} samples, interlace {interlace}, {size}"
        with open(corpus.add(name, colours[index]), "wb") as file:
            writer.write(file, index.tolist())


def write_imagecodecs(corpus, random):
    """Every row filter of libpng, also for 16 bits of several samples, which Pillow does not write."""
    for samples, bits, row_filter, strategy, size in itertools.product(
        (1, 2, 3, 4), (8, 16), imagecodecs.PNG.FILTER, (0, 1, 2, 3, 4), SIZES
    ):
        pixels = make(random, *size, samples, bits)
        name = f"imagecodecs {samples} x {bits} bits, {row_filter}, strategy {strategy}, {size}"
        data = imagecodecs.png_encode(
            pixels if samples > 1 else pixels[..., 0], level=4, filter=row_filter, strategy=strategy
        )
        pathlib.Path(corpus.add(name, pixels)).write_bytes(data)


def write(folder):
    random = numpy.random.default_rng(20)
    corpus = Corpus(folder)
    write_pillow(corpus, random)
    write_pypng(corpus, random)
    write_imagecodecs(corpus, random)
    corpus.close()


def check(folder):
    folder = pathlib.Path(folder)
    entries = json.loads((folder / "manifest.json").read_text())
    for entry in entries:
        shape = entry["height"], entry["width"], entry["samples"]
        expected = numpy.fromfile(folder / entry["pixels"], entry["dtype"]).reshape(shape)
        path = folder / entry["file"]
        image = Image.open(path)
        image.load()
        readers = {"imagecodecs": imagecodecs.png_decode(path.read_bytes())}
        # Pillow has no mode for 16 bits of several samples: it would read their high bytes.
        if entry["dtype"] == "uint8" or entry["samples"] == 1:
            readers["pillow"] = numpy.asarray(image)
        for reader, found in readers.items():
            assert found.dtype.itemsize == expected.dtype.itemsize, (reader, entry, found.dtype)
            assert numpy.array_equal(numpy.atleast_3d(found), expected), (reader, entry)
        if "perMetre" in entry:
            found = [round(dots / 0.0254) for dots in image.info["dpi"]]
            assert numpy.allclose(found, entry["perMetre"]), (entry, found)
    print(len(entries))


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](sys.argv[2])
