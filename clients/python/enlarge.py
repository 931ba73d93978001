"""Enlarges a picture by a super-resolution flow: python enlarge.py small.png large.png --count 4"""

import argparse
import pathlib
import urllib.error
import urllib.parse
import urllib.request

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("small", type=pathlib.Path, help="a PNG of the size that the model takes")
parser.add_argument("large", type=pathlib.Path, help="the PNG to write: one picture, or a grid of several")
parser.add_argument("--model", default="clothing-4x")
parser.add_argument("--count", type=int, default=1)
parser.add_argument("--temperature", type=float, default=0.8, help="below 1 draws smoother pictures")
parser.add_argument("--url", default="http://localhost:8080")
parser.add_argument("--key", help="an API key, where the service asks for one")
given = parser.parse_args()

query = urllib.parse.urlencode({"model": given.model, "count": given.count, "temperature": given.temperature})
headers = {"Content-Type": "image/png", "Accept": "image/png", **({"Authorization": f"Bearer {given.key}"} if given.key else {})}
request = urllib.request.Request(f"{given.url}/sample?{query}", given.small.read_bytes(), headers)
try:
    with urllib.request.urlopen(request) as answer:
        given.large.write_bytes(answer.read())
except urllib.error.HTTPError as refusal:
    raise SystemExit(f"{given.small}: {refusal.read().decode()}")
