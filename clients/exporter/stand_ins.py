"""Objects that look like those of normflows, zuko, nflows, sbi and the Glow repositories: the same class names, attributes and keys,
built from a description. They compute nothing; the exporter reads them in place of the libraries, which the tests do not need.
"""
import functools
import json
import math
import os
import struct
import types

import numpy
import torch
from torch import nn
from torch.nn import functional as F

_NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


def read_safetensors(path):
    """{key: (dtype, shape, bytes)} of a file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {key: (entry["dtype"], entry["shape"], data[8 + length + entry["data_offsets"][0]:8 + length + entry["data_offsets"][1]])
            for key, entry in header.items()}


def tensors(path):
    """{key: tensor} of a file."""
    return {key: torch.from_numpy(numpy.frombuffer(raw, dtype=_NUMPY[dtype]).reshape(shape).copy()) for key, (dtype, shape, raw) in read_safetensors(path).items()}


def read_golden(folder):
    """(description, state) of a golden folder."""
    with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
        description = json.load(file)
    state = {}
    for key, (dtype, shape, raw) in read_safetensors(os.path.join(folder, "weights.safetensors")).items():
        state[key] = torch.from_numpy(numpy.frombuffer(raw, dtype=_NUMPY[dtype]).reshape(shape).copy())
    return description, state


def build(description, state):
    """The live object that `description` tells of, with the weights `state`."""
    library = description["library"]
    if library == "normflows":
        model = _normflows(description, state)
    elif library == "zuko":
        model = _zuko(description, state)
    elif library == "nflows":
        model = _nflows(description, state)
    else:
        model = {"rosinality/glow-pytorch": _rosinality, "chrischute/glow": _chrischute_glow, "chrischute/real-nvp": _chrischute_realnvp}[library](description, state)
    model.load_state_dict(state)  # strict: the keys are exactly the library's own
    return model


def fill(module, state, prefix, parameters):
    """Gives a module its own tensors: those named are parameters, the others buffers."""
    for key, value in state.items():
        name = key[len(prefix):]
        if key.startswith(prefix) and "." not in name and name not in module._parameters and name not in module._buffers:
            if name in parameters:
                module.register_parameter(name, nn.Parameter(torch.zeros_like(value)))
            else:
                module.register_buffer(name, torch.zeros_like(value))
    return module


def kind(name, base=nn.Module):
    """A class of a given name: libraries use one name for several things, so they cannot all be written out here."""
    return type(name, (base,), {})


def make(name, state=None, prefix="", parameters=(), **attributes):
    module = kind(name)()
    for key, value in attributes.items():
        setattr(module, key, value)
    return module if state is None else fill(module, state, prefix, parameters)


# --- zuko --------------------------------------------------------------------------------------------------------------------
# Constructors of transforms, with the signatures of zuko 1.6; only the signatures are read.

class MonotonicAffineTransform:
    def __init__(self, shift, scale, slope=1e-3, **kwargs):
        pass


class MonotonicRQSTransform:
    def __init__(self, widths, heights, derivatives, bound=5.0, slope=1e-3, **kwargs):
        pass


def CircularRQSTransform(*phi):
    return MonotonicRQSTransform(*phi, bound=math.pi)


class SOSPolynomialTransform:
    def __init__(self, a, n=None, slope=1e-3, **kwargs):
        pass


def ShiftedSOSPTransform(a, constant):
    return SOSPolynomialTransform(a), constant


class BoundedBernsteinTransform:
    def __init__(self, theta, bound=5.0, **kwargs):
        pass


class GaussianizationTransform:
    def __init__(self, shift, scale, **kwargs):
        pass


class SoftclipTransform:
    def __init__(self, bound=5.0, **kwargs):
        pass


class AffineTransform:
    pass


class RotationTransform:
    pass


class DiagNormal:
    pass


class BoxUniform:
    pass


class MaskedLinear(nn.Linear):  # zuko
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.register_buffer("mask", torch.ones(outputs, inputs, dtype=torch.bool))


class StackedLinear(nn.Module):
    """zuko's own: one linear map, or one for each feature."""

    def __init__(self, inputs, outputs, stack=None, bias=True):
        super().__init__()
        shape = () if stack is None else (stack,)
        self.in_features, self.out_features = inputs, outputs
        self.weight = nn.Parameter(torch.randn(*shape, outputs, inputs))
        self.bias = nn.Parameter(torch.randn(*shape, outputs)) if bias else None

    def forward(self, x):
        y = torch.einsum("...ij,...j->...i", self.weight, x)
        return y if self.bias is None else y + self.bias


