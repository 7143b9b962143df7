"""
Chunks and shards of precomputed volumes as other programs write them, for sluice to read; and the other way round.

    python precomputed_codec_corpus.py write FOLDER    writes manifest.json and bytes.bin
    python precomputed_codec_corpus.py check FOLDER    reads what the manifest lists; prints how many were right

Bytes are [first, end) in bytes.bin. Voxels are little-endian, x fastest, then y, z and channel: for lossy chunks
those that the program that wrote them decodes.
"""

import gzip
import io
import itertools
import json
import pathlib
import struct
import sys

import compressed_segmentation as cseg
import imagecodecs
import numpy as np
import simplejpeg
import tensorstore as ts
from cloudvolume import CloudVolume, chunks as cloud
from cloudvolume.datasource.precomputed.common import compressed_morton_code
from cloudvolume.datasource.precomputed.sharding import ShardingSpecification, ShardReader
from PIL import Image

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]
SIZES = [(7, 5, 3), (1, 1, 1), (33, 8, 17), (64, 64, 9)]
BLOCKS = [(8, 8, 8), (16, 4, 1), (5, 3, 7), (1, 1, 1)]
random = np.random.default_rng(20260210)


class Bytes:
    """One file of many pieces."""

    def __init__(self, path):
        self.file = open(path, "wb")

    def add(self, data):
        first = self.file.tell()
        self.file.write(data)
        return [first, self.file.tell()]

    def voxels(self, array):
        return self.add(np.asarray(array, np.dtype(array.dtype).newbyteorder("<")).tobytes("F"))


def cells(size, channels, dtype, count=20):
    """Blobs of a few labels."""
    centres = random.uniform(0, 1, (count, 4)) * [*size, channels]
    at = np.stack(np.meshgrid(*map(np.arange, [*size, channels]), indexing="ij"), -1)
    nearest = ((at[..., None, :] - centres) ** 2).sum(-1).argmin(-1)
    return random.integers(0, np.iinfo(dtype).max, count, dtype)[nearest]


def labels(size, channels, dtype):
    shape = (*size, channels)
    yield "cells", cells(size, channels, dtype)
    yield "noise", random.integers(0, np.iinfo(dtype).max, shape, dtype)
    yield "300 labels", random.integers(0, 300, shape).astype(dtype)
    yield "2 labels", random.integers(5, 7, shape).astype(dtype)
    yield "constant", np.full(shape, 2**31 + 5, dtype)


def noise(size, channels, dtype):
    if dtype == "float32":
        return random.standard_normal((*size, channels)).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, (*size, channels), dtype, endpoint=True)


def tissue(size, channels):
    """Smooth, as what is worth a JPEG."""
    x, y, z, c = np.meshgrid(*map(np.arange, [*size, channels]), indexing="ij")
    smooth = 128 + 60 * np.sin(x / 5 + c) + 50 * np.cos(y / 7 - z / 3)
    return np.clip(smooth + random.normal(0, 5, smooth.shape), 0, 255).astype("uint8")


def entry(name, encoding, array, stored, out, decoded=None, **more):
    return {
        "name": f"{name}, {array.shape} {array.dtype}",
        "encoding": encoding,
        "dtype": str(array.dtype),
        "size": list(array.shape[:3]),
        "channels": array.shape[3],
        "stored": out.add(stored),
        "voxels": out.voxels(array if decoded is None else decoded),
        **more,
    }


def chunks_of_peers(out):
    """Single chunks: by the package compressed-segmentation, and by cloud-volume."""
    for size, block, dtype in itertools.product(SIZES, BLOCKS, ["uint32", "uint64"]):
        for content, array in labels(size, 1, dtype):
            array = np.asfortranarray(array)
            encoding = {"codec": "compressed_segmentation", "blockSize": block}
            stored = cseg.compress(array[..., 0], block_size=block, order="F")
            yield entry(f"compressed-segmentation {block} {content}", encoding, array, stored, out, canonical=True)
            stored = cloud.encode(array, "compressed_segmentation", block)
            yield entry(f"cloud-volume {block} {content}", encoding, array, gzip.compress(stored), out)
    for size, dtype, channels in itertools.product(SIZES, DTYPES, [1, 2]):
        array = noise(size, channels, dtype)
        yield entry("cloud-volume raw", {"codec": "raw"}, array, cloud.encode(array, "raw"), out)
    for size, channels in itertools.product(SIZES, [1, 3]):
        array = noise(size, channels, "uint8")
        yield entry("cloud-volume png", {"codec": "png", "level": 6}, array, cloud.encode(array, "png"), out)
    for size, channels, quality in itertools.product(SIZES, [1, 3], [30, 85, 100]):
        array = tissue(size, channels)
        stored = cloud.encode(array, "jpeg", compression_params={"level": quality})
        # Not cloud.decode(), which takes the samples of a pixel for voxels of one channel.
        pixels = simplejpeg.decode_jpeg(stored, colorspace="GRAY" if channels == 1 else "RGB")
        decoded = pixels.reshape(-1, channels).reshape(array.shape, order="F")
        yield entry(f"cloud-volume jpeg {quality}", {"codec": "jpeg", "quality": quality}, array, stored, out, decoded)


