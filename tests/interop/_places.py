"""
Places of volumes for the programs of others.

A case names one by "volume": file:///PATH, or s3://BUCKET/KEY with the server as "endpoint". The environment names the
keys and, for boto3 and cloud-volume, the server again.
"""

import os
from urllib.parse import urlsplit

import tensorstore as ts

# cloud-volume asks for one.
os.environ.setdefault("AWS_SESSION_TOKEN", "")


def kvstore(case, below=None):
    """The place of a volume, or of what lies below it, as tensorstore writes it."""
    url = case["volume"] if below is None else f"{case['volume']}/{below}"
    scheme, host, path, *_ = urlsplit(url)
    if scheme != "s3":
        return f"{url}/"
    return dict(driver="s3", bucket=host, path=f"{path.lstrip('/')}/", endpoint=case["endpoint"], aws_region="us-east-1")


def read(case, key):
    """One object of a volume."""
    return ts.KvStore.open(kvstore(case)).result().read(key).result().value


def bucket_of(case):
    """The bucket of a volume by boto3, and the prefix of its keys."""
    import boto3

    _, host, path, *_ = urlsplit(case["volume"])
    client = boto3.resource("s3", region_name="us-east-1")
    return client.Bucket(host), f"{path.lstrip('/')}/"


def zarr_store(case):
    """A volume for zarr-python: a folder, or all objects of a bucket by boto3."""
    import zarr
    from zarr.core.buffer.cpu import Buffer

    scheme, _, path, *_ = urlsplit(case["volume"])
    if scheme == "file":
        return path
    bucket, prefix = bucket_of(case)
    objects = bucket.objects.filter(Prefix=prefix)
    found = {one.key.removeprefix(prefix): Buffer.from_bytes(one.get()["Body"].read()) for one in objects}
    return zarr.storage.MemoryStore(found)