StackedLinear.__name__ = "Linear"


class MonotonicLinear(StackedLinear):
    pass


class TwoWayELU(nn.ELU):
    pass


class MNN(nn.Module):
    def __init__(self, signal, hidden, stack=None):
        super().__init__()
        widths = [1 + signal, *hidden, 1]
        layers = [layer for before, after in zip(widths, widths[1:]) for layer in (MonotonicLinear(before, after, stack), TwoWayELU())]
        self.network = nn.Sequential(*layers[:-1])


class UMNN(nn.Module):
    def __init__(self, signal, hidden, stack=None, bound=7.0, points=32, activation=nn.ELU, bias=True):
        super().__init__()
        widths = [1 + signal, *hidden, 1]
        layers = [layer for before, after in zip(widths, widths[1:]) for layer in (StackedLinear(before, after, stack, bias), activation())]
        self.integrand, self.bound, self.points = nn.Sequential(*layers[:-1]), bound, points

    def g(self, signal, x):
        d = self.integrand(torch.cat([x[..., None], signal], -1)).squeeze(-1)
        return torch.exp(d / (1 + abs(d / self.bound)))

    def forward(self, signal, constant):
        return types.SimpleNamespace(transforms=[types.SimpleNamespace(n=self.points), object()])


class Partial(nn.Module):
    """zuko.utils.Partial: tensors become entries of the state, other arguments attributes."""

    def __init__(self, f, *args, buffer=False, **kwargs):
        super().__init__()
        self.f = f
        named = {**{f"_{i}": value for i, value in enumerate(args)}, **kwargs}
        self._nargs, self._keys = len(args), list(kwargs)
        for key, value in named.items():
            if not torch.is_tensor(value):
                setattr(self, key, value)
            elif buffer:
                self.register_buffer(key, value)
            else:
                self.register_parameter(key, nn.Parameter(value))

    @property
    def args(self):
        return [getattr(self, f"_{i}") for i in range(self._nargs)]

    @property
    def kwargs(self):
        return {key: getattr(self, key) for key in self._keys}


class UnconditionalTransform(Partial):
    pass


class UnconditionalDistribution(Partial):
    pass


class Unconditional(nn.Module):
    """The form before Partial: positional tensors, numbers in a dictionary."""

    def __init__(self, meta, *args, buffer=False, **kwargs):
        super().__init__()
        self.meta = meta
        for i, value in enumerate(args):
            if buffer:
                self.register_buffer(f"_{i}", value)
            else:
                self.register_parameter(f"_{i}", nn.Parameter(value))
        self.kwargs = kwargs


class LazyComposedTransform(nn.Module):
    def __init__(self, *transforms):
        super().__init__()
        self.transforms = nn.ModuleList(transforms)


def zuko_modules(entries):
    modules = []
    for entry in entries:
        name = entry["type"]
        if name == "MaskedLinear":
            modules.append(MaskedLinear(entry["in"], entry["out"]))
        elif name == "Linear":
            modules.append(nn.Linear(entry["in"], entry["out"]))
        elif name == "Residual":
            modules.append(kind("Residual", nn.Sequential)(*zuko_modules(entry["inner"])))
        elif name == "LayerNormNoAffine":
            modules.append(make("LayerNorm", eps=entry["eps"], dim=(-1,)))
        elif name == "ELU":
            modules.append(nn.ELU(entry["alpha"]))
        elif name == "LeakyReLU":
            modules.append(nn.LeakyReLU(entry["negative_slope"]))
        else:
            modules.append(getattr(nn, name)())
    return modules


def zuko_hyper(entry, name):
    network = kind(name, nn.Sequential)(*zuko_modules(entry["modules"]))
    layers = [m for m in network.modules() if isinstance(m, nn.Linear)]
    network.in_features, network.out_features = layers[0].in_features, layers[-1].out_features
    return network


