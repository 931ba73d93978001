"""Exports stand-ins of every golden model, and checks what flow_export refuses. Run: python3 -m unittest discover -s clients/exporter"""
import copy
import functools
import glob
import json
import math
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


class OldZuko(Folder):
    def test_its_list_of_transforms_is_described_as_the_composed_transform_of_now(self):
        now = self.model("zuko/realnvp_6d")
        expected = self.exported(self.model("zuko/realnvp_6d"))["structure"]["transform"]
        old = stand_ins.make("MAF", transforms=nn.ModuleList(now.transform.transforms), base=now.base)
        written = self.exported(old)["structure"]["transform"]
        self.assertEqual(json.dumps(written).replace("transforms.", "transform.transforms.").replace('"transforms"', '"transform"'), json.dumps(expected))


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


class Refusals(Folder):
    def test_weights_instead_of_the_model(self):
        for given in (self.model("normflows/realnvp_2d").state_dict(), "best.pt", b"best.pt"):
            self.refused(given, "pass the model object")

    def test_unknown_class(self):
        self.refused(nn.Sequential(nn.Linear(2, 2)), "unknown model class Sequential")
        self.refused(stand_ins.make("LightningModel", flow=self.model("zuko/realnvp_6d")), "unknown model class LightningModel; pass the flow itself")

    def test_a_method_that_was_replaced(self):
        for name, at in (("normflows/realnvp_2d", "flows.0"), ("zuko/realnvp_6d", "transform"), ("nflows/maf_affine_5d", "_transform"), ("normflows/maf", "")):
            with self.subTest(name):
                model = self.model(name)
                part = model.get_submodule(at)
                part.forward = types.MethodType(lambda self, *rows, **more: type(self).forward(self, *rows, **more), part)
                self.refused(model, (at + r"\." if at else "") + r"forward was replaced on this object.*del model\.")

    def test_an_ensemble(self):
        self.refused(types.SimpleNamespace(posteriors=[1, 2]), "export each member")

    def test_uninitialised_act_norm(self):
        for name, key in (("normflows/affine_mix", "flows.3.data_dep_init_done"), ("image_repos/rosinality_glow", "blocks.1.flows.2.actnorm.initialized"),
                          ("image_repos/chrischute_glow", "flows.next.steps.0.norm.is_initialized"),
                          ("normflows/glow_digits_cc", "flows.0.0.flows.0.flows.1.param_map.net.1.actNorm.data_dep_init_done")):
            with self.subTest(name):
                model = self.model(name)
                model.state_dict()[key].zero_()
                self.refused(model, key + ".*training batch", event_shape=(1, 8, 8))

    def test_numbers_that_are_not_finite(self):
        for bad in (float("nan"), float("inf")):
            model = self.model("zuko/realnvp_6d")
            model.state_dict()["transform.transforms.1.hyper.2.weight"][3, 4] = bad
            self.refused(model, "transform.transforms.1.hyper.2.weight")

    def test_tensors_of_another_kind(self):
        model = self.model("normflows/realnvp_2d")
        model.q0.register_buffer("extra", torch.ones(2, 2).to_sparse())
        self.refused(model, "q0.extra")
        model.q0.extra = torch.ones(2, dtype=torch.complex64)
        self.refused(model, "q0.extra")
        del model.q0.extra
        model.q0.lazy = nn.LazyLinear(3)
        self.refused(model, "q0.lazy.*no value")

    def test_temperature(self):
        model = self.model("normflows/glow_digits")
        model.q0[1].temperature = 0.7
        self.refused(model, "reset it to None")

    def test_splines_with_other_ends(self):
        model = self.model("normflows/nsf_coupling_2d")
        model.flows[0].prqct.tails = "quadratic"
        self.refused(model, "tails")
        model.flows[0].prqct.tails = ["circular"]
        model.flows[0].prqct.unconditional_transform.tails = ["box"]
        self.refused(model, "'box'")
        model = self.model("normflows/nsf_ar")
        model.flows[2].mprqat.tails = None
        self.refused(model, "tails None")
        model.flows[2].mprqat.tails = ["circular"] * 5
        model.flows[2].mprqat.autoregressive_net.preprocessing = stand_ins.make("PeriodicFeatures", scale=1.0, apply_bias=True)
        self.refused(model, "bias")

    def test_normflows_parts(self):
        for name in ("Radial", "Residual", "CCAffineConst", "BatchNorm"):
            model = self.model("normflows/realnvp_2d")
            model.flows[1] = stand_ins.make(name)
            self.refused(model, name)
        model = self.model("normflows/realnvp_2d")
        model.flows[1] = stand_ins.make("Planar", act="tanh", h=torch.tanh)
        self.refused(model, "leaky_relu has one")
        model = self.model("normflows/realnvp_2d")
        model.flows[0].flows[1].param_map = nn.Bilinear(1, 1, 2)
        self.refused(model, "flows.0.*normflows.nets.MLP")
        model = self.model("normflows/realnvp_2d")
        model.q0.__class__ = stand_ins.kind("GaussianPCA")
        self.refused(model, "GaussianPCA")

    def test_a_context_that_no_layer_tells(self):
        model = self.model("normflows/realnvp_2d")
        model.__class__ = stand_ins.kind("ConditionalNormalizingFlow")
        self.refused(model, "context_size=")
        self.assertEqual(self.exported(model, context_size=4)["context_shape"], [4])

    def test_zuko_parts(self):
        for name, words in (("FFJTransform", "CNF"), ("LazyInverse", "LazyInverse")):
            model = self.model("zuko/realnvp_6d")
            model.transform.transforms[2] = stand_ins.make(name)
            self.refused(model, words)
        for univariate, words in ((lambda *phi: None, "lambda"), (functools.partial(stand_ins.MonotonicAffineTransform, 1), "positional"),
                                  (stand_ins.make("MNN"), "MNN"), (stand_ins.SOSPolynomialTransform, "SOSPolynomialTransform")):
            model = self.model("zuko/realnvp_6d")
            model.transform.transforms[0].univariate = univariate
            self.refused(model, words)
        model = self.model("zuko/realnvp_6d")
        model.transform.transforms[0].hyper[1] = nn.Softplus(threshold=1)
        self.refused(model, "Softplus")
        model.transform.transforms[0].hyper[1] = nn.PReLU(64)
        self.refused(model, r"transform.transforms.0.hyper.1 \(PReLU\).*one slope for all units")
        model = self.model("zuko/realnvp_6d")
        model.base.f = stand_ins.kind("GMM")
        self.refused(model, "GMM")
        model = self.model("zuko/extra_sospf_3d")
        model.transform.transforms[1] = stand_ins.UnconditionalTransform(stand_ins.SoftclipTransform, 11.0)
        self.refused(model, "by position")
        model.transform.transforms[1] = stand_ins.UnconditionalTransform(stand_ins.make("CallableTransform"))
        self.refused(model, "CallableTransform")

    def test_nflows_parts(self):
        model = self.model("nflows/simple_realnvp_6d")
        model._transform._transforms[1] = stand_ins.make("UMNN")
        self.refused(model, "UMNN")
        model = self.model("nflows/simple_realnvp_6d")
        model._transform._transforms[1] = stand_ins.make("OneByOneConvolution", features=6, eps=1e-3)
        self.refused(model, "event_shape=")
        self.refused(model, "6 values", event_shape=(1, 2, 2))
        model._transform = stand_ins.make("MultiscaleCompositeTransform", _split_dim=2, _transforms=model._transform._transforms)
        self.refused(model, "another axis", event_shape=(6, 1, 1))
        model = self.model("nflows/simple_realnvp_6d")
        net = model._transform._transforms[0].transform_net
        net.__class__, net.context_channels = stand_ins.kind("ConvResidualNet"), 2
        self.refused(model, "context", event_shape=(6, 1, 1))
        model = self.model("nflows/simple_realnvp_6d")
        model._transform._transforms[0].scale_activation = torch.square
        self.refused(model, "scale activation")
        model = self.model("nflows/simple_realnvp_6d")
        model._transform._transforms[0].unconditional_transform = nn.Identity()
        self.refused(model, "unconditional transform Identity")
        model = self.model("nflows/maf_affine_5d")
        model._transform._transforms[1]._dim = 2
        self.refused(model, "permutation")
        model = self.model("nflows/maf_affine_5d")
        model._distribution.__class__ = stand_ins.kind("MADEMoG")
        self.refused(model, "MADEMoG")
        model = self.model("nflows/sbi_maf_cond")
        model.net._embedding_net[1].net[1] = nn.GroupNorm(2, 24)
        self.refused(model, "GroupNorm.*embed outside")

    def test_image_shape(self):
        self.refused(self.model("image_repos/rosinality_glow"), "event_shape=")
        self.refused(self.model("image_repos/rosinality_glow"), "takes 1 channels", event_shape=(3, 8, 8))
        self.refused(self.model("image_repos/chrischute_glow"), "takes 3 channels", event_shape=(1, 8, 8))


