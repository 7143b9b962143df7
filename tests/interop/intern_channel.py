"""intern and a channel of a Boss: makes it, writes a box, or reads one.

Usage: intern_channel.py make|write|read URL TOKEN_FILE FILE
FILE holds voxels of uint16, 600 x 530 x 21, z slowest; `make` needs none of it.
"""
import sys
from pathlib import Path

import numpy as np
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    CoordinateFrameResource,
    ExperimentResource,
)

act, url, token_file, path = sys.argv[1:]
protocol, host = url.split("://")
boss = BossRemote(
    {"protocol": protocol, "host": host, "token": Path(token_file).read_text().strip()}
)
SHAPE = (21, 530, 600)
BOX = ([512, 1112], [0, 530], [16, 37])

if act == "make":
    boss.create_project(CollectionResource("lab", "of a test"))
    boss.create_project(
        CoordinateFrameResource("frame", "", 0, 1300, 0, 700, 0, 40, 4, 5, 40.5, "nanometers")
    )
    boss.create_project(ExperimentResource("exp", "lab", "frame", "", 3, "anisotropic", 2))
    for name in ["theirs", "ours"]:
        boss.create_project(ChannelResource(name, "lab", "exp", "image", "", 0, "uint16"))
    boss.create_metadata(boss.get_channel("theirs", "lab", "exp"), {"staining": "osmium"})
elif act == "write":
    voxels = np.fromfile(path, np.uint16).reshape(SHAPE)
    boss.create_cutout(boss.get_channel("theirs", "lab", "exp"), 0, *BOX, voxels)
    boss.create_cutout(boss.get_channel("theirs", "lab", "exp"), 0, *BOX, voxels[None, ::-1], [1, 2])
elif act == "read":
    channel = boss.get_channel("ours", "lab", "exp")
    boss.get_cutout(channel, 0, *BOX, parallel=False).astype("<u2").tofile(path)
