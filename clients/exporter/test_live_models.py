"""Exports small models that compute, of classes named and built as the libraries have them, and checks what lies in the folder."""
import copy
import math
import os
import sys
import tempfile
import unittest
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stand_ins
from flow_export import ExportError, export


class StandardNormal(nn.Module):
    def __init__(self, features):
        super().__init__()
        self._shape = torch.Size([features])
        self.register_buffer("_log_z", torch.tensor(0.5 * features * math.log(2 * math.pi), dtype=torch.float64), persistent=False)

    def sample(self, count, context=None):
        return torch.randn(count, *self._shape)

    def log_prob(self, z):
        return -0.5 * z.square().sum(1) - self._log_z


class AffineCouplingTransform(nn.Module):
    """Keeps the first feature and maps the second."""

    def __init__(self, net, scale=lambda a: torch.sigmoid(a + 2) + 1e-3):
        super().__init__()
        self.transform_net, self.scale_activation = net, scale
        self.register_buffer("identity_features", torch.tensor([0]))
        self.register_buffer("transform_features", torch.tensor([1]))

    def _scale_and_shift(self, parameters):
        return self.scale_activation(parameters[:, 1:]), parameters[:, :1]

    def forward(self, x, context=None):
        scale, shift = self._scale_and_shift(self.transform_net(x[:, :1]))
        return torch.cat([x[:, :1], x[:, 1:] * scale + shift], 1), scale.log().sum(1)

    def inverse(self, z, context=None):
        scale, shift = self._scale_and_shift(self.transform_net(z[:, :1]))
        return torch.cat([z[:, :1], (z[:, 1:] - shift) / scale], 1), -scale.log().sum(1)


class CompositeTransform(nn.Module):
    def __init__(self, transforms):
        super().__init__()
        self._transforms = nn.ModuleList(transforms)

    def _all(self, x, calls, context):
        total = 0
        for call in calls:
            x, log_det = call(x, context)
            total = total + log_det
        return x, total

    def forward(self, x, context=None):
        return self._all(x, self._transforms, context)

    def inverse(self, z, context=None):
        return self._all(z, [t.inverse for t in reversed(self._transforms)], context)


class Flow(nn.Module):
    def __init__(self, *transforms):
        super().__init__()
        self._transform, self._distribution = CompositeTransform(transforms), StandardNormal(2)

    def log_prob(self, x, context=None):
        z, log_det = self._transform(x, context)
        return self._distribution.log_prob(z) + log_det


class ResidualBlock(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.linear_layers, self.activation, self.use_batch_norm = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)]), activation, False

    def forward(self, x):
        h = self.linear_layers[0](self.activation(x))
        return x + self.linear_layers[1](self.activation(h))


class ResidualNet(nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.hidden_features, self.context_features = 4, None
        self.initial_layer, self.blocks, self.final_layer = nn.Linear(1, 4), nn.ModuleList([ResidualBlock(activation)]), nn.Linear(4, 2)

    def forward(self, x, context=None):
        h = self.initial_layer(x)
        for block in self.blocks:
            h = block(h)
        return self.final_layer(h)


def network(*middle):
    return nn.Sequential(nn.Linear(1, 4), *middle, nn.Linear(4, 2))


def image(shape, *middle):
    """A network that sees rows of so many axes."""
    body = nn.Sequential(nn.Linear(1, math.prod(shape)), nn.Unflatten(1, shape), *middle, nn.Flatten())
    return nn.Sequential(*body, nn.Linear(body(torch.zeros(2, 1)).shape[1], 2))


class FCEmbedding(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, 6), nn.Identity(), nn.ReLU(), nn.Linear(6, outputs))

    def forward(self, x):
        return self.net(x)


