"""
Volumes that others write into a bucket: `bucket_volumes.py BUCKET ENDPOINT FOLDER`.

tensorstore and cloud-volume write there themselves, zarr-python through boto3. Prints, as its last line, a JSON list:
address, file of the voxels (t c z y x, x fastest), dtype, size along x, y, z, c and t, edges of a voxel in nm, and
where the first one lies.
"""

import itertools
import json
import sys

import numpy as np
import tensorstore as ts
import zarr
from cloudvolume import CloudVolume

import _places

bucket, endpoint, folder = sys.argv[1:]
entries = []
random = np.random.default_rng(7)
EDGES, OFFSET = [4, 4.5, 40], [5, 7, 1000]
SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1",
    **dict(preshift_bits=2, minishard_bits=1, shard_bits=3, hash="murmurhash3_x86_128"),
    **dict(minishard_index_encoding="gzip", data_encoding="gzip"),
}


def make(dtype, shape):
    if dtype == "float32":
        return random.standard_normal(shape).astype(dtype)
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def place(name):
    return dict(volume=f"s3://{bucket}/theirs/{name}", endpoint=endpoint)


def add(name, scheme, voxels, axes, below="", edges=None, offset=(0, 0, 0), kind=None):
    """Enters a volume. voxels: in the order of axes, slowest first, which are some of tczyx."""
    raw = f"{folder}/{len(entries)}.raw"
    voxels.tofile(raw)
    size = [dict(zip(axes, voxels.shape)).get(axis, 1) for axis in "xyzct"]
    entry = dict(what=name, address=f"{scheme}{place(name)['volume']}{below}", voxels=raw, dtype=voxels.dtype.name)
    entries.append(entry | dict(size=size, edges=edges, offset=list(offset), kind=kind))


def precomputed_by_tensorstore():
    for (dtype, encoding), sharding in itertools.product(
        [("uint16", "raw"), ("float32", "raw"), ("uint8", "png"), ("uint64", "compressed_segmentation")], [None, SHARDING]
    ):
        name = f"precomputed {dtype} {encoding} {sharding is not None}".replace(" ", "-").lower()
        size = [53, 37, 21]
        scale = dict(size=size, chunk_size=[32, 16, 8], resolution=EDGES, encoding=encoding, voxel_offset=OFFSET)
        labels = encoding == "compressed_segmentation"
        if labels:
            scale["compressed_segmentation_block_size"] = [8, 8, 8]
        if sharding is not None:
            scale["sharding"] = sharding
        spec = dict(driver="neuroglancer_precomputed", kvstore=_places.kvstore(place(name)), create=True)
        spec["multiscale_metadata"] = dict(type="segmentation" if labels else "image", data_type=dtype, num_channels=1)
        store = ts.open(spec | dict(scale_metadata=scale)).result()
        voxels = make(dtype, size[::-1])
        store[...] = voxels.T[..., np.newaxis]
        add(name, "precomputed://", voxels, "zyx", edges=EDGES, offset=OFFSET, kind="labels" if labels else "image")


def precomputed_by_cloud_volume():
    for compress in ["gzip", None]:
        name = f"cloud-volume-{compress}".lower()
        size = (53, 37, 21)
        info = CloudVolume.create_new_info(1, "image", "uint16", "raw", EDGES, OFFSET, size, chunk_size=(32, 16, 8))
        volume = CloudVolume(f"precomputed://{place(name)['volume']}", info=info, compress=compress, progress=False)
        volume.commit_info()
        voxels = make("uint16", size[::-1])
        volume[volume.bounds] = voxels.T
        add(name, "", voxels, "zyx", edges=EDGES, offset=OFFSET, kind="image")


def arrays_by_tensorstore():
    shards = dict(chunk_shape=[1, 10, 16, 32], codecs=[dict(name="bytes", configuration=dict(endian="little")), dict(name="zstd")])
    shards |= dict(index_codecs=[dict(name="bytes", configuration=dict(endian="little")), dict(name="crc32c")])
    shape = (2, 21, 37, 53)
    zarr3 = dict(shape=shape, data_type="int16", dimension_names=[*"czyx"], codecs=[dict(name="sharding_indexed", configuration=shards)])
    zarr3 |= dict(chunk_grid=dict(name="regular", configuration=dict(chunk_shape=[2, 20, 16, 64])))
    zarr2 = dict(shape=shape[1:], chunks=[11, 20, 27], dtype="<u4", order="F", compressor=dict(id="blosc", cname="lz4"), dimension_separator="/")
    n5 = dict(dimensions=shape[:0:-1], blockSize=[27, 20, 11], dataType="uint8", compression=dict(type="gzip"))
    n5 |= dict(axes=[*"xyz"], resolution=EDGES, units=["nm"] * 3)
    for name, driver, metadata in [("zarr3", "zarr3", zarr3), ("zarr2", "zarr", zarr2), ("n5", "n5", n5)]:
        store = ts.open(dict(driver=driver, kvstore=_places.kvstore(place(name)), metadata=metadata, create=True)).result()
        voxels = make(store.dtype.name, shape if name == "zarr3" else shape[1:])
        store[...] = voxels.T if name == "n5" else voxels
        add(name, "", voxels, "czyx" if name == "zarr3" else "zyx", edges=EDGES if name == "n5" else None)


def ome_by_zarr_python():
    for version, zarr_format in [("0.4", 2), ("0.5", 3)]:
        name = f"ome-{version}"
        objects = {}
        group = zarr.open_group(zarr.storage.MemoryStore(objects), mode="w", zarr_format=zarr_format)
        voxels = make("uint16", (2, 3, 9, 20, 26))
        edges, origin = np.array([1, 1, *EDGES[::-1]]), np.array([0, 0, *OFFSET[::-1]])
        axes = [dict(name="t", type="time"), dict(name="c", type="channel")]
        axes += [dict(name=axis, type="space", unit="nanometer") for axis in "zyx"]
        datasets = []
        for level, step in enumerate([1, 2]):
            factor = np.array([1, 1, 1, step, step])
            array = group.create_array(
                str(level),
                data=voxels[..., ::step, ::step],
                chunks=(1, 1, 5, 12, 16),
                shards=(1, 3, 10, 12, 32) if zarr_format == 3 else None,
                dimension_names=[*"tczyx"] if zarr_format == 3 else None,
                chunk_key_encoding=dict(name="v2", separator="/") if zarr_format == 2 else None,
            )
            assert array.shape[-1] == -(-26 // step)
            translation = edges * (origin + (factor - 1) / 2)
            transformations = [dict(type="scale", scale=(edges * factor).tolist())]
            transformations.append(dict(type="translation", translation=translation.tolist()))
            datasets.append(dict(path=str(level), coordinateTransformations=transformations))
        image = dict(multiscales=[dict(version=version, name=name, axes=axes, datasets=datasets)])
        group.attrs.update(dict(ome=image | dict(version=version)) if version == "0.5" else image)
        there, prefix = _places.bucket_of(place(name))
        for key, value in objects.items():
            there.put_object(Key=prefix + key, Body=value.to_bytes())
        add(name, "", voxels, "tczyx", edges=EDGES, offset=OFFSET)


precomputed_by_tensorstore()
precomputed_by_cloud_volume()
arrays_by_tensorstore()
ome_by_zarr_python()
print()
print(json.dumps(entries))
