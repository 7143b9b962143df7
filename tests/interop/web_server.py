"""
Serves a folder by Flask, which knows ranges: `web_server.py PORT FOLDER [CERTIFICATE]`.

With a certificate it speaks HTTPS: the file is made, self-signed for 127.0.0.1, with its key beside it.
"""

import datetime
import ipaddress
import logging
import sys

from flask import Flask, send_from_directory


def make_certificate(path):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    with open(f"{path}.key", "wb") as opened:
        form = serialization.PrivateFormat.TraditionalOpenSSL
        opened.write(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    with open(path, "wb") as opened:
        opened.write(certificate.public_bytes(serialization.Encoding.PEM))
    return path, f"{path}.key"


port, folder, *certificate = sys.argv[1:]
app = Flask(__name__)
logging.getLogger("werkzeug").disabled = True


@app.get("/")
def index():
    return "a lab"


@app.get("/<path:name>")
def serve(name):
    return send_from_directory(folder, name, conditional=True)


app.run("127.0.0.1", int(port), ssl_context=make_certificate(*certificate) if certificate else None)