def spec_of(folder, encoding, array, chunk, sharding):
    form = {"encoding": encoding["codec"]}
    if "blockSize" in encoding:
        form["compressed_segmentation_block_size"] = encoding["blockSize"]
    if sharding:
        form["sharding"] = sharding
    return {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{folder}/"},
        "multiscale_metadata": {"type": "image", "data_type": str(array.dtype), "num_channels": array.shape[3]},
        "scale_metadata": {
            "key": "s",
            "size": array.shape[:3],
            "chunk_size": chunk,
            "resolution": [4, 4, 40],
            "voxel_offset": [0, 0, 0],
            **form,
        },
    }


def shardings():
    bits = [(0, 0, 3), (1, 2, 2), (0, 1, 1), (4, 3, 0)]
    for hash_, index, data in itertools.product(
        ["identity", "murmurhash3_x86_128"], ["raw", "gzip"], ["raw", "gzip"]
    ):
        for preshift, minishard, shard in bits:
            yield {
                "@type": "neuroglancer_uint64_sharded_v1",
                "preshift_bits": preshift,
                "hash": hash_,
                "minishard_bits": minishard,
                "shard_bits": shard,
                "minishard_index_encoding": index,
                "data_encoding": data,
            }


def contents():
    """Volumes that end within a chunk on every axis."""
    segments = {"codec": "compressed_segmentation", "blockSize": (4, 4, 2)}
    size = (19, 13, 10)
    yield {"codec": "raw"}, noise(size, 2, "uint16")
    yield {"codec": "raw"}, noise(size, 1, "float32")
    yield segments, cells(size, 1, "uint32")
    yield segments, cells(size, 3, "uint64")
    yield {"codec": "png", "level": 6}, noise(size, 1, "uint8")
    yield {"codec": "png", "level": 6}, noise(size, 4, "uint8")
    yield {"codec": "png", "level": 6}, noise(size, 1, "uint16")
    yield {"codec": "png", "level": 6}, noise(size, 3, "uint16")
    yield {"codec": "jpeg", "quality": 75}, tissue(size, 1)
    yield {"codec": "jpeg", "quality": 75}, tissue(size, 3)


CHUNK = (8, 5, 4)


def boxes(size):
    for z, y, x in itertools.product(*[range(0, size[i], CHUNK[i]) for i in (2, 1, 0)]):
        yield [(at, min(at + side, most)) for at, side, most in zip((x, y, z), CHUNK, size)]


def files_of_tensorstore(folder, out):
    """Volumes of files of one chunk each."""
    for i, (encoding, array) in enumerate(contents()):
        store = ts.open(spec_of(folder / f"files{i}", encoding, array, CHUNK, None), create=True).result()
        store.write(array).result()
        decoded = store.read().result()
        for box in boxes(array.shape):
            name = "_".join(f"{first}-{end}" for first, end in box)
            stored = (folder / f"files{i}" / "s" / name).read_bytes()
            part = tuple(slice(*side) for side in box)
            yield entry(f"tensorstore {encoding['codec']} {name}", encoding, array[part], stored, out, decoded[part])


def shards_of(folder, out, name, encoding, array, sharding, decoded):
    return {
        "name": f"{name}, {encoding['codec']}, {array.dtype}, {json.dumps(sharding)}",
        "encoding": encoding,
        "dtype": str(array.dtype),
        "size": array.shape[:3],
        "channels": array.shape[3],
        "chunk": CHUNK,
        "sharding": sharding,
        "shards": {file.name: out.add(file.read_bytes()) for file in sorted(folder.iterdir())},
        "voxels": out.voxels(decoded),
    }