def zuko_univariate(entry):
    """(constructor, shapes) as zuko's classes pass them."""
    name = entry["type"]
    if name == "affine":
        return MonotonicAffineTransform, [(), ()]
    if name == "rqs":  # NSF(slope=...) hands it on
        return functools.partial(MonotonicRQSTransform, slope=entry["slope"]), [(entry["bins"],), (entry["bins"],), (entry["bins"] - 1,)]
    if name == "circular_shift_then_rqs":
        return CircularRQSTransform, [(entry["bins"],), (entry["bins"],), (entry["bins"] - 1,)]
    if name in ("MNN", "UMNN"):
        stack = None if entry["shared"] else entry["stack"]
        if name == "MNN":
            return MNN(entry["signal"], entry["hidden"], stack), [(entry["signal"],)]
        return UMNN(entry["signal"], entry["hidden"], stack, entry["bound"], entry["points"]), [(entry["signal"],), ()]
    function = {"GaussianizationTransform": GaussianizationTransform, "ShiftedSOSPTransform": ShiftedSOSPTransform,
                "BoundedBernsteinTransform": BoundedBernsteinTransform}[name]
    return function, [tuple(shape) for shape in entry["shapes"]]


def zuko_transform(entry, state):
    name, prefix = entry["type"], entry["prefix"]
    if name == "composed":
        return LazyComposedTransform(*(zuko_transform(layer, state) for layer in entry["layers"]))
    if name == "unconditional":
        function = {f.__name__: f for f in (AffineTransform, RotationTransform, SoftclipTransform)}[entry["function"]]
        tensors = {key: torch.zeros_like(state[f"{prefix}.{key}"]) for key in entry["tensors"]}
        return UnconditionalTransform(function, buffer=True, **tensors, **entry["numbers"])
    univariate, shapes = zuko_univariate({**entry["univariate"], "stack": entry.get("features")})
    total = sum(math.prod(shape) for shape in shapes)
    attributes = {"univariate": univariate, "shapes": shapes, "total": total}
    if name == "masked_autoregressive":
        module = make("MaskedAutoregressiveTransform", **attributes, passes=entry["passes"])
        module.register_buffer("order", None if entry["order"] is None else torch.zeros(len(entry["order"]), dtype=torch.int64))
        module.hyper = zuko_hyper(entry["hyper"], "MaskedMLP")
    elif name == "coupling":
        module = make("GeneralCouplingTransform", **attributes)
        module.register_buffer("mask", torch.zeros(len(entry["mask"]), dtype=torch.bool))
        module.hyper = zuko_hyper(entry["hyper"], "MLP")
    else:
        module = make("ElementWiseTransform", **attributes)
        if entry["hyper"] is None:
            module.phi = nn.ParameterList([nn.Parameter(torch.zeros_like(state[key])) for key in entry["tensors"]])
        else:
            module.hyper = zuko_hyper(entry["hyper"], "MLP")
    return module


def _zuko(description, state):
    structure = description["structure"]
    base = structure["base"]
    prefix = base["tensors"][0].rsplit(".", 1)[0] + "."
    flow = make("Flow", transform=zuko_transform(structure["transform"], state))
    function = {"diag_normal": DiagNormal, "box_uniform": BoxUniform}[base["type"]]
    flow.base = UnconditionalDistribution(function, buffer=True, **{key[len(prefix):]: torch.zeros_like(state[key]) for key in base["tensors"]})
    if not structure["transform"]["prefix"].startswith("net."):
        return flow
    estimator = sbi_estimator("ZukoFlow", flow, description)
    estimator._embedding_net = sbi_embedding(structure["embedding"], state)
    return estimator


# --- sbi ---------------------------------------------------------------------------------------------------------------------

def sbi_estimator(name, net, description):
    return make(name, net=net, input_shape=torch.Size([description["event_size"]]), condition_shape=torch.Size([description["context_size"]]))


