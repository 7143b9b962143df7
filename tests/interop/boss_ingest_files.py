"""
What boss-ingest and sluice ingest, and what they left, by Pillow, cloud-volume and blosc.

    boss_ingest_files.py make FOLDER     writes the images and the volume
    boss_ingest_files.py decode FOLDER   of each object in FOLDER: [shape, datatype, SHA-256 of its voxels]; of images
                                         also the voxels, in FILE.raw
"""

import hashlib
import json
import os
import sys

import blosc
import numpy as np
from PIL import Image


def voxels(shape, seed, dtype):
    """Neither constant nor alike in any direction, and nowhere zero."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    most = np.iinfo(dtype).max
    return ((x * 7 + y * 13 + x * y % 11 + seed * 31) % most + 1).astype(dtype)


def save(array, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(array).save(path)


def save_pages(pages, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    first, *rest = [Image.fromarray(page) for page in pages]
    first.save(path, save_all=True, append_images=rest)


def make(folder):
    for z in range(16, 19):
        section = voxels((700, 1200), z, np.uint8)
        for y in range(2):
            for x in range(3):
                tile = section[y * 512 : (y + 1) * 512, x * 512 : (x + 1) * 512]
                save(tile, folder, "tiles", f"s{z:03}_{y}_{x}.png")
    for z in range(3):
        save(voxels((300, 700), z, np.uint8), folder, "sections", f"{z + 7}.png")
        for y in range(2):
            for x in range(2):
                tile = voxels((512, 512), z * 4 + y * 2 + x, np.uint8)
                save(tile, folder, "catmaid", str(z), f"{y}_{x}_0.png")
    for z in range(2):
        pages = [voxels((512, 1024), z * 3 + t, np.uint16) for t in range(3)]
        save_pages(pages, folder, "time", f"slice{z}.tif")
        pages = [voxels((512, 512), z * 4 + page, np.uint16) for page in range(4)]
        save_pages(pages, folder, "hyper", f"part_{z}.tif")
    from cloudvolume import CloudVolume

    planes = [voxels((512, 600), z, np.uint16) for z in range(40)]
    CloudVolume.from_numpy(
        np.stack(planes).T[..., np.newaxis],
        vol_path=f"file://{folder}/volume",
        resolution=(4, 4, 40),
        chunk_size=(128, 128, 16),
        layer_type="image",
    )


def decode(path):
    with open(path, "rb") as file:
        start = file.read(2)
    if start == b"\x02\x01":
        with open(path, "rb") as file:
            frame = file.read()
        bits = frame[3]
        array = np.frombuffer(blosc.decompress(frame), dtype=f"<u{bits // 8}")
        array = array.reshape(1, 16, 512, 512)
    else:
        with Image.open(path) as image:
            array = np.array(image)
        with open(path + ".raw", "wb") as file:
            file.write(array.tobytes())
    return [list(array.shape), str(array.dtype), hashlib.sha256(array.tobytes()).hexdigest()]


act, folder = sys.argv[1:]
if act == "make":
    make(folder)
else:
    names = sorted(os.listdir(folder))
    print(json.dumps({name: decode(os.path.join(folder, name)) for name in names}))
