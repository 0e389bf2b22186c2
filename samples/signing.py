"""Digests of a sample trail, signed as CloudTrail signs its own. Standard library only.

The key is made once, signs, and is forgotten: only its public half and the signatures are kept, in the
files that CloudTrail would give. As long as the trail says what it said, those signatures are right, and
no key is needed to write the same bytes again.
"""

import base64
import hashlib
import json
import secrets
from datetime import timedelta

ALGORITHM = "SHA256withRSA"
EXPONENT = 65537
HASH_HEADER = bytes.fromhex("3031300d060960864801650304020105000420")  # PKCS#1 v1.5, SHA-256


# ---------------------------------------------------------------- RSA

def is_prime(number, rounds=40):
    """Miller and Rabin: wrong once in 4^40 times."""
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def prime():
    """A prime of 1,024 bits, the two highest of them set."""
    while True:
        number = secrets.randbits(1024) | 3 << 1022 | 1
        if number % EXPONENT != 1 and is_prime(number):
            return number


class Signer:
    """A modulus and, where the key was just made, its private exponent; else the signatures of before."""

    def __init__(self, modulus, private=None, kept=None):
        self.modulus, self.private, self.kept = modulus, private, kept or {}

    @classmethod
    def new(cls):
        p, q = prime(), prime()
        return cls(p * q, pow(EXPONENT, -1, (p - 1) * (q - 1)))

    @classmethod
    def of(cls, keys, kept):
        """From a file in ListPublicKeys' form, and signatures by what they sign."""
        der = base64.b64decode(json.loads(keys)["PublicKeyList"][0]["Value"])
        return cls(int.from_bytes(der[8:-5], "big"), kept=kept)

    def public(self):
        """PKCS#1: a sequence of two numbers."""
        return b"\x30\x82\x01\x0a\x02\x82\x01\x01\x00" + self.modulus.to_bytes(256, "big") + b"\x02\x03\x01\x00\x01"

    def fingerprint(self):
        return hashlib.md5(self.public()).hexdigest()

    def keys(self):
        """As `aws cloudtrail list-public-keys` prints it."""
        key = {"Value": base64.b64encode(self.public()).decode(), "ValidityStartTime": 1793491200.0,
               "ValidityEndTime": 1796083200.0, "Fingerprint": self.fingerprint()}
        return (json.dumps({"PublicKeyList": [key]}, indent=4) + "\n").encode()

    def sign(self, name, text):
        padded = HASH_HEADER + hashlib.sha256(text.encode()).digest()
        padded = int.from_bytes(b"\x00\x01" + b"\xff" * (253 - len(padded)) + b"\x00" + padded, "big")
        if self.private:
            return f"{pow(padded, self.private, self.modulus):0512x}"
        signature = self.kept.get(name, "0")
        if pow(int(signature, 16), EXPONENT, self.modulus) != padded:
            raise SystemExit(f"{name} is not what was signed: --sign makes a new key and signs all digests with it")
        return signature


# ---------------------------------------------------------------- digests

def digests(logs, first, hours, signer, *, account, region, trail, bucket):
    """A digest for every hour, from `first` on, over logs (key, moment of delivery, content): key, document and
    signature of each."""
    def iso(at):
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    previous = None
    for hour in range(hours):
        start, end = first + timedelta(hours=hour), first + timedelta(hours=hour + 1)
        key = (f"AWSLogs/{account}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/"
               f"{account}_CloudTrail-Digest_{region}_{trail}_{region}_{end:%Y%m%dT%H%M%SZ}.json.gz")
        files, times = [], []
        for log, at, content in logs:
            if start <= at < end:
                own = sorted(record["eventTime"] for record in json.loads(content)["Records"])
                times += own
                files.append({"s3Bucket": bucket, "s3Object": log, "hashValue": hashlib.sha256(content).hexdigest(),
                              "hashAlgorithm": "SHA-256", "newestEventTime": own[-1], "oldestEventTime": own[0]})
        before = previous or {}
        document = {
            "awsAccountId": account, "digestStartTime": iso(start), "digestEndTime": iso(end),
            "digestS3Bucket": bucket, "digestS3Object": key,
            "digestPublicKeyFingerprint": signer.fingerprint(), "digestSignatureAlgorithm": ALGORITHM,
            "newestEventTime": max(times, default=None), "oldestEventTime": min(times, default=None),
            "previousDigestS3Bucket": previous and bucket, "previousDigestS3Object": before.get("key"),
            "previousDigestHashValue": before.get("hash"),
            "previousDigestHashAlgorithm": previous and "SHA-256",
            "previousDigestSignature": before.get("signature"), "logFiles": files,
        }
        content = json.dumps(document, separators=(",", ":")).encode()
        digest = hashlib.sha256(content).hexdigest()
        text = "\n".join([iso(end), f"{bucket}/{key}", digest, before.get("signature") or "null"])
        signature = signer.sign(key, text)
        previous = {"key": key, "hash": digest, "signature": signature}
        yield key, content, signature