def sbi_embedding(entry, state):
    """nn.Sequential(Standardize, the user's network), as sbi puts it together."""
    if entry is None:
        return nn.Identity()
    prefix = entry["prefix"] + ".0."
    # The plain attributes hold other numbers than the buffers: they do not follow the module and are not to be read.
    standardize = make("Standardize", state, prefix, (), mean=torch.full((1,), 9.0), std=torch.full((1,), 9.0))
    linears = [layer["prefix"] + "." for layer in entry["layers"] if layer["type"] == "linear"]
    if not linears:
        return nn.Sequential(standardize, nn.Identity())
    modules = []
    for start in linears:  # FCEmbedding(Linear, Identity, ReLU, ...)
        outputs, inputs = state[start + "weight"].shape
        modules += [nn.Linear(inputs, outputs), nn.Identity(), nn.ReLU()]
    return nn.Sequential(standardize, make("FCEmbedding", net=nn.Sequential(*modules)))


# --- nflows, and the parts that normflows took from it -------------------------------------------------------------------------

ACTIVATIONS = {"relu": F.relu, "tanh": torch.tanh, "silu": F.silu, "elu": F.elu}


class NMaskedLinear(nn.Linear):  # nflows: mask and degrees
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.register_buffer("mask", torch.zeros(outputs, inputs))
        self.register_buffer("degrees", torch.zeros(outputs, dtype=torch.int64))


NMaskedLinear.__name__ = "MaskedLinear"


def made(features, hidden, context, blocks, residual, activation, outputs, dropout=0.0, norm=False):
    net = make("MADE", initial_layer=NMaskedLinear(features, hidden))
    if context:
        net.context_layer = nn.Linear(context, hidden)
    net.use_residual_blocks, net.activation = residual, activation
    built = []
    for _ in range(blocks):
        if residual:
            block = make("MaskedResidualBlock", use_batch_norm=norm)
            if context:
                block.context_layer = nn.Linear(context, hidden)
            if norm:
                block.batch_norm_layers = nn.ModuleList([nn.BatchNorm1d(hidden, eps=1e-3) for _ in range(2)])
            block.linear_layers = nn.ModuleList([NMaskedLinear(hidden, hidden) for _ in range(2)])
            block.degrees = block.linear_layers[1].degrees
        else:
            block = make("MaskedFeedforwardBlock", batch_norm=nn.BatchNorm1d(hidden, eps=1e-3) if norm else None)
            block.linear = NMaskedLinear(hidden, hidden)
            block.degrees = block.linear.degrees
        block.activation, block.dropout = activation, nn.Dropout(dropout)
        built.append(block)
    net.blocks = nn.ModuleList(built)
    net.final_layer = NMaskedLinear(hidden, outputs)
    return net


def residual_net(inputs, hidden, context, blocks, activation, outputs, dropout=0.0, norm=False):
    net = make("ResidualNet", hidden_features=hidden, context_features=context or None)
    net.initial_layer = nn.Linear(inputs, hidden)
    built = []
    for _ in range(blocks):
        block = make("ResidualBlock", activation=activation, use_batch_norm=norm)
        if norm:
            block.batch_norm_layers = nn.ModuleList([nn.BatchNorm1d(hidden, eps=1e-3) for _ in range(2)])
        if context:
            block.context_layer = nn.Linear(context, hidden)
        block.linear_layers = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(2)])
        block.dropout = nn.Dropout(dropout)
        built.append(block)
    net.blocks = nn.ModuleList(built)
    net.final_layer = nn.Linear(hidden, outputs)
    return net


def nflows_net(entry):
    activation = ACTIVATIONS[entry["activation"].split("(")[0]]
    if entry["type"] == "made":
        return made(entry["features"], entry["hidden"], entry["context"], entry["num_blocks"], entry["block"] == "residual", activation, entry["outputs"],
                    norm=entry["batch_norm"])
    return residual_net(entry["in"], entry["hidden"], entry["context"], entry["num_blocks"], activation, entry["outputs"], norm=entry["batch_norm"])


class AffineCouplingTransform(nn.Module):
    DEFAULT = staticmethod(lambda a: torch.sigmoid(a + 2) + 1e-3)
    GENERAL = staticmethod(lambda a: (F.softplus(a) + 1e-3).clamp(0, 3))

    def _scale_and_shift(self, params):
        count = len(self.transform_features)
        return self.scale_activation(params[:, count:, ...]), params[:, :count, ...]


def nflows_spline(entry):
    return {"num_bins": entry["bins"], "tails": entry["tails"], "tail_bound": entry["tail_bound"], "min_bin_width": entry["min_bin_width"],
            "min_bin_height": entry["min_bin_height"], "min_derivative": entry["min_derivative"]}