class CNNEmbedding(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.input_shape, self.cnn_subnet = shape, nn.Sequential(nn.Conv1d(shape[0], 3, 5, padding=1), nn.ReLU(inplace=True), nn.MaxPool1d(2))
        self.linear_subnet = FCEmbedding(self.cnn_subnet(torch.zeros(1, *shape)).numel(), 4)

    def forward(self, x):
        return self.linear_subnet(self.cnn_subnet(x.reshape(len(x), *self.input_shape)).flatten(1))


class PermutationInvariantEmbedding(nn.Module):
    def __init__(self, width, aggregation):
        super().__init__()
        self.trial_net, self.fc_subnet = nn.Sequential(nn.Linear(width, 5), nn.PReLU(5), nn.Linear(5, 3)), FCEmbedding(4, 4)
        self.aggregation_fn, self.aggregation_dim = aggregation, 1

    def forward(self, x):
        h = self.trial_net(x.reshape(-1, x.shape[2])).reshape(*x.shape[:2], 3).sum(1) / (x.shape[1] if self.aggregation_fn == "mean" else 1)
        return self.fc_subnet(torch.cat([h, torch.full((len(x), 1), x.shape[1])], 1))


class Embedded(Flow):
    def __init__(self, embedding):
        super().__init__(AffineCouplingTransform(network(nn.Tanh())))
        self._embedding_net, self.seen = embedding, None

    def log_prob(self, x, context=None):
        self.seen = self._embedding_net(context)
        return super().log_prob(x)


class NFlowsFlow(nn.Module):
    """sbi's estimator: a condition of several axes."""

    def __init__(self, embedding, *shape):
        super().__init__()
        self.net, self.input_shape, self.condition_shape = Embedded(embedding), torch.Size([2]), torch.Size(shape)

    def log_prob(self, x, condition):
        return self.net.log_prob(x[0], condition)[None]


class Live(unittest.TestCase):
    def setUp(self):
        aside = tempfile.TemporaryDirectory()
        self.addCleanup(aside.cleanup)
        self.folder = os.path.join(aside.name, "model")
        torch.manual_seed(0)

    def exported(self, model, **hints):
        written = export(model, self.folder, **hints)
        self.weights, self.cases = (stand_ins.tensors(os.path.join(self.folder, name)) for name in ("weights.safetensors", "cases.safetensors"))
        return written["structure"]["transform"]["layers"][0]

    def refused(self, model, words):
        with self.assertRaisesRegex(ExportError, words):
            export(model, self.folder)

    def described(self, net, h):
        """What the description says of a network, computed with the exported weights by plain arithmetic in float64."""
        known = {"relu": torch.relu, "tanh": torch.tanh, "mish": F.mish}
        weight = lambda layer, name: self.weights[f"{layer['prefix']}.{name}"].double()
        for layer in net["layers"]:
            if layer["type"] == "linear":
                h = h @ weight(layer, "weight").T + weight(layer, "bias")
            elif layer["type"] == "layer_norm":
                h = (h - h.mean(1, keepdim=True)) / (h.var(1, unbiased=False, keepdim=True) + layer["eps"]).sqrt()
                h = h * weight(layer, "weight") + weight(layer, "bias") if layer["affine"] else h
            elif layer["type"] == "batch_norm":
                h = (h - weight(layer, "running_mean")) / (weight(layer, "running_var") + layer["eps"]).sqrt() * weight(layer, "weight") + weight(layer, "bias")
            else:
                h = known[layer["type"]](h)
        return h

    def test_every_network_is_described_as_it_computes(self):
        again = nn.Tanh()
        shared = nn.Linear(4, 4)
        for name, net in {
            "an activation twice": network(again, nn.Linear(4, 4), again), "in place": network(nn.ReLU(inplace=True)), "a layer twice": network(shared, nn.Tanh(), shared),
            "LayerNorm": network(nn.LayerNorm(4), nn.Tanh()), "LayerNorm without weights": network(nn.LayerNorm(4, elementwise_affine=False), nn.Tanh()),
            "BatchNorm1d": network(nn.BatchNorm1d(4), nn.Tanh()), "BatchNorm1d without weights": network(nn.BatchNorm1d(4, affine=False), nn.Tanh()),
            "no bias": network(nn.Linear(4, 4, bias=False), nn.Tanh()), "nothing to do": network(nn.Dropout(0.5), nn.Identity(), nn.Flatten(), nn.AlphaDropout(), nn.Tanh()),
            "weight_norm": network(nn.utils.weight_norm(nn.Linear(4, 4)), nn.Tanh()), "spectral_norm": network(nn.utils.spectral_norm(nn.Linear(4, 4)), nn.Tanh()),
            "a parametrised spectral norm": network(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)), nn.Tanh()), "orthogonal": network(nn.utils.parametrizations.orthogonal(nn.Linear(4, 4)), nn.Tanh()),
            "nested": nn.Sequential(nn.Sequential(nn.Linear(1, 4), nn.Mish()), nn.Linear(4, 2)),
            "slopes": network(nn.PReLU(4)), "folded": network(nn.Unflatten(1, (2, 2)), nn.Flatten(), nn.Tanh()),
            "a convolution": image((1, 8), nn.Conv1d(1, 3, 3, padding=1, padding_mode="circular"), nn.ReLU(inplace=True), nn.MaxPool1d(2), nn.PReLU(3)),
            "pooled below 0": image((1, 9), nn.Tanh(), nn.MaxPool1d(3, stride=2, padding=1), nn.Conv1d(1, 2, 2, stride=2, bias=False)),
            "a last value that no window has": image((1, 7), nn.MaxPool1d(2), nn.Tanh()),
            "pictures": image((2, 4, 5), nn.Conv2d(2, 3, 2, dilation=2), nn.ReLU(), nn.MaxPool2d(2, stride=1), nn.ConvTranspose2d(3, 2, 2), nn.AvgPool2d(2)),
            "a normed convolution": image((1, 8), nn.utils.weight_norm(nn.Conv1d(1, 3, 3)), nn.Tanh(), nn.AdaptiveAvgPool1d(2)),
        }.items():
            with self.subTest(name):
                for module in net.modules():
                    if isinstance(module, nn.BatchNorm1d):
                        module(torch.randn(50, 4) * 2 + 1)
                layer = self.exported(Flow(AffineCouplingTransform(net)))
                x = self.cases["x"]
                emitted = self.described(layer["net"], x[:, :1])
                z = x[:, 1] * (torch.sigmoid(emitted[:, 1] + 2) + 1e-3) + emitted[:, 0]
                self.assertLess(float((z - self.cases["z"][:, 1]).abs().max()), 1e-12)

    def test_networks_of_sbi_see_conditions_of_several_axes(self):
        for shape, embedding in (((2, 9), CNNEmbedding(2, 9)), ((12,), CNNEmbedding(1, 12)), ((5, 3), PermutationInvariantEmbedding(3, "sum")), ((5, 3), PermutationInvariantEmbedding(3, "mean"))):
            with self.subTest(f"{type(embedding).__name__}, {shape}"):
                model = NFlowsFlow(embedding, *shape)
                condition = torch.randn(7, *shape)
                written = export(model, self.folder, context=condition)
                self.assertEqual(written["context_size"], math.prod(shape))
                self.weights, cases = (stand_ins.tensors(os.path.join(self.folder, name)) for name in ("weights.safetensors", "cases.safetensors"))
                self.assertEqual(tuple(cases["context"].shape[1:]), (math.prod(shape),))
                with torch.no_grad():
                    expected = copy.deepcopy(embedding).double()(cases["context"].reshape(-1, *shape))
                self.assertLess(float((self.described(written["structure"]["embedding"], cases["context"]) - expected).abs().max()), 1e-12)
        self.refused(NFlowsFlow(PermutationInvariantEmbedding(3, "sum"), 15), r"_embedding_net \(PermutationInvariantEmbedding\): the number of trials is not known")

    def test_an_activation_that_writes_over_the_skip(self):
        for activation in (nn.ReLU(inplace=True), F.relu_, nn.ELU(inplace=True)):
            self.assertTrue(self.exported(Flow(AffineCouplingTransform(ResidualNet(activation))))["net"]["inplace"])
        self.assertNotIn("inplace", self.exported(Flow(AffineCouplingTransform(ResidualNet(F.relu))))["net"])

    def test_scales_are_measured(self):
        for function, expected in ((torch.exp, ("exp", 1, 1, 0, 0, None)), (F.softplus, ("softplus", 1, 1, 0, 0, None)), (lambda a: 2 * torch.sigmoid(a), ("sigmoid", 2, 1, 0, 0, None)),
                                   (lambda a: torch.sigmoid(a + 1) + 0.01, ("sigmoid", 1, 1, 1, 0.01, None)), (lambda a: (4 * (torch.sigmoid(a) - 0.5)).exp(), ("tanh", 2, 0.5, 0, 0, None)),
                                   (lambda a: (F.softplus(a) + 0.1).clamp(max=5), ("softplus", 1, 1, 0, 0.1, 5))):
            scale = self.exported(Flow(AffineCouplingTransform(network(nn.Tanh()), function)))["scale"]
            self.assertEqual(tuple(scale[key] for key in ("map", "factor", "slope", "offset", "least", "most")), expected)
        self.refused(Flow(AffineCouplingTransform(network(nn.Tanh()), lambda a: a.square() + 1)), r"_transform._transforms.0 \(AffineCouplingTransform\): the scale activation is none of")

    def test_the_cases_are_the_models_own_numbers(self):
        model = Flow(AffineCouplingTransform(network(nn.Tanh())), AffineCouplingTransform(network(nn.ReLU())))
        given = torch.randn(5, 2)
        self.exported(model, x=given)
        exact = copy.deepcopy(model).double()
        x = self.cases["x"]
        self.assertTrue(torch.equal(x[-5:], given.double()))
        with torch.no_grad():
            z, log_det = exact._transform(x)
            first, _ = exact._transform._transforms[0](x)
            back, _ = exact._transform.inverse(self.cases["z_in"])
            for key, expected in {"z": z, "log_det": log_det, "log_prob": exact.log_prob(x), "x_out": back, "trace/0000/_transform._transforms.0 AffineCouplingTransform": first}.items():
                self.assertLess(float((self.cases[key] - expected).abs().max()), 1e-13, key)
        self.assertEqual(next(model.parameters()).dtype, torch.float32)

    def test_hooks_and_overridden_methods_show_in_the_cases(self):
        usual, hooked = Flow(AffineCouplingTransform(network(nn.Tanh()))), None
        hooked = copy.deepcopy(usual)
        hooked._transform._transforms[0].transform_net[0].register_forward_hook(lambda module, given, result: result * 1.001)
        louder = copy.deepcopy(usual)
        louder.__class__ = type("Flow", (Flow,), {"log_prob": lambda self, x, context=None: Flow.log_prob(self, x) + 0.01})
        self.exported(usual)
        expected = self.cases
        self.exported(hooked)
        self.assertGreater(float((self.cases["x_out"] - expected["x_out"]).abs().max()), 1e-6)
        self.exported(louder)
        self.assertAlmostEqual(float((self.cases["log_prob"] - expected["log_prob"]).mean()), 0.01)

    def test_a_constant_in_float32_has_its_tolerance(self):
        model = Flow(AffineCouplingTransform(network(nn.Tanh())))
        model._distribution._log_z = model._distribution._log_z.float()
        self.exported(model)
        missed = abs(float(model._distribution._log_z) - math.log(2 * math.pi))
        self.assertTrue(missed <= float(self.cases["log_prob_tolerance"]) <= 1.01 * missed)

    def test_what_cannot_be_described_is_a_sentence_with_the_layers_path(self):
        at = r"_transform._transforms.0.transform_net.1 \({}\): "
        for module, words in ((nn.GLU(), "no activation"), (nn.Conv1d(1, 1, 1), "begin with an Unflatten"), (nn.MaxPool1d(2), "begin with an Unflatten"), (nn.Unflatten(1, (3, 2)), "multiply up"), (nn.BatchNorm1d(4, track_running_stats=False), "those of each batch"),
                              (nn.PReLU(3), "3 slopes stands behind 4"), (nn.GroupNorm(2, 4), "use Linear"), (nn.Softmax(dim=-1), "none of")):
            with self.subTest(type(module).__name__):
                self.refused(Flow(AffineCouplingTransform(network(module))), at.format(type(module).__name__) + ".*" + words)
        broken = AffineCouplingTransform(network(nn.Tanh()))
        del broken._buffers["transform_features"]
        self.refused(Flow(broken), r"_transform._transforms.0 \(AffineCouplingTransform\): is not built as the library builds it")

    def test_a_flow_of_few_latents_is_tried_on_those_that_it_makes(self):
        class Tanh(nn.Module):
            def forward(self, x, context=None):
                return x.tanh(), (1 - x.tanh() ** 2).log().sum(1)

            def inverse(self, z, context=None):
                return z.atanh(), -(1 - z ** 2).log().sum(1)

        class PointwiseAffineTransform(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("_shift", torch.tensor(0.5))
                self.register_buffer("_scale", torch.tensor(0.01))

            def forward(self, x, context=None):
                return x * self._scale + self._shift, 2 * self._scale.log()

            def inverse(self, z, context=None):
                return (z - self._shift) / self._scale, -2 * self._scale.log()

        model = Flow(Tanh())
        model._transform = CompositeTransform([Tanh(), PointwiseAffineTransform()])
        export(model, self.folder)
        drawn = stand_ins.tensors(os.path.join(self.folder, "cases.safetensors"))["z_in"]
        self.assertTrue(len(drawn) >= 16 and bool(((drawn - 0.5).abs() < 0.01).all()))

    def test_weights_without_values(self):
        self.refused(Flow(AffineCouplingTransform(network(nn.Tanh()))).to("meta"), "meta device and has no value")

    def test_a_model_that_is_no_flow_is_refused(self):
        model = Flow(AffineCouplingTransform(network(nn.Tanh())))
        with mock.patch.object(AffineCouplingTransform, "inverse", lambda self, z, context=None: (z, torch.zeros(len(z)))):
            self.refused(model, "inverse does not undo it")
        model = Flow(AffineCouplingTransform(network(nn.Tanh())))
        with mock.patch.object(Flow, "log_prob", lambda self, x, context=None: 1 / 0):
            self.refused(model, "the model itself fails on rows that it should take .*division by zero")


if __name__ == "__main__":
    unittest.main()