class Wrappers(Folder):
    def setUp(self):
        super().setUp()
        quiet = mock.patch("sys.stderr")
        quiet.start()
        self.addCleanup(quiet.stop)

    def test_parallel_and_compiled(self):
        model = self.model("normflows/maf")
        expected = export(model, self.folder + "-plain")
        for wrapped in (nn.DataParallel(model), stand_ins.make("DistributedDataParallel", module=model), stand_ins.make("AveragedModel", module=model),
                        stand_ins.make("OptimizedModule", _orig_mod=nn.DataParallel(model))):
            written = export(wrapped, self.folder)
            self.assertEqual(written["state_dict"], expected["state_dict"])

    def test_posterior_and_trainer(self):
        estimator = self.model("nflows/sbi_maf_cond")
        for wrapped in (types.SimpleNamespace(posterior_estimator=estimator, prior=None), types.SimpleNamespace(_neural_net=estimator)):
            written = self.exported(wrapped)
            self.assertEqual((written["library"], written["event_size"], written["context_size"]), ("nflows", 3, 5))

    def test_composite_is_flattened(self):
        model = self.model("normflows/maf")
        inner = nn.ModuleList([model.flows[0], model.flows[1]])
        model.flows = nn.ModuleList([stand_ins.make("Composite", _flows=inner), model.flows[2]])
        self.assertEqual([layer["key_prefix"] for layer in self.exported(model)["flows"]], ["flows.0._flows.0.", "flows.0._flows.1.", "flows.1."])