class ELUPlus(nn.Module):
    def forward(self, x):
        return F.elu(x) + 1


def integrand_net(signal, hidden):
    widths = [1 + signal, *hidden, 1]
    layers = [layer for before, after in zip(widths, widths[1:]) for layer in (nn.Linear(before, after), nn.ReLU())]
    return make("IntegrandNet", net=nn.Sequential(*layers[:-1], ELUPlus()))


def nflows_base(entry):
    if entry["type"] == "made_mixture":
        net = nflows_net(entry["net"])
        net.hidden_features = entry["net"]["hidden"]
        net.features, net.num_mixture_components, net.epsilon = entry["net"]["features"], entry["components"], entry["epsilon"]
        return make("MADEMoGWrapper" if entry["zero_in_front"] else "MADEMoG", _made=net)
    base = make("StandardNormal", _shape=torch.Size(entry["shape"]))
    base.register_buffer("_log_z", torch.tensor(1.0, dtype=torch.float64), persistent=False)
    return base


def nflows_transform(entry, state):
    name, prefix = entry["type"], entry["prefix"] + "."
    if name == "composite":
        return make("CompositeTransform", _transforms=nn.ModuleList([nflows_transform(layer, state) for layer in entry["layers"]]))
    if name == "masked_affine_autoregressive":
        return make("MaskedAffineAutoregressiveTransform", features=entry["net"]["features"], _epsilon=entry["epsilon"], autoregressive_net=nflows_net(entry["net"]))
    if name == "masked_rqs_autoregressive":
        return make("MaskedPiecewiseRationalQuadraticAutoregressiveTransform", **nflows_spline(entry["spline"]), autoregressive_net=nflows_net(entry["net"]))
    if name == "masked_umnn_autoregressive":
        integral = entry["integral"]
        return make("MaskedUMNNAutoregressiveTransform", autoregressive_net=nflows_net(entry["net"]), cond_size=integral["signal"],
                    transformer=make("MonotonicNormalizer", solver="CC", nb_steps=integral["points"], integrand_net=integrand_net(integral["signal"], integral["hidden"])))
    if name == "permutation":
        return make("RandomPermutation", state, prefix, _dim=1)
    if name == "lu_linear":
        return make("LULinear", state, prefix, ("bias", "lower_entries", "upper_entries", "unconstrained_upper_diag"), features=entry["features"], eps=entry["eps"])
    if name == "pointwise_affine":
        return make("PointwiseAffineTransform", state, prefix)
    if name == "batch_norm_flow":
        return make("BatchNorm", state, prefix, ("unconstrained_weight", "bias"), eps=entry["eps"], momentum=0.1)
    if name == "act_norm":
        return make("ActNorm", state, prefix, ("log_scale", "shift"))
    if name == "affine_coupling":
        module = AffineCouplingTransform()
        module.scale_activation = module.GENERAL if entry["scale"].startswith("clamp") else module.DEFAULT
        module.unconditional_transform = None
    else:
        module = make("PiecewiseRationalQuadraticCouplingTransform", **nflows_spline(entry["spline"]))
        module.unconditional_transform = None
        if entry["unconditional"]:
            own = entry["unconditional"]
            module.unconditional_transform = make("PiecewiseRationalQuadraticCDF", state, own["prefix"] + ".",
                                                  ("unnormalized_widths", "unnormalized_heights", "unnormalized_derivatives"),
                                                  **{key: own[key] for key in ("tails", "tail_bound", "min_bin_width", "min_bin_height", "min_derivative")})
    fill(module, state, prefix, ())
    module.transform_net = nflows_net(entry["net"])
    return module


def _nflows(description, state):
    structure = description["structure"]
    flow = make("Flow", _transform=nflows_transform(structure["transform"], state))
    flow._distribution = nflows_base(structure["base"])
    flow._embedding_net = sbi_embedding(structure["embedding"], state)
    return sbi_estimator("NFlowsFlow", flow, description) if structure["transform"]["prefix"].startswith("net.") else flow


# --- normflows ---------------------------------------------------------------------------------------------------------------