def shards_of_peers(folder, out):
    volumes = list(contents())
    for i, sharding in enumerate(shardings()):
        encoding, array = volumes[i % len(volumes)]
        path = folder / f"shards{i}"
        store = ts.open(spec_of(path, encoding, array, CHUNK, sharding), create=True).result()
        store.write(array).result()
        yield shards_of(path / "s", out, "tensorstore", encoding, array, sharding, store.read().result())
        if encoding["codec"] in ["png", "jpeg"] or array.shape[3] > 1:
            encoding, array = volumes[2]
        chunks = {}
        grid = [-(-side // chunk) for side, chunk in zip(array.shape, CHUNK)]
        for box in boxes(array.shape):
            position = [first // chunk for (first, _), chunk in zip(box, CHUNK)]
            part = np.asfortranarray(array[tuple(slice(*side) for side in box)])
            code = int(compressed_morton_code([position], grid)[0])
            chunks[code] = cloud.encode(part, encoding["codec"], encoding.get("blockSize"))
        path = folder / f"cloud{i}"
        path.mkdir()
        for name, data in ShardingSpecification.from_dict(sharding).synthesize_shards(chunks).items():
            (path / name).write_bytes(data)
        yield shards_of(path, out, "cloud-volume", encoding, array, sharding, array)


def write(folder):
    out = Bytes(folder / "bytes.bin")
    manifest = {
        "chunks": [*chunks_of_peers(out), *files_of_tensorstore(folder, out)],
        "volumes": list(shards_of_peers(folder, out)),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def fail(item, what):
    sys.exit(f"{item['name']}: {what}")


def check_chunk(item, stored, voxels):
    """A chunk that sluice wrote."""
    encoding, shape = item["encoding"], (*item["size"], item["channels"])
    codec = encoding["codec"]
    expected = np.frombuffer(voxels, item["dtype"]).reshape(shape, order="F")
    plain = gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" and "gzip" in encoding else stored
    if codec == "compressed_segmentation":
        block = tuple(encoding["blockSize"])
        if shape[3] == 1:
            peer = cseg.compress(expected[..., 0].copy("F"), block_size=block, order="F")
            if peer != plain:
                fail(item, "compressed-segmentation writes other bytes")
        decoded = cseg.decompress(plain, shape, np.dtype(item["dtype"]), block, order="F")
    elif codec == "png":
        pixels = imagecodecs.png_decode(plain)
        if pixels.shape[:2] != (shape[1] * shape[2], shape[0]):
            fail(item, f"the image is {pixels.shape}")
        decoded = pixels.reshape(-1, shape[3]).reshape(shape, order="F")
    elif codec == "jpeg":
        pixels = expected.reshape(-1, shape[3], order="F").reshape(shape[1] * shape[2], shape[0], shape[3])
        peer = io.BytesIO()
        image = Image.fromarray(pixels[..., 0] if shape[3] == 1 else pixels)
        image.save(peer, "JPEG", quality=encoding["quality"], subsampling=0)
        if peer.getvalue() != plain:
            fail(item, "Pillow writes other bytes")
        return
    else:
        decoded = cloud.decode(plain, codec, shape, item["dtype"])
    if not np.array_equal(decoded, expected):
        fail(item, "the voxels differ")


def check_volume(item, folder, voxels):
    """A volume that sluice wrote, by both readers."""
    shape = (*item["size"], item["channels"])
    expected = np.frombuffer(voxels, item["dtype"]).reshape(shape, order="F")
    path = folder / item["folder"]
    found = CloudVolume(f"file://{path}", progress=False, fill_missing=False)[:]
    if not np.array_equal(np.asarray(found), expected):
        fail(item, "cloud-volume reads other voxels")
    if item["tensorstore"]:
        spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": f"{path}/"}}
        if not np.array_equal(ts.open(spec).result().read().result(), expected):
            fail(item, "tensorstore reads other voxels")


def check_keys(item, folder, data):
    """Shards of chunks with any number, also far beyond 4 GiB."""
    path = folder / item["folder"]
    spec = {"driver": "neuroglancer_uint64_sharded", "metadata": item["sharding"]}
    store = ts.KvStore.open({**spec, "base": {"driver": "file", "path": f"{path}/"}}).result()
    info = CloudVolume.create_new_info(1, "image", "uint8", "raw", [1, 1, 1], [0, 0, 0], [1, 1, 1])
    volume = CloudVolume(f"file://{path}", info=info, progress=False)
    sharding = ShardingSpecification.from_dict(item["sharding"])
    reader = ShardReader(volume.meta.cloudpath, volume.cache, sharding)
    for key, (first, end) in item["keys"].items():
        wanted = data[first:end]
        if store.read(struct.pack(">Q", int(key))).result().value != wanted:
            fail(item, f"tensorstore finds other bytes for {key}")
        if reader.get_data(int(key)) != wanted:
            fail(item, f"cloud-volume finds other bytes for {key}")


def check_plan(item):
    """Shards that sluice planned."""
    size, chunk, sharding = item["size"], item["chunk"], item["sharding"]
    found = ShardingSpecification.from_dict(sharding).image_shard_shape(size, chunk).tolist()
    if found != item["box"]:
        fail(item, f"cloud-volume finds {found} in a shard, not {item['box']}")
    array = np.broadcast_to(np.uint8(0), (*size, 1))
    spec = {**spec_of("", {"codec": "raw"}, array, chunk, sharding), "kvstore": "memory://"}
    found = ts.open(spec, create=True).result().chunk_layout.write_chunk.shape[:3]
    # A box that ends beyond the volume may be cut off there.
    if any(min(a, most) != min(b, most) for a, b, most in zip(found, item["box"], size)):
        fail(item, f"tensorstore finds {found} in a shard, not {item['box']}")


def check(folder):
    data = (folder / "bytes.bin").read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    for item in manifest["chunks"]:
        check_chunk(item, data[slice(*item["stored"])], data[slice(*item["voxels"])])
    for item in manifest["volumes"]:
        check_volume(item, folder, data[slice(*item["voxels"])])
    for item in manifest["shards"]:
        check_keys(item, folder, data)
    for item in manifest["plans"]:
        check_plan(item)
    print(sum(map(len, manifest.values())))


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
