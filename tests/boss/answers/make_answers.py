"""Asks the plugins of ingest-client 0.12.0 where tiles lie, and what their pixels are; prints one line a case.

    pip install --no-deps boss-ingest==0.12.0 && pip install six pillow==11.1.0 "numpy<2" h5py boto3 "setuptools<70"
    python make_answers.py > ingest_client.ndjson

Sources are made here; the value of a pixel tells its place, and the tests make the same ones in memory:
1 + x + 7 y + 40 z + 300 t + 2000 channel, cut to 8 bits where the source has 8.
"""
import contextlib
import json
import os
import sys
import tempfile
import types

for name in ["intern", "intern.remote", "intern.remote.boss", "intern.resource", "intern.resource.boss",
             "intern.resource.boss.resource", "intern.service", "intern.service.boss", "intern.service.boss.v1",
             "intern.service.boss.v1.volume", "requests"]:
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["intern.remote.boss"].BossRemote = object
sys.modules["intern.resource.boss.resource"].ChannelResource = object
sys.modules["intern.service.boss.v1.volume"].CacheMode = object

import h5py
import numpy as np
from PIL import Image
from ingestclient.plugins import catmaid, hdf5, multipage_tiff, stack

MODULES = {"catmaid": catmaid, "hdf5": hdf5, "multipage_tiff": multipage_tiff, "stack": stack}


def values(axes, shape, dtype):
    """An array of these axes, each pixel with the value of its place."""
    weights = {"x": 1, "y": 7, "z": 40, "t": 300, "c": 2000}
    places = np.indices(shape)
    total = 1 + sum(weights[axis] * place for axis, place in zip(axes, places))
    return total.astype(dtype)


def job(x, y, z, t, tile, resolution=0):
    return {"resolution": resolution, "extent": {"x": x, "y": y, "z": z, "t": t},
            "tile_size": {"x": tile[0], "y": tile[1], "z": 1, "t": 1}}


def make(name, params, ingest_job):
    module, cls = name.split(".")
    plugin = getattr(MODULES[module], cls)()
    plugin.setup({**params, "ingest_job": ingest_job})
    return plugin


def paths(name, params, ingest_job, indices):
    plugin = make(name, params, ingest_job)
    answers = []
    for index in indices:
        try:
            answers.append({"index": index, "path": plugin.process(*index)})
        except (IndexError, KeyError) as error:
            answers.append({"index": index, "error": type(error).__name__})
    return {"class": name, "params": params, "job": ingest_job, "answers": answers}


def tiles(name, params, ingest_job, source, path, indices, beside={}):
    plugin = make(name, params, ingest_job)
    answers = []
    for index in indices:
        try:
            handle = plugin.process(path, *index)
            handle.seek(0)
            image = Image.open(handle)
            answers.append({"index": index, "format": image.format, "rows": np.array(image).tolist()})
        except (IndexError, EOFError, ValueError) as error:
            answers.append({"index": index, "error": type(error).__name__})
    return {"class": name, "params": params, "job": ingest_job, "source": source, "beside": beside,
            "answers": answers}


def grid(xs, ys, zs, ts=(0,)):
    return [[x, y, z, t] for t in ts for z in zs for y in ys for x in xs]


