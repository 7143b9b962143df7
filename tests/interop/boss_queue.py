"""
The side of the server of the Boss, by boto3: queues, a bucket, keys of a job, and messages. Prints JSON.

    boss_queue.py make ENDPOINT                what it made
    boss_queue.py send ENDPOINT URL N          sends N messages, each with its number
    boss_queue.py read ENDPOINT URL            the bodies of all messages
    boss_queue.py left ENDPOINT URL            how many messages wait, and how many are in hands
    boss_queue.py object ENDPOINT BUCKET KEY   metadata, bytes in hexadecimal and storage class
"""

import json
import os
import sys

import boto3

act, endpoint, *rest = sys.argv[1:]
# Who made the server may do all.
keys = {
    "aws_access_key_id": os.environ.get("ROOT_ID", "test"),
    "aws_secret_access_key": os.environ.get("ROOT_SECRET", "test"),
}


def client(service):
    return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint, **keys)


def make_keys(iam, name, statements):
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}


def make():
    sqs, iam = client("sqs"), client("iam")
    attributes = {"VisibilityTimeout": "120", "MessageRetentionPeriod": "1209600"}
    urls = {
        name: sqs.create_queue(QueueName=f"theboss-test-{name}", Attributes=attributes)["QueueUrl"]
        for name in ("upload-42", "42-index")
    }
    bucket = "tiles.theboss.test"
    client("s3").create_bucket(Bucket=bucket)
    arn = "arn:aws:sqs:us-east-1:123456789012:theboss-test-"
    worker = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    root = make_keys(iam, "root", [{"Effect": "Allow", "Action": ["*"], "Resource": "*"}])
    job = make_keys(iam, "job", [
        {"Effect": "Allow", "Action": worker, "Resource": arn + "upload-42"},
        {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": arn + "42-index"},
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": f"arn:aws:s3:::{bucket}/*"},
    ])
    upload, index = urls["upload-42"], urls["42-index"]
    return {"upload": upload, "index": index, "bucket": bucket, "root": root, "job": job}


def send(url, count):
    sqs = client("sqs")
    for i in range(int(count)):
        body = {"number": i, "chunk_key": "a&b<c>\"'", "text": "caf\u00e9 \U0001f600 \\ \t|\n|\r|"}
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body, ensure_ascii=False))
    return None


def read(url):
    sqs = client("sqs")
    bodies = []
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not found:
            return bodies
        bodies += [message["Body"] for message in found]


def left(url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return [int(found[name]) for name in names]


def object_(bucket, key):
    found = client("s3").get_object(Bucket=bucket, Key=key)
    kind = found.get("StorageClass", "STANDARD")
    return [found["Metadata"], found["Body"].read().hex(), kind]


acts = {"make": make, "send": send, "read": read, "left": left, "object": object_}
print(json.dumps(acts[act](*rest)))
