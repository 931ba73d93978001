"""Exports stand-ins of every golden model, and checks what flow_export refuses. Run: python3 -m unittest discover -s clients/python"""
import copy
import functools
import glob
import json
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import flow_export
import stand_ins
from flow_export import ExportError, export

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden")
# Prose and records of how the golden models were made: no property of a live object.
DOCUMENTATION = {"conventions", "case_notes", "training", "verification", "cases", "seed", "description", "note", "commit", "repository", "temperature",
                 "library_version", "version", "torch", "name"}
# Used while constructing only; the object does not keep them.
CONSTRUCTION = {"init_zeros", "init_identity", "identity_init", "weight_std"}


def golden(name):
    return stand_ins.read_golden(os.path.join(GOLDEN, name))


def recoverable(value, library):
    """A description without what an object cannot tell."""
    if isinstance(value, list):
        return [recoverable(item, library) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key in DOCUMENTATION or key in CONSTRUCTION or key == "constructor" and library in ("zuko", "nflows"):
            continue
        result[key] = [item] if key == "shape" and isinstance(item, int) else recoverable(item, library)
    return result


def differences(ours, theirs, at=""):
    """The places where two descriptions differ, one line each."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [line for key in sorted(set(ours) | set(theirs)) for line in
                (differences(ours[key], theirs[key], f"{at}/{key}") if key in ours and key in theirs else [f"{at}/{key}: only {'written' if key in ours else 'golden'}"])]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [line for i, pair in enumerate(zip(ours, theirs)) for line in differences(*pair, f"{at}/{i}")]
    return [] if ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool) else [f"{at}: {ours!r} written, {theirs!r} golden"]


class Folder(unittest.TestCase):
    def setUp(self):
        aside = tempfile.TemporaryDirectory()
        self.addCleanup(aside.cleanup)
        self.folder = os.path.join(aside.name, "model")

    def model(self, name):
        description, state = golden(name)
        return stand_ins.build(description, state)

    def refused(self, model, words, **hints):
        with self.assertRaisesRegex(ExportError, words):
            export(model, self.folder, **hints)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "model.json")))

    def exported(self, model, **hints):
        export(model, self.folder, **hints)
        with open(os.path.join(self.folder, "model.json"), encoding="utf-8") as file:
            return json.load(file)


class GoldenModels(Folder):
    def check(self, name):
        description, state = golden(name)
        model = stand_ins.build(description, state)
        hints = {"event_shape": tuple(description["event_shape"])} if name.startswith("image_repos/") else {}
        written = self.exported(model, **hints)
        library = description["library"]
        self.assertEqual(differences(recoverable(written, library), recoverable(description, library)), [])
        ours = stand_ins.read_safetensors(os.path.join(self.folder, "weights.safetensors"))
        theirs = stand_ins.read_safetensors(os.path.join(GOLDEN, name, "weights.safetensors"))
        self.assertEqual(sorted(ours), sorted(theirs))
        for key in theirs:
            self.assertEqual(ours[key], theirs[key], key)


def _add(name):
    setattr(GoldenModels, "test_" + name.replace("/", "_"), lambda self: self.check(name))


for _path in sorted(glob.glob(os.path.join(GOLDEN, "*", "*", "model.json"))):
    _add(os.path.relpath(os.path.dirname(_path), GOLDEN).replace(os.sep, "/"))


if __name__ == "__main__":
    unittest.main()