class Activations(Folder):
    def test_evaluated_not_named(self):
        for function, expected in ((F.relu, ("relu", None)), (torch.relu, ("relu", None)), (nn.ReLU(inplace=True), ("relu", None)), (torch.tanh, ("tanh", None)),
                                   (lambda x: x * torch.sigmoid(x), ("silu", None)), (nn.GELU(), ("gelu", None)), (F.elu, ("elu", 1.0)),
                                   (F.leaky_relu, ("leaky_relu", 0.01)), (functools.partial(F.leaky_relu, negative_slope=0.3), ("leaky_relu", 0.3)),
                                   (nn.LeakyReLU(0.123456789), ("leaky_relu", 0.123456789)), (nn.ELU(alpha=0.5), ("elu", 0.5)), (nn.SELU(), ("selu", None)),
                                   (nn.PReLU(init=0.25), ("leaky_relu", 0.25)), (nn.Softplus(), ("softplus", None)), (nn.Softplus(beta=2), ("softplus", 2.0)),
                                   (nn.GELU(approximate="tanh"), ("gelu_tanh", None)), (nn.Mish(), ("mish", None)), (nn.ReLU6(), ("relu6", None)), (F.hardswish, ("hardswish", None))):
            with self.subTest(repr(function)):
                self.assertEqual(flow_export._activation(function), expected)
        for function in (torch.sin, nn.Hardtanh(), lambda x: x * x, nn.Softplus(threshold=1)):
            with self.subTest(repr(function)), self.assertRaisesRegex(ExportError, "none of"):
                flow_export._activation(function)

    def test_prelu_is_not_changed(self):
        function = nn.PReLU()
        flow_export._activation(function)
        self.assertEqual(function.weight.dtype, torch.float32)

    def test_normflows_has_bare_words(self):
        model = self.model("normflows/maf")
        for layer in model.flows[::2]:
            for block in layer.autoregressive_net.blocks:
                block.activation = torch.tanh
        self.assertEqual(self.exported(model)["flows"][0]["args"]["activation"], "tanh")
        model = self.model("normflows/maf")
        model.flows[0].autoregressive_net.blocks[1].activation = torch.tanh
        self.refused_after_export(model, "different activations")
        for block in model.flows[0].autoregressive_net.blocks:
            block.activation = nn.ELU(alpha=0.5)
        self.refused_after_export(model, "no place")

    def refused_after_export(self, model, words):
        with self.assertRaisesRegex(ExportError, words):
            export(model, self.folder + "-other")
        self.assertFalse(os.path.exists(self.folder + "-other"))

    def test_nflows_has_parameters(self):
        for function, expected in ((nn.ELU(alpha=0.5), "elu(alpha=0.5)"), (F.elu, "elu(alpha=1)"), (F.leaky_relu, "leaky_relu(0.01)"),
                                   (functools.partial(F.leaky_relu, negative_slope=0.3), "leaky_relu(0.3)"), (nn.LeakyReLU(0.123456789), "leaky_relu(0.123456789)")):
            model = self.model("nflows/maf_affine_5d")
            for module in model.modules():
                if type(module).__name__ == "MaskedResidualBlock":
                    module.activation = function
            self.assertEqual(self.exported(model)["structure"]["transform"]["layers"][0]["net"]["activation"], expected)

    def test_zuko_has_class_names(self):
        model = self.model("zuko/realnvp_6d")
        model.transform.transforms[0].hyper[1] = nn.ELU(alpha=0.5)
        model.transform.transforms[0].hyper[3] = nn.LeakyReLU(0.3)
        modules = self.exported(model)["structure"]["transform"]["layers"][0]["hyper"]["modules"]
        self.assertEqual(modules[1], {"index": "1", "type": "ELU", "alpha": 0.5})
        self.assertEqual(modules[3], {"index": "3", "type": "LeakyReLU", "negative_slope": 0.3})