def nf_mlp(args, state, prefix):
    layers, modules = args["layers"], []
    for inputs, outputs in zip(layers[:-2], layers[1:-1]):
        modules += [nn.Linear(inputs, outputs), nn.LeakyReLU(args["leaky"])]
    if args["dropout"] is not None:
        modules.append(nn.Dropout(args["dropout"]))
    modules.append(nn.Linear(layers[-2], layers[-1]))
    if args["output_fn"] is not None:
        if args["score_scale"] is not None:
            modules.append(nf_const_scale())
        modules.append({"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh, "clampexp": kind("ClampExp")}[args["output_fn"]]())
        if args["output_scale"] is not None:
            modules.append(nf_const_scale())
    return make("MLP", net=nn.Sequential(*modules))


def nf_const_scale():
    module = make("ConstScaleLayer", scale_cpu=torch.tensor(0.0))
    module.register_buffer("scale", torch.tensor(0.0))
    return module


def nf_convnet(args, state, prefix):
    channels, sizes, modules = args["channels"], args["kernel_size"], []
    for i, size in enumerate(sizes[:-1]):
        modules.append(nn.Conv2d(channels[i], channels[i + 1], size, padding=size // 2, bias=not args["actnorm"]))
        if args["actnorm"]:
            modules.append(make("ActNorm", actNorm=nf_act_norm(state, f"{prefix}net.{len(modules)}.actNorm.")))
        modules.append(nn.LeakyReLU(args["leaky"]))
    modules.append(nn.Conv2d(channels[-2], channels[-1], sizes[-1], padding=sizes[-1] // 2))
    return make("ConvNet2d", net=nn.Sequential(*modules))


def nf_act_norm(state, prefix):
    return make("ActNorm", state, prefix, ("s", "t"), data_dep_init_done_cpu=torch.tensor(0.0))


def nf_net(entry, state, prefix):
    return {"MLP": nf_mlp, "ConvNet2d": nf_convnet}[entry["type"]](entry["args"], state, prefix)


def nf_coupling_block(args, net):
    coupling = make("AffineCoupling", param_map=net, scale=args["scale"], scale_map=args["scale_map"])
    return make("AffineCouplingBlock", flows=nn.ModuleList([make("Split", mode=args["split_mode"]), coupling, make("Merge", mode=args["split_mode"])]))


def nf_invertible(name, args, state, prefix):
    return make(name, state, prefix, ("L", "log_S", "U", "W"), num_channels=args["num_channels"], use_lu=args["use_lu"])


def nf_layer(entry, state):
    name, args, prefix = entry["type"], entry["args"], entry["key_prefix"]
    if name == "AffineCouplingBlock":
        return nf_coupling_block(args, nf_net(args["param_map"], state, prefix + "flows.1.param_map."))
    if name == "MaskedAffineFlow":
        module = make(name, state, prefix, ())
        module.b_cpu = torch.zeros(1)
        for part in ("s", "t"):
            if args[part] is None:
                setattr(module, part, torch.zeros_like)
            else:
                module.add_module(part, nf_net(args[part], state, f"{prefix}{part}."))
        return module
    if name == "ActNorm":
        return nf_act_norm(state, prefix)
    if name == "AffineConstFlow":
        return make(name, state, prefix, [part for part, on in (("s", args["scale"]), ("t", args["shift"])) if on])
    if name == "Permute":
        return make(name, state, prefix, (), num_channels=args["num_channels"], mode=args["mode"])
    if name in ("InvertibleAffine", "Invertible1x1Conv"):
        return nf_invertible(name, args, state, prefix)
    if name == "LULinearPermute":
        linear = make("_LULinear", state, prefix + "linear.", ("bias", "lower_entries", "upper_entries", "unconstrained_upper_diag"),
                      features=args["num_channels"], eps=1e-3)
        return make(name, permutation=make("_RandomPermutation", state, prefix + "permutation.", (), _dim=1), linear=linear)
    if name == "CoupledRationalQuadraticSpline":
        start = prefix + "prqct."
        inner = make("PiecewiseRationalQuadraticCoupling", state, start, (), features=args["num_input_channels"], num_bins=args["num_bins"],
                     tails=args["tails"], tail_bound=args["tail_bound"])
        outputs, _ = state[start + "transform_net.final_layer.weight"].shape
        _, inputs = state[start + "transform_net.initial_layer.weight"].shape
        inner.transform_net = residual_net(inputs, args["num_hidden_channels"], args["num_context_channels"], args["num_blocks"], nn.ReLU(), outputs,
                                           args["dropout_probability"])
        inner.transform_net.preprocessing = None
        inner.unconditional_transform = make("PiecewiseRationalQuadraticCDF", state, start + "unconditional_transform.",
                                             ("unnormalized_widths", "unnormalized_heights", "unnormalized_derivatives"))
        return make(name, prqct=inner)
    if name == "AutoregressiveRationalQuadraticSpline":
        outputs = args["num_input_channels"] * (3 * args["num_bins"] - 1)
        net = made(args["num_input_channels"], args["num_hidden_channels"], args["num_context_channels"], args["num_blocks"], True, nn.ReLU(), outputs,
                   args["dropout_probability"])
        net.preprocessing = nn.Identity()
        return make(name, mprqat=make("MaskedPiecewiseRationalQuadraticAutoregressive", num_bins=args["num_bins"], tails="linear",
                                      tail_bound=args["tail_bound"], autoregressive_net=net))
    if name == "MaskedAffineAutoregressive":
        net = made(args["features"], args["hidden_features"], args["context_features"], args["num_blocks"], args["use_residual_blocks"],
                   ACTIVATIONS[args["activation"]], 2 * args["features"], args["dropout_probability"], args["use_batch_norm"])
        net.preprocessing = nn.Identity()
        return make(name, features=args["features"], autoregressive_net=net)
    if name == "GlowBlock":
        start = prefix + "flows.0.flows.1.param_map."
        last = max(int(key[len(start):].split(".")[1]) for key in state if key.startswith(start + "net."))
        first, end = state[start + "net.0.weight"], state[f"{start}net.{last}.weight"]
        net = nf_convnet({"channels": [first.shape[1], args["hidden_channels"], args["hidden_channels"], end.shape[0]], "kernel_size": (3, 1, 3),
                          "leaky": args["leaky"], "actnorm": args["net_actnorm"]}, state, start)
        flows = [nf_coupling_block(args, net)]
        if args["channels"] > 1:
            flows.append(nf_invertible("Invertible1x1Conv", {"num_channels": args["channels"], "use_lu": args["use_lu"]}, state, prefix + "flows.1."))
        flows.append(nf_act_norm(state, f"{prefix}flows.{len(flows)}."))
        return make(name, flows=nn.ModuleList(flows))
    return make(name, **args)  # Squeeze, Merge


def nf_base(entry, state):
    name, args, prefix = entry["type"], entry["args"], entry["key_prefix"]
    shape = torch.Size(args["shape"]) if isinstance(args["shape"], list) else torch.Size([args["shape"]])
    parameters = ("loc", "log_scale", "loc_logs", "log_scale_logs", "loc_cc", "log_scale_cc") if args.get("trainable", True) else ()
    base = make(name, state, prefix, parameters, shape=shape, n_dim=len(shape), temperature=None)
    if name == "ConditionalDiagGaussian":
        base.context_encoder = nf_net(args["context_encoder"], state, prefix + "context_encoder.")
    for key in ("num_classes", "logscale_factor"):
        if key in args:
            setattr(base, key, args[key])
    return base


def _normflows(description, state):
    wrapper = description["wrapper"]
    if wrapper == "MultiscaleFlow":
        transform = description["transform"]
        return make(wrapper, q0=nn.ModuleList([nf_base(base, state) for base in description["base"]]), num_levels=len(description["base"]),
                    flows=nn.ModuleList([nn.ModuleList([nf_layer(layer, state) for layer in level]) for level in description["levels"]]),
                    merges=nn.ModuleList([nf_layer(merge, state) for merge in description["merges"]]),
                    transform=None if transform is None else make(transform["type"], **transform["args"]), class_cond=description["class_cond"])
    return make(wrapper, q0=nf_base(description["base"], state), flows=nn.ModuleList([nf_layer(layer, state) for layer in description["flows"]]), p=None)


# --- image repositories ------------------------------------------------------------------------------------------------------

def conv(state, prefix):
    outputs, inputs, size, _ = state[prefix + "weight"].shape
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=prefix + "bias" in state)


def _rosinality(description, state):
    args, blocks = description["constructor"], []
    for b in range(args["n_block"]):
        flows = []
        for f in range(args["n_flow"]):
            start = f"blocks.{b}.flows.{f}."
            lu = start + "invconv.w_l" in state
            zero = make("ZeroConv2d", state, start + "coupling.net.4.", ("scale",), conv=conv(state, start + "coupling.net.4.conv."))
            net = nn.Sequential(conv(state, start + "coupling.net.0."), nn.ReLU(inplace=True), conv(state, start + "coupling.net.2."), nn.ReLU(inplace=True), zero)
            flows.append(make("Flow", actnorm=make("ActNorm", state, start + "actnorm.", ("loc", "scale"), logdet=True),
                              invconv=make("InvConv2dLU" if lu else "InvConv2d", state, start + "invconv.", ("weight", "w_l", "w_s", "w_u")),
                              coupling=make("AffineCoupling", affine=args["affine"], net=net)))
        start = f"blocks.{b}.prior."
        blocks.append(make("Block", flows=nn.ModuleList(flows), split=b < args["n_block"] - 1,
                           prior=make("ZeroConv2d", state, start, ("scale",), conv=conv(state, start + "conv."))))
    return make("Glow", blocks=nn.ModuleList(blocks))


def batch_norm(state, prefix):
    return nn.BatchNorm2d(state[prefix + "weight"].shape[0])


def _chrischute_glow(description, state):
    args = description["constructor"]

    def level(prefix, left):
        steps = []
        for i in range(args["num_steps"]):
            start = f"{prefix}steps.{i}."
            inner = start + "coup.nn."
            net = make("NN", in_norm=batch_norm(state, inner + "in_norm."), in_conv=conv(state, inner + "in_conv."), mid_norm=batch_norm(state, inner + "mid_norm."),
                       mid_conv=conv(state, inner + "mid_conv."), out_norm=batch_norm(state, inner + "out_norm."), out_conv=conv(state, inner + "out_conv."))
            steps.append(make("_FlowStep", norm=make("ActNorm", state, start + "norm.", ("bias", "logs"), num_features=12),
                              conv=make("InvConv", state, start + "conv.", ("weight",)), coup=make("Coupling", state, start + "coup.", ("scale",), nn=net)))
        return make("_Glow", steps=nn.ModuleList(steps), next=level(prefix + "next.", left - 1) if left > 1 else None)

    return make("Glow", state, "", (), flows=level("flows.", args["num_levels"]))


def _chrischute_realnvp(description, state):
    args = description["constructor"]

    def weight_norm(prefix):
        return make("WNConv2d", conv=make("Conv2d", state, prefix + "conv.", ("bias", "weight_g", "weight_v")))

    def couplings(prefix):
        built = []
        while any(key.startswith(f"{prefix}{len(built)}.") for key in state):
            start = f"{prefix}{len(built)}."
            inner = start + "st_net."
            net = make("ResNet", in_norm=batch_norm(state, inner + "in_norm."), in_conv=weight_norm(inner + "in_conv."), in_skip=weight_norm(inner + "in_skip."))
            net.blocks = nn.ModuleList([make("ResidualBlock", in_norm=batch_norm(state, f"{inner}blocks.{i}.in_norm."), in_conv=weight_norm(f"{inner}blocks.{i}.in_conv."),
                                             out_norm=batch_norm(state, f"{inner}blocks.{i}.out_norm."), out_conv=weight_norm(f"{inner}blocks.{i}.out_conv."))
                                        for i in range(args["num_blocks"])])
            net.skips = nn.ModuleList([weight_norm(f"{inner}skips.{i}.") for i in range(args["num_blocks"])])
            net.out_norm, net.out_conv = batch_norm(state, inner + "out_norm."), weight_norm(inner + "out_conv.")
            built.append(make("CouplingLayer", st_net=net, rescale=make("Rescale", state, start + "rescale.", ("weight_g", "weight_v"))))
        return nn.ModuleList(built)

    def level(prefix, left):
        module = make("_RealNVP", is_last_block=left == 1, in_couplings=couplings(prefix + "in_couplings."))
        if left > 1:
            module.out_couplings, module.next_block = couplings(prefix + "out_couplings."), level(prefix + "next_block.", left - 1)
        return module

    return make("RealNVP", state, "", (), flows=level("flows.", args["num_scales"]))
