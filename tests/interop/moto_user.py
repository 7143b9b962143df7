"""
Makes a user that may use one bucket: `moto_user.py BUCKET`, and tells moto to ask from then on who comes.

The environment names the server. Prints the user's key and secret as JSON.
"""

import json
import os
import sys

import boto3
import requests

(bucket,) = sys.argv[1:]
iam = boto3.client("iam", region_name="us-east-1")
iam.create_user(UserName="ann")
key = iam.create_access_key(UserName="ann")["AccessKey"]
resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
policy = dict(Version="2012-10-17", Statement=[dict(Effect="Allow", Action="s3:*", Resource=resources)])
iam.put_user_policy(UserName="ann", PolicyName="lab", PolicyDocument=json.dumps(policy))
requests.post(f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth", data=b"0").raise_for_status()
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