class Details(Folder):
    def test_slopes_come_from_the_installed_library(self):
        class MonotonicAffineTransform:  # as zuko 1.0.1 to 1.4.1 have it
            def __init__(self, shift, scale, slope=1e-4):
                pass

        model = self.model("zuko/realnvp_6d")
        for transform in model.transform.transforms:
            transform.univariate = MonotonicAffineTransform
        model.transform.transforms[1].univariate = functools.partial(MonotonicAffineTransform, slope=0.02)
        layers = self.exported(model)["structure"]["transform"]["layers"]
        self.assertEqual([layer["univariate"]["slope"] for layer in layers[:3]], [1e-4, 0.02, 1e-4])
        model = self.model("zuko/nsf_5d")
        model.transform.transforms[0].univariate = functools.partial(stand_ins.MonotonicRQSTransform, bound=8)
        univariate = self.exported(model)["structure"]["transform"]["layers"][0]["univariate"]
        self.assertEqual((univariate["bound"], univariate["slope"]), (8.0, 1e-3))

    def test_old_zuko_unconditional(self):
        model = self.model("zuko/extra_sospf_3d")
        model.transform.transforms[1] = stand_ins.Unconditional(stand_ins.SoftclipTransform, bound=11.0)
        model.base = stand_ins.Unconditional(stand_ins.DiagNormal, torch.zeros(3), torch.ones(3), buffer=True)
        written = self.exported(model)["structure"]
        self.assertEqual(written["transform"]["layers"][1]["numbers"], {"bound": 11.0})
        self.assertEqual(written["base"]["tensors"], ["base._0", "base._1"])

    def test_polynomials_of_old_zuko_have_no_least_slope(self):
        class SOSPolynomialTransform:  # as zuko 1.0 to 1.4 have it
            def __init__(self, a, C, **kwargs):
                pass

        model = self.model("zuko/extra_sospf_3d")
        model.transform.transforms[0].univariate = functools.partial(SOSPolynomialTransform, bound=3)
        self.refused(model, "SOSPolynomialTransform")
        model.transform.transforms[0].univariate = SOSPolynomialTransform
        univariate = self.exported(model)["structure"]["transform"]["layers"][0]["univariate"]
        self.assertEqual((univariate["type"], univariate["keywords"]), ("ShiftedSOSPTransform", {"slope": 0.0}))

    def with_network(self, univariate, shapes, prefix="transform.transforms.0"):
        """A flow of zuko whose first layer evaluates this network."""
        model = self.model("zuko/extra_naf_cond_3d")
        model.transform.transforms[0] = stand_ins.make("MaskedAutoregressiveTransform", univariate=univariate, shapes=shapes, total=sum(math.prod(shape) for shape in shapes),
                                                       passes=3, order=torch.tensor([0, 1, 2]), hyper=model.transform.transforms[0].hyper)
        return model

    def test_networks_of_single_features(self):
        univariate = stand_ins.UMNN(5, [4, 3], stack=3, bound=9.0, points=16, activation=functools.partial(nn.LeakyReLU, 0.2))
        univariate.integrand[0].bias = None
        model = self.with_network(univariate, [(5,), ()])
        described = self.exported(model)["structure"]["transform"]["layers"][0]["univariate"]
        self.assertEqual(described, {
            "type": "UMNN", "signal": 5, "hidden": [4, 3], "shared": False, "layers": [f"transform.transforms.0.univariate.integrand.{i}" for i in (0, 2, 4)],
            "activation": "leaky_relu(0.2)", "normalize": False, "positive": "softclip_exp", "bound": 9.0, "quadrature": "gauss_legendre", "points": 16})
        weights = stand_ins.tensors(os.path.join(self.folder, "weights.safetensors"))
        self.assertTrue(torch.equal(weights["transform.transforms.0.univariate.integrand.0.bias"], torch.zeros(3, 4)))
        described = self.exported(self.with_network(stand_ins.MNN(6, [4]), [(6,)]))["structure"]["transform"]["layers"][0]["univariate"]
        self.assertEqual((described["shared"], described["hidden"]), (True, [4]))

    def test_zuko_1_0_keeps_the_network_in_the_transform(self):
        class UnconstrainedNeuralAutoregressiveTransform(stand_ins.UMNN):
            def univariate(self, signal, constant):
                return types.SimpleNamespace(n=32)
        model = self.model("zuko/extra_unaf_3d")
        old = UnconstrainedNeuralAutoregressiveTransform(5, [10, 9], stack=3, bound=9.0)
        old.shapes, old.total, old.passes, old.order, old.hyper = [(5,), ()], 6, 3, torch.tensor([0, 1, 2]), model.transform.transforms[0].hyper
        model.transform.transforms[0] = old
        described = self.exported(model)["structure"]["transform"]["layers"][0]["univariate"]
        self.assertEqual((described["bound"], described["layers"][0]), (9.0, "transform.transforms.0.integrand.0"))

    def test_other_networks_of_single_features(self):
        class Other(stand_ins.UMNN):
            def g(self, signal, x):
                return F.softplus(self.integrand(torch.cat([x[..., None], signal], -1))).squeeze(-1)
        other = Other(5, [4])
        wide = stand_ins.MNN(6, [4])
        wide.network[2] = stand_ins.MonotonicLinear(4, 2)
        normed = stand_ins.UMNN(5, [4])
        normed.integrand.insert(2, nn.LayerNorm(4))
        bent = stand_ins.MNN(6, [4])
        bent.network[1].alpha = 2.0
        for univariate, shapes, words in ((other, [(5,), ()], "integrand is not exp"), (wide, [(6,)], "one output"), (normed, [(5,), ()], "LayerNorm"), (bent, [(6,)], "TwoWayELU")):
            with self.subTest(words):
                self.refused(self.with_network(univariate, shapes), words)

    def test_mixtures_of_sbi_have_a_feature_that_is_0_in_front(self):
        model = self.model("nflows/made_mog_cond_3d")
        net = stand_ins.made(4, 20, 2, 2, True, F.relu, 4 * 3 * 4)
        net.features, net.num_mixture_components, net.epsilon = 4, 4, 0.01
        model._distribution = stand_ins.make("MADEMoGWrapper", _made=net)
        written = self.exported(model)
        self.assertEqual(written["event_size"], 3)
        self.assertTrue(written["structure"]["base"]["zero_in_front"])

    def test_other_integrals_of_nflows(self):
        model = self.model("nflows/extra_umnn_cond_3d")
        transformer = model._transform._transforms[0].transformer
        transformer.solver = "euler"
        self.refused(model, "euler")
        transformer.solver = "CCParallel"
        transformer.integrand_net.net[-1] = nn.Softplus()
        self.refused(model, "Softplus, not elu")

    def test_a_normal_with_correlations(self):
        function = type("MultivariateNormal", (), {})
        for named in ({"covariance_matrix": torch.eye(6)}, {"scale_tril": torch.eye(6)}, {"precision_matrix": torch.eye(6)}, {}):
            model = self.model("zuko/realnvp_6d")
            model.base = stand_ins.UnconditionalDistribution(function, buffer=True, loc=torch.zeros(6), **named) if named else (
                stand_ins.UnconditionalDistribution(function, torch.zeros(6), torch.eye(6), buffer=True))
            form = next(iter(named), "covariance_matrix")
            keys = ["base.loc", f"base.{form}"] if named else ["base._0", "base._1"]
            self.assertEqual(self.exported(model)["structure"]["base"], {"type": "multivariate_normal", "matrix": form, "tensors": keys, "meaning": "loc, matrix"})

    def test_maps_of_single_values_of_nflows(self):
        model = self.model("nflows/maf_affine_5d")
        model._transform._transforms[1] = stand_ins.make("LeakyReLU", negative_slope=0.2, log_negative_slope=torch.log(torch.as_tensor(0.2)))
        model._transform._transforms[2] = stand_ins.make("LogTanh", cut_point=1, alpha=0.25)
        layers = self.exported(model)["structure"]["transform"]["layers"]
        self.assertEqual([layer["steps"] for layer in layers[1:3]], [[{"function": "leaky_relu", "slope": 0.2}], [{"function": "log_tanh", "cut": 1.0, "factor": 0.25}]])

    def test_general_scale_activation(self):
        model = self.model("nflows/simple_realnvp_6d")
        for module in model.modules():
            if type(module).__name__ == "AffineCouplingTransform":
                module.scale_activation = module.GENERAL
        self.assertEqual(self.exported(model)["structure"]["transform"]["layers"][0]["scale"], "clamp(softplus(a)+1e-3, 0, 3)")

    def test_an_embedding_of_ones_own(self):
        embedding = nn.Sequential(nn.Linear(7, 12), nn.ELU(), nn.Linear(12, 3))
        written = self.exported(self.model("zuko/maf_cond_sbi"), embedding=embedding)
        self.assertEqual(written["context_size"], 7)
        self.assertEqual(written["structure"]["embedding"], {"prefix": "_embedding_net", "layers": [
            {"type": "linear", "prefix": "_embedding_net.0"}, {"type": "elu(alpha=1)"}, {"type": "linear", "prefix": "_embedding_net.2"}]})
        self.assertEqual(written["tensors"]["_embedding_net.0.weight"], {"dtype": "F32", "shape": [12, 7]})
        self.assertIn("_embedding_net.0.weight", stand_ins.read_safetensors(os.path.join(self.folder, "weights.safetensors")))
        with self.assertRaisesRegex(ExportError, "bare zuko"):
            export(self.model("nflows/sbi_maf_cond"), self.folder, embedding=embedding)

    def test_the_target_distribution_is_left_out(self):
        model = self.model("normflows/realnvp_2d")
        model.p = nn.Linear(2, 2)
        self.assertFalse([key for key in self.exported(model)["state_dict"] if key.startswith("p.")])

    def test_a_mixture_has_no_shape(self):
        model = self.model("normflows/realnvp_2d")
        model.q0 = stand_ins.make("GaussianMixture", n_modes=3, dim=2)
        for key, shape in (("loc", (1, 3, 2)), ("log_scale", (1, 3, 2)), ("weight_scores", (1, 3))):
            model.q0.register_parameter(key, nn.Parameter(torch.zeros(shape, dtype=torch.float64)))
        written = self.exported(model)
        self.assertEqual((written["event_shape"], written["base"]), ([2], {"type": "GaussianMixture", "args": {"n_modes": 3, "dim": 2}, "key_prefix": "q0."}))
        self.assertEqual(written["state_dict"]["q0.loc"], {"dtype": "F64", "shape": [1, 3, 2]})

    def test_circular_layers(self):
        model = self.model("normflows/nsf_coupling_2d")
        spline = model.flows[0]
        spline.__class__ = stand_ins.kind("CircularCoupledRationalQuadraticSpline")
        feature, other = spline.prqct.transform_features.item(), spline.prqct.identity_features.item()
        spline.prqct.tails, spline.prqct.unconditional_transform.tails = ["linear"], ["circular"]
        spline.prqct.transform_net.preprocessing = stand_ins.make("PeriodicFeaturesElementwise", scale=1.0, apply_bias=False)
        model.flows[1] = stand_ins.make("PeriodicWrap", ind=[other], bound=3.0)
        model.flows[2] = stand_ins.make("PeriodicShift", ind=[other], bound=3, shift=torch.tensor([0.5]))
        model.q0 = stand_ins.make("UniformGaussian", ndim=2)
        model.q0.register_buffer("ind", torch.tensor([other]))
        written = self.exported(model)
        self.assertEqual(written["event_shape"], [2])
        self.assertEqual(written["flows"][0]["args"]["ind_circ"], [other])
        self.assertNotIn("tails", written["flows"][0]["args"])
        self.assertEqual([layer["args"] for layer in written["flows"][1:3]], [{"ind": [other], "bound": 3.0}, {"ind": [other], "bound": 3.0, "shift": [0.5]}])
        self.assertEqual(written["base"], {"type": "UniformGaussian", "args": {"ndim": 2, "ind": [other]}, "key_prefix": "q0."})

    def test_linear_layers_of_nflows(self):
        model = self.model("nflows/nsf_coupling_lu_6d")
        orthogonal = stand_ins.make("HouseholderSequence", features=6, num_transforms=2)
        orthogonal.q_vectors = nn.Parameter(torch.ones(2, 6))
        model._transform._transforms[1] = stand_ins.make("QRLinear", orthogonal=orthogonal)
        model._transform._transforms[3] = stand_ins.make("InverseTransform", _transform=stand_ins.make("SVDLinear", eps=0.01, orthogonal_1=orthogonal, orthogonal_2=orthogonal))
        layers = self.exported(model)["structure"]["transform"]["layers"]
        self.assertEqual(layers[1], {"type": "qr_linear", "prefix": "_transform._transforms.1"})
        self.assertEqual(layers[3], {"type": "inverse", "prefix": "_transform._transforms.3",
                                     "transform": {"type": "svd_linear", "prefix": "_transform._transforms.3._transform", "eps": 0.01}})

    def test_images_of_nflows(self):
        model = self.model("nflows/simple_realnvp_6d")
        coupling, permuted = model._transform._transforms[0], stand_ins.make("OneByOneConvolution", features=4, eps=1e-3)
        permuted.permutation = stand_ins.make("RandomPermutation", _dim=1)
        permuted.permutation.register_buffer("_permutation", torch.tensor([2, 0, 1, 3]))
        block = stand_ins.make("ConvResidualBlock", activation=F.relu, use_batch_norm=True)
        block.batch_norm_layers = nn.ModuleList([nn.BatchNorm2d(8, eps=1e-3) for _ in range(2)])
        block.conv_layers = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)])
        net = stand_ins.make("ConvResidualNet", hidden_channels=8, context_channels=None, blocks=nn.ModuleList([block]))
        net.initial_layer, net.final_layer = nn.Conv2d(2, 8, 1), nn.Conv2d(8, 4, 1)
        coupling.transform_net = net
        coupling.identity_features, coupling.transform_features = torch.tensor([0, 1]), torch.tensor([2, 3])
        first = stand_ins.make("CompositeTransform", _transforms=nn.ModuleList([stand_ins.make("SqueezeTransform", factor=2), permuted]))
        model._transform = stand_ins.make("MultiscaleCompositeTransform", _split_dim=1, _transforms=nn.ModuleList([first, coupling]))
        model._distribution._shape = torch.Size([16])
        written = self.exported(model, event_shape=(1, 4, 4))
        self.assertEqual((written["event_shape"], written["event_size"]), ([1, 4, 4], 16))
        scales = written["structure"]["transform"]["layers"]
        self.assertEqual([layer["type"] for layer in scales[0]["layers"]], ["squeeze", "one_by_one_conv"])
        self.assertEqual(scales[0]["layers"][1]["prefix"], "_transform._transforms.0._transforms.1")
        self.assertEqual({key: scales[1]["net"][key] for key in ("type", "in", "hidden", "outputs", "num_blocks", "activation", "batch_norm")},
                         {"type": "conv_residual_net", "in": 2, "hidden": 8, "outputs": 4, "num_blocks": 1, "activation": "relu", "batch_norm": True})

    def test_other_bases_of_nflows(self):
        model = self.model("nflows/maf_affine_5d")
        model._distribution = stand_ins.make("DiagonalNormal", _shape=torch.Size([5]))
        self.assertEqual(self.exported(model)["structure"]["base"], {"type": "diagonal_normal", "shape": [5], "prefix": "_distribution"})
        model._distribution = stand_ins.make("ConditionalDiagonalNormal", _shape=torch.Size([5]))
        model._distribution._context_encoder = nn.Sequential(nn.Linear(3, 7), nn.ReLU(), nn.Linear(7, 10))
        self.assertEqual([layer["type"] for layer in self.exported(model)["structure"]["base"]["encoder"]["layers"]], ["linear", "relu", "linear"])

    def test_the_network_of_a_single_parameter(self):
        model = self.model("nflows/sbi_nsf_cond")
        coupling = next(module for module in model.modules() if type(module).__name__ == "PiecewiseRationalQuadraticCouplingTransform")
        coupling.transform_net = stand_ins.make("ContextSplineMap", hidden_features=4, spline_predictor=nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5)))
        text = json.dumps(self.exported(model)["structure"])
        self.assertIn('"context_spline_map"', text)
        self.assertIn('"softmax_scale_divisor_sqrt_of": 4', text)

    def test_a_monotonic_affine_transform_tells_its_slope(self):
        model = self.model("zuko/realnvp_6d")
        model.transform.transforms[0] = stand_ins.UnconditionalTransform(stand_ins.MonotonicAffineTransform, torch.zeros(6), torch.zeros(6))
        self.assertEqual(self.exported(model)["structure"]["transform"]["layers"][0]["numbers"], {"slope": 1e-3})

    def test_a_bound_for_each_feature(self):
        model = self.model("normflows/nsf_coupling_2d")
        inner = model.flows[0].prqct
        del inner.tail_bound
        inner.register_buffer("tail_bound", torch.tensor([2.0]))
        inner.unconditional_transform.register_buffer("tail_bound", torch.tensor([3.5]))
        args = self.exported(model)["flows"][0]["args"]
        self.assertEqual(args["tail_bound"], [2.0, 3.5] if inner.transform_features.item() == 0 else [3.5, 2.0])
        model = self.model("normflows/nsf_ar")
        del model.flows[0].mprqat.tail_bound
        model.flows[0].mprqat.register_buffer("tail_bound", torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))
        self.assertEqual(self.exported(model)["flows"][0]["args"]["tail_bound"], [1.0, 2.0, 3.0, 4.0, 5.0])

    def test_a_merge_by_checkerboard_doubles_the_width(self):
        model = self.model("normflows/glow_variants")
        model.merges[0].mode = "checkerboard"
        written = self.exported(model)
        self.assertEqual(written["merges"][0]["args"], {"mode": "checkerboard"})
        channels, height, width = model.q0[0].shape
        for layer in model.flows[0]:
            if type(layer).__name__ == "Squeeze":
                channels, height, width = channels // 4, height * 2, width * 2
        self.assertEqual(written["event_shape"], [channels // 4, height * 2, width * 4])

    def test_an_autoregressive_circular_layer(self):
        model = self.model("normflows/nsf_ar")
        model.flows[0].__class__ = stand_ins.kind("CircularAutoregressiveRationalQuadraticSpline")
        model.flows[0].mprqat.tails = ["linear", "circular", "linear", "linear", "circular"]
        args = self.exported(model)["flows"][0]["args"]
        self.assertEqual((args["ind_circ"], args["num_input_channels"]), ([1, 4], 5))

    def test_a_box_is_null_tails(self):
        model = self.model("normflows/nsf_coupling_2d")
        model.flows[0].prqct.tails = None
        self.assertIsNone(self.exported(model)["flows"][0]["args"]["tails"])
        model = self.model("nflows/nsf_coupling_lu_6d")
        coupling = next(module for module in model.modules() if type(module).__name__ == "PiecewiseRationalQuadraticCouplingTransform")
        coupling.tails = None
        self.assertIn('"tails": null', json.dumps(self.exported(model)["structure"]))

    def test_a_planar_layer_tells_its_slope(self):
        model = self.model("normflows/realnvp_2d")
        planar = stand_ins.make("Planar", act="leaky_relu", h=nn.LeakyReLU(negative_slope=0.2))
        planar.u, planar.w, planar.b = (nn.Parameter(torch.ones(shape)) for shape in ((1, 2), (1, 2), (1,)))
        model.flows[1] = planar
        written = self.exported(model)["flows"][1]
        self.assertEqual((written["type"], written["args"]), ("Planar", {"shape": [2], "act": "leaky_relu", "negative_slope": 0.2}))
        self.assertIn("flows.1.u", stand_ins.read_safetensors(os.path.join(self.folder, "weights.safetensors")))

    def test_a_reversed_layer_holds_its_layer(self):
        model = self.model("normflows/realnvp_2d")
        model.flows[1] = stand_ins.make("Reverse", flow=model.flows[1])
        written = self.exported(model)["flows"][1]
        self.assertEqual((written["type"], written["args"]["flow"]["key_prefix"]), ("Reverse", "flows.1.flow."))

    def test_other_bases_of_normflows(self):
        model = self.model("normflows/realnvp_2d")
        model.q0 = stand_ins.make("AffineGaussian", shape=(2,), transform=stand_ins.make("AffineConstFlow"))
        for key in ("s", "t"):
            model.q0.transform.register_parameter(key, nn.Parameter(torch.zeros(1, 2)))
        self.assertEqual(self.exported(model)["base"]["args"], {"shape": [2], "affine_shape": [2], "num_classes": None})
        model.q0 = stand_ins.make("Uniform", shape=(2,), low=torch.tensor(-1.0), high=torch.tensor(2.0))
        self.assertEqual(self.exported(model)["base"]["args"], {"shape": [2], "low": -1.0, "high": 2.0})

    def test_the_version(self):
        model = self.model("nflows/maf_affine_5d")
        with mock.patch.dict(sys.modules, {"nflows": types.ModuleType("nflows"), "nflows.version": types.SimpleNamespace(__version__="0.14")}):
            self.assertEqual(self.exported(model)["version"], "0.14")
        self.assertEqual(self.exported(model, version="0.13")["version"], "0.13")

    def test_new_weight_norm(self):
        self.assertEqual(flow_export._old_weight_norm("a.conv.parametrizations.weight.original0"), "a.conv.weight_g")
        self.assertEqual(flow_export._old_weight_norm("a.conv.parametrizations.weight.original1"), "a.conv.weight_v")

    def test_every_dtype(self):
        model = self.model("normflows/realnvp_2d")
        values = {"a": torch.tensor([1.5, -2], dtype=torch.bfloat16), "b": torch.tensor([1, 0], dtype=torch.uint8), "c": torch.tensor([True, False]),
                  "d": torch.tensor(3.25, dtype=torch.float64), "e": torch.zeros(0), "f": torch.tensor([2.5], dtype=torch.float16), "g": torch.arange(6).view(2, 3).t()}
        for key, value in values.items():
            model.q0.register_buffer(key, value)
        self.exported(model)
        written = stand_ins.read_safetensors(os.path.join(self.folder, "weights.safetensors"))
        self.assertEqual([written["q0." + key][:2] for key in "abcdefg"],
                         [("BF16", [2]), ("U8", [2]), ("BOOL", [2]), ("F64", []), ("F32", [0]), ("F16", [1]), ("I64", [3, 2])])
        self.assertEqual(written["q0.a"][2], b"\xc0\x3f\x00\xc0")
        self.assertEqual(written["q0.g"][2], b"".join(n.to_bytes(8, "little") for n in (0, 3, 1, 4, 2, 5)))

    def test_the_header(self):
        self.exported(self.model("normflows/affine_mix"))
        with open(os.path.join(self.folder, "weights.safetensors"), "rb") as file:
            data = file.read()
        length = int.from_bytes(data[:8], "little")
        self.assertEqual(length % 8, 0)
        spans = sorted(entry["data_offsets"] for entry in json.loads(data[8:8 + length]).values())
        self.assertEqual([begin for begin, _ in spans], [0] + [end for _, end in spans[:-1]])
        self.assertEqual(spans[-1][1], len(data) - 8 - length)

    def test_cases(self):
        model = self.model("normflows/realnvp_2d")
        model.__class__ = type("NormalizingFlow", (nn.Module,), {"log_prob": lambda self, x: x.add_(1).sum(1) if not self.training else None})
        x = torch.arange(40.0).view(20, 2)
        model.train()
        model.flows[0].eval()
        export(model, self.folder, x=x)
        cases = stand_ins.read_safetensors(os.path.join(self.folder, "cases.safetensors"))
        self.assertEqual((cases["x"][1], cases["log_prob"][:2]), ([20, 2], ("F64", [20])))
        self.assertEqual(cases["x"][2], x.double().numpy().tobytes())  # not changed by a flow that works in place
        self.assertTrue(model.training and model.flows[1].training)
        self.assertFalse(model.flows[0].training)
        export(self.model("normflows/realnvp_2d"), self.folder)  # it computes nothing, and its predecessor's cases are not its own
        self.assertEqual(sorted(os.listdir(self.folder)), ["model.json", "weights.safetensors"])


class TheLiveModel(Folder):
    def test_nothing_changes(self):
        for name in ("normflows/conditional_mix", "zuko/sbi_zuko_nsf_cond", "nflows/nsf_coupling_lu_6d", "nflows/simple_realnvp_6d"):
            with self.subTest(name):
                model = self.model(name).double()
                model.train()
                next(model.children()).eval()
                flags = [module.training for module in model.modules()]
                before = copy.deepcopy(model.state_dict())
                needs = [p.requires_grad for p in model.parameters()]
                addresses = [value.data_ptr() for value in model.state_dict().values()]
                export(model, self.folder)
                self.assertEqual([module.training for module in model.modules()], flags)
                self.assertEqual([p.requires_grad for p in model.parameters()], needs)
                self.assertEqual([value.data_ptr() for value in model.state_dict().values()], addresses)
                for key, value in model.state_dict().items():
                    self.assertEqual((value.dtype, value.device), (before[key].dtype, before[key].device))
                    self.assertTrue(torch.equal(value, before[key]), key)


class HalfWritten(Folder):
    def test_the_description_comes_last(self):
        written = []
        real = flow_export._write
        with mock.patch.object(flow_export, "_write", lambda path, data: (written.append(os.path.basename(path)), real(path, data))):
            export(self.model("zuko/realnvp_6d"), self.folder)
        self.assertEqual(written, ["weights.safetensors", "model.json"])

    def test_a_failure_leaves_no_complete_folder(self):
        export(self.model("zuko/realnvp_6d"), self.folder)
        for broken in ("weights.safetensors", "model.json"):
            def replace(source, target, real=os.replace):
                if os.path.basename(target) == broken:
                    raise OSError("disk full")
                real(source, target)

            with mock.patch("os.replace", replace), self.assertRaises(OSError):
                export(self.model("zuko/nsf_5d"), self.folder)
            self.assertFalse(os.path.exists(os.path.join(self.folder, "model.json")))
            self.assertFalse([name for name in os.listdir(self.folder) if name.endswith(".tmp")])

    def test_a_refusal_leaves_an_earlier_export_alone(self):
        export(self.model("zuko/realnvp_6d"), self.folder)
        model = self.model("zuko/realnvp_6d")
        model.transform.transforms[2] = stand_ins.make("FFJTransform")
        with self.assertRaises(ExportError):
            export(model, self.folder)
        self.assertEqual(sorted(os.listdir(self.folder)), ["model.json", "weights.safetensors"])


if __name__ == "__main__":
    unittest.main()