def all_paths():
    plain = job([0, 1000], [0, 700], [3, 12], [0, 1], (512, 512))
    names = ["<o:3253>_my_stack_section<p:3>", "my_base_<o:200p:4>", "a_<>", "s_<p:2>_<p:2>", "<p:4o:2>_<>",
             "<z>/<y>_<x>_<p:5>", "<o:20230101120000000>", "<<>>", "<o:1><o:1>", "/abs_<>", "<p:0>"]
    for base in names:
        for root in ["", "/data", "data/", "s3 prefix/a"]:
            yield paths("stack.ZindexStackPathProcessor",
                        {"root_dir": root, "extension": "png", "base_filename": base}, plain,
                        [[0, 0, 7, 0], [3, 2, 11, 0], [1, 0, 0, 0], [0, 0, 12, 0], [0, 0, 7, 1]])
    exact = job([0, 1024], [0, 512], [3, 12], [0, 1], (512, 512), 2)
    for cls in ["CatmaidFileImageStackPathProcessor", "CatmaidFileImageStackZoomLevelPathProcessor",
                "CatmaidDirectoryImageStackPathProcessor"]:
        for at in [exact, plain]:
            yield paths("catmaid." + cls, {"root_dir": "/tiles", "filetype": "png"}, at,
                        grid([0, 1, 2], [0, 1], [2, 3, 11, 12]) + [[0, 0, 5, 1]])
    yield paths("multipage_tiff.SingleTimeTiffPathProcessor", {"z_3": "/a.tif", "z_4": "b.tif"},
                job([0, 1024], [0, 512], [3, 12], [2, 5], (512, 512)),
                grid([0, 1, 2], [0, 1], [2, 3, 4, 5, 12], [1, 2, 4, 5]))
    for time_chunk_size in [1, 7, 2000, "2000"]:
        yield paths("multipage_tiff.TiffMultiFileHyperStackPathProcessor",
                    {"root_dir": "/data", "extension": "tif", "base_filename": "my_base_<o:200p:4>",
                     "time_chunk_size": time_chunk_size}, job([0, 512], [0, 512], [0, 3], [0, 4000], (512, 512)),
                    grid([0], [0], [0, 2], [0, 1, 6, 7, 1999, 2000, 3999]))
    for cls in ["Hdf5TimeSeriesPathProcessor", "Hdf5SlicePathProcessor"]:
        yield paths("hdf5." + cls, {"root_dir": "r", "extension": "h5", "base_filename": "slice<o:1p:3>"}, plain,
                    grid([0, 5], [0], [0, 3, 11, 12], [0, 3]))
    for z_offset in [0, 5, 100]:
        for python in [True, False]:
            yield paths("hdf5.Hdf5ChunkPathProcessor",
                        {"root_dir": "", "extension": "hdf5", "prefix": "t", "x_offset": 11, "y_offset": -20,
                         "z_offset": z_offset, "x_chunk_size": 512, "y_chunk_size": 256, "z_chunk_size": 26,
                         "use_python_convention": python}, plain, grid([0, 2], [0, 1], [0, 3, 25, 26, 60]))
    yield paths("hdf5.Hdf5SingleFilePathProcessor", {"filename": "/my/file.h5"}, plain, [[1, 2, 3, 0]])


