"""Speaks by a vocoder, from mels (.npy) or from another sound: python speak.py sentence.wav spoken.wav"""

import argparse
import pathlib
import urllib.error
import urllib.parse
import urllib.request

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("mels", type=pathlib.Path, help="a NumPy array (mels, frames), or a WAV file whose mels are taken")
parser.add_argument("sound", type=pathlib.Path, help="the WAV file to write")
parser.add_argument("--model", default="speech")
parser.add_argument("--temperature", type=float, default=0.8, help="below 1 speaks with less noise")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--url", default="http://localhost:8080")
parser.add_argument("--key", help="an API key, where the service asks for one")
given = parser.parse_args()

query = urllib.parse.urlencode({"model": given.model, "temperature": given.temperature, "seed": given.seed})
kind = "application/x-npy" if given.mels.suffix == ".npy" else "audio/wav"
headers = {"Content-Type": kind, "Accept": "audio/wav", **({"Authorization": f"Bearer {given.key}"} if given.key else {})}
request = urllib.request.Request(f"{given.url}/sample?{query}", given.mels.read_bytes(), headers)
try:
    with urllib.request.urlopen(request) as answer, given.sound.open("wb") as file:
        while block := answer.read(1 << 14):  # it comes while it is made: a player could begin at once
            file.write(block)
except urllib.error.HTTPError as refusal:
    raise SystemExit(f"{given.mels}: {refusal.read().decode()}")