def all_tiles(folder):
    size = {"x": 7, "y": 5}
    small = job([0, 7], [0, 5], [0, 3], [0, 4], (3, 2))
    whole = job([0, 7], [0, 5], [0, 3], [0, 4], (7, 5))

    def source(axes, shape, dtype):
        return {"axes": axes, "shape": list(shape), "dtype": dtype}

    for dtype in ["uint8", "uint16"]:
        path = os.path.join(folder, dtype + ".png")
        Image.fromarray(values("yx", (5, 7), dtype)).save(path)
        about = source("yx", (5, 7), dtype)
        for extension in ["png", "TIF", "tiff"]:
            yield tiles("stack.ZindexStackTileProcessor", {"extension": extension, "filesystem": "local"}, whole,
                        about, path, [[0, 0, 0, 0]])
        for cls in ["CatmaidFileImageStackTileProcessor", "CatmaidFileImageStackZoomLevelTileProcessor",
                    "CatmaidDirectoryImageStackTileProcessor"]:
            for filetype in ["png", "tiff"]:
                yield tiles("catmaid." + cls, {"filetype": filetype}, whole, about, path,
                            [[0, 0, 0, 0], [2, 1, 1, 0]])

    def pages(count):
        path = os.path.join(folder, f"{count}.tif")
        frames = [Image.fromarray(frame) for frame in values("tyx", (count, 5, 7), "uint16")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
        return source("tyx", (count, 5, 7), "uint16"), path

    about, path = pages(4)
    yield tiles("multipage_tiff.SingleTimeTiffTileProcessor", {"datatype": "uint16", "filetype": "tif"}, small,
                about, path, grid([0, 1, 2], [0, 1, 2], [0, 1], [0, 3]))
    for count, samples, slices, channels in [(4, 4, 1, 1), (12, 2, 3, 2), (6, 6, 3, 2)]:
        about, path = pages(count)
        for channel in range(channels):
            yield tiles("multipage_tiff.TiffMultiFileHyperStackTileProcessor",
                        {"time_chunk_size": samples, "num_z_slices": slices, "num_channels": channels,
                         "channel_index": channel, "filesystem": "local"}, whole, about, path,
                        grid([0], [0], range(slices), range(4)))

    def dataset(name, axes, shape, dtype, beside={}):
        path = os.path.join(folder, name + ".h5")
        with h5py.File(path, "w") as file:
            file["img"] = values(axes, shape, dtype)
            for key, value in beside.items():
                file[key] = np.array(value)
        return source(axes, shape, dtype), path

    local = {"filesystem": "local", "upload_format": "tiff"}
    about, path = dataset("series", "txyc", (4, 7, 5, 2), "uint16")
    for channel in [0, 1, "1"]:
        for factor in [1, 0.5, 0.3]:
            yield tiles("hdf5.Hdf5TimeSeriesTileProcessor",
                        {**local, "channel_index": channel, "scale_factor": factor, "dataset": "img"}, small, about,
                        path, grid([0, 2], [0, 1, 2], [0], [0, 3]))
    about, path = dataset("labels", "xy", (7, 5), "uint32")
    yield tiles("hdf5.Hdf5TimeSeriesLabelTileProcessor", {**local, "dataset": "img"}, small, about, path,
                grid([0, 1, 2], [0, 1, 2], [0, 1], [0, 2]))
    for number, (offset, origin) in enumerate([((0, 0), (0, 0)), ((3, 4), (0, 0)), ((3, 4), (-2, -2)),
                                               ((13, 14), (-12, -12)), ((3, 4), (-2, -3))]):
        beside = {"offset": offset, "extent": (5, 7)}
        about, path = dataset(f"slice{number}", "yx", (5, 7), "uint8", beside)
        yield tiles("hdf5.Hdf5SliceTileProcessor",
                    {**local, "data_name": "img", "offset_name": "offset", "extent_name": "extent",
                     "offset_origin_x": origin[0], "offset_origin_y": origin[1], "datatype": "uint8"}, small, about,
                    path, grid(range(4), range(5), [0]), beside)
    for dtype in ["uint8", "uint16", "uint32"]:
        about, path = dataset("chunk" + dtype, "zyx", (3, 5, 7), dtype)
        yield tiles("hdf5.Hdf5ChunkTileProcessor",
                    {**local, "data_name": "img", "z_chunk_size": 3, "datatype": dtype}, whole, about, path,
                    grid([0, 1], [0], range(7)))
        some = [(0, 0, 0), (2, 1, 1), (-1, -2, -1), (-3, 0, 0), (4, -1, 0)]
        for offsets in some if dtype == "uint16" else some[2:3]:
            yield tiles("hdf5.Hdf5SingleFileTileProcessor",
                        {**local, "data_name": "img", "datatype": dtype, "offset_x": offsets[0],
                         "offset_y": offsets[1], "offset_z": offsets[2]}, small, about, path,
                        grid(range(3), range(3), range(4)))
    about, path = dataset("wide", "zyx", (3, 5, 7), "uint16")
    yield tiles("hdf5.Hdf5SingleFileTileProcessor",
                {**local, "data_name": "img", "datatype": "uint16", "offset_x": -2, "offset_y": -3, "offset_z": 0},
                job([0, 7], [0, 5], [0, 3], [0, 1], (16, 12)), about, path, grid([0], [0], [0, 2]))


with tempfile.TemporaryDirectory() as folder:
    # Some plugins print.
    with contextlib.redirect_stdout(sys.stderr):
        cases = [*all_paths(), *all_tiles(folder)]
    for case in cases:
        print(json.dumps(case, separators=(",", ":")))
