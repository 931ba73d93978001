"""Writes a live normalizing flow as a folder that `flow import` reads: model.json and weights.safetensors.

    from flow_export import export
    export(model, "folder")                        # normflows, zuko, nflows, sbi
    export(model, "folder", event_shape=(1, 8, 8)) # Glow and RealNVP repositories, images in nflows

The folder describes the model as it was constructed, holds its own state_dict, keys and dtypes untouched, and rows with what the
model computes from them in float64: `flow import` refuses a flow that computes something else. What an object does
not know is asked for by name (context_size=, event_shape=, version=, embedding=, name=); what cannot be described exactly is
refused with the sentence that helps. The live model is never changed. Needs torch and the standard library, nothing else.
"""
import copy
import functools
import importlib
import inspect
import json
import math
import os
import struct
import sys
import types

import torch

__all__ = ["ExportError", "export"]


class ExportError(ValueError):
    """The model cannot be described; the message says which part, and what helps."""


def export(model, folder, *, name=None, event_shape=None, context_size=None, version=None, embedding=None, x=None, context=None):
    """Describes `model` in `folder`/model.json and writes its weights beside it; returns the description.

    name          what to call the model (default: the folder's name)
    event_shape   (C, H, W), for the image repositories and multi-scale flows of nflows, which store it nowhere
    context_size  the width of the context, where no layer tells it
    version       the library's version, where it cannot be found
    embedding     the network that you apply to the context yourself before a zuko flow
    x, context    a few rows of data to compare, besides those that the model draws itself

The folder also holds cases.safetensors: rows with the live model's own float64 results, which `flow import` compares with its own.
    """
    model, wrappers = _unwrap(model)
    library, module, prefix, state_owner = _recognise(model)
    _check_methods(state_owner)
    state = _state(state_owner)
    live, live_embedding = _exact_copy(model), None if embedding is None else _exact_copy(embedding)
    _effective(state, state_owner, live, "", library)
    name = name or os.path.basename(os.path.abspath(folder))
    if embedding is not None:
        if library != "zuko" or prefix:
            raise ExportError("embedding= is for a bare zuko flow; the other libraries keep the network inside the model")
        state.update({f"_embedding_net.{key}": value for key, value in _state(embedding).items()})
        _effective(state, embedding, live_embedding, "_embedding_net.", library)
    hints = {"event_shape": event_shape, "context_size": context_size, "embedding": embedding}
    describe = {"normflows": _normflows, "zuko": _zuko, "nflows": _nflows, "images": _images}[library]
    try:
        document = describe(module, state, prefix, state_owner, hints)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"{_kind(module)} is not built as {library} builds it ({_kind(error)}: {_line(error)}), and cannot be described; {_REMEDIES[library]}") from error
    _unrolled(document, state)
    document["name"] = name
    document["torch"] = str(torch.__version__)
    if library in ("normflows", "zuko", "nflows"):
        found = version or _version(library)
        document["library_version" if library == "normflows" else "version"] = found
    listing = {key: {"dtype": _DTYPES[value.dtype], "shape": list(value.shape)} for key, value in state.items()}
    document["tensors" if library in ("zuko", "nflows") else "state_dict"] = listing
    cases = _cases(live, library, document, x, context, live_embedding)

    text = json.dumps(_plain(document), indent=1, allow_nan=False)
    os.makedirs(folder, exist_ok=True)
    for old in ("model.json", "cases.safetensors"):  # an earlier export must not be mixed with this one
        if os.path.exists(os.path.join(folder, old)):
            os.unlink(os.path.join(folder, old))
    _write(os.path.join(folder, "weights.safetensors"), _safetensors(state))
    if cases:
        _write(os.path.join(folder, "cases.safetensors"), _safetensors(cases))
    _write(os.path.join(folder, "model.json"), text.encode("utf-8"))  # last: a folder with it is complete
    if wrappers:
        print("flow_export: exported the estimator alone; a posterior's prior support and leakage correction are not part of it", file=sys.stderr)
    return document


_REMEDIES = {
    "normflows": "use the library's own layers, with normflows.nets.MLP or an nn.Sequential of Linear layers and activations as networks",
    "zuko": "use the library's own transforms and networks, and zuko.distributions.DiagNormal or BoxUniform as base",
    "nflows": "use the library's own transforms, with nflows.nn.nets.ResidualNet as network and nflows.distributions.StandardNormal as base",
    "images": "pass the repository's own model",
}


# --- recognising -------------------------------------------------------------------------------------------------------------

def _unwrap(model):
    if isinstance(model, (str, bytes, os.PathLike, dict)):
        raise ExportError("pass the model object; weights alone do not contain the architecture")
    posterior = False
    for _ in range(16):
        kind = type(model).__name__
        if hasattr(model, "posteriors") and not hasattr(model, "posterior_estimator"):
            raise ExportError("an ensemble has no estimator of its own: export each member of .posteriors")
        if kind in ("DataParallel", "DistributedDataParallel", "AveragedModel"):
            model = model.module
        elif hasattr(model, "_orig_mod"):
            model = model._orig_mod
        elif hasattr(model, "posterior_estimator"):
            model, posterior = model.posterior_estimator, True
        elif getattr(model, "_neural_net", None) is not None:
            model = model._neural_net
        else:
            break
    return model, posterior


def _recognise(model):
    if hasattr(model, "q0") and hasattr(model, "flows"):
        return "normflows", model, "", model
    if hasattr(model, "net") and hasattr(model, "input_shape"):
        inner, _, _, _ = _recognise(model.net)
        if inner not in ("nflows", "zuko"):
            raise ExportError(f"the estimator's network {_kind(model.net)} is neither an nflows nor a zuko flow")
        return inner, model.net, "net.", model
    if hasattr(model, "_transform") and hasattr(model, "_distribution"):
        return "nflows", model, "", model
    if hasattr(model, "transform") and hasattr(model, "base"):
        return "zuko", model, "", model
    if isinstance(getattr(model, "transforms", None), torch.nn.ModuleList) and hasattr(model, "base"):
        return "zuko", model, "", model  # zuko 0.x
    if hasattr(model, "blocks") and len(model.blocks) and hasattr(model.blocks[0], "flows") or hasattr(model, "bounds") or hasattr(model, "data_constraint"):
        return "images", model, "", model
    raise ExportError(f"unknown model class {_kind(model)}; pass the flow itself, for example model.flow")


def _kind(value):
    """The name of its class; a parametrised module has a class of its own, behind which its real one stands."""
    kind = type(value)
    return kind.__mro__[1].__name__ if hasattr(value, "parametrizations") and kind.__name__.startswith("Parametrized") else kind.__name__


def _located(describe):
    """Says of a refusal which layer it is about, by its path and class; and turns whatever else goes wrong into such a refusal."""
    @functools.wraps(describe)
    def located(module, prefix, *rest):
        place = f"{prefix.rstrip('.')} ({_kind(module)})"
        try:
            return describe(module, prefix, *rest)
        except ExportError as error:
            if not prefix or getattr(error, "located", False) and str(error).startswith(prefix.rstrip(".")):
                raise
            refusal = ExportError(f"{place}: {error}")
            refusal.located = True
            raise refusal from error
        except Exception as error:
            refusal = ExportError(f"{place}: is not built as the library builds it ({_kind(error)}: {_line(error)}), and cannot be described; use the library's own class, built by its constructor")
            refusal.located = True
            raise refusal from error
    return located


def _version(library):
    loaded = sys.modules.get(library)
    found = getattr(loaded, "__version__", None)
    if found:
        return str(found)
    try:
        return str(importlib.import_module(library + ".version").__version__)
    except Exception:
        pass
    try:
        from importlib import metadata
        return metadata.version(library)
    except Exception:
        return None


# --- weights -----------------------------------------------------------------------------------------------------------------

_DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}
_FLAGS = ("data_dep_init_done", "initialized", "is_initialized")


def _state(module):
    state = {}
    for key, value in module.state_dict().items():
        if key.startswith("p.") and hasattr(module, "q0"):
            continue  # normflows' target distribution: no part of the flow
        if not torch.is_tensor(value) or type(value).__name__.startswith("Uninitialized"):
            raise ExportError(f"'{key}' has no value yet: run one batch through the model")
        if value.layout != torch.strided or value.dtype not in _DTYPES:
            raise ExportError(f"'{key}' is stored as {value.dtype}, {value.layout}: convert it to an ordinary tensor first")
        if value.is_meta:
            raise ExportError(f"'{key}' is on the meta device and has no value: load the weights first")
        value = value.detach().to("cpu").contiguous().clone()
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ExportError(f"'{key}' holds NaN or infinity")
        if key.rsplit(".", 1)[-1] in _FLAGS and not bool(value.reshape(-1)[0]):
            raise ExportError(f"'{key}' is 0: this ActNorm has not been initialised; run one training batch first")
        state[_old_weight_norm(key)] = value
    return state


def _effective(state, owner, live, start, library):
    """Puts into the state what the layers multiply by and add: normed and parametrised weights as they come out, biases that are not there as zeros."""
    if library == "images":
        return
    for path, module in owner.named_modules(remove_duplicate=False):
        kind, prefix = _kind(module), f"{start}{path}." if path else start
        if kind in ("Linear", "MaskedLinear", "MonotonicLinear") and hasattr(module, "in_features"):
            normed = [name for name in ("weight", "bias") if f"{prefix}{name}_orig" in state or f"{prefix}{name}_g" in state
                      or any(key.startswith(f"{prefix}parametrizations.{name}.") for key in state)]
            if normed:
                own = live.get_submodule(path)
                with torch.no_grad():
                    own(torch.zeros(1, own.in_features, dtype=torch.float64))  # old-style norms compute the weight on each call
                    values = {name: getattr(own, name).detach().clone() for name in normed}
                for key in [key for key in state if key.startswith(f"{prefix}parametrizations.")
                            or key in [f"{prefix}{name}_{end}" for name in normed for end in ("orig", "g", "u", "v")]]:
                    del state[key]
                state.update({f"{prefix}{name}": value.to(torch.float64) for name, value in values.items()})
            weight = state.get(f"{prefix}weight")
            if weight is not None and f"{prefix}bias" not in state:
                state[f"{prefix}bias"] = torch.zeros(weight.shape[:-1], dtype=weight.dtype)
        elif kind == "BatchNorm1d" and f"{prefix}running_mean" in state and f"{prefix}weight" not in state:
            state[f"{prefix}weight"] = torch.ones_like(state[f"{prefix}running_mean"])
            state[f"{prefix}bias"] = torch.zeros_like(state[f"{prefix}running_mean"])
        elif kind == "PReLU" and f"{prefix}weight" in state and state[f"{prefix}weight"].numel() == 1:
            del state[f"{prefix}weight"]  # a leaky_relu of that slope, which the description says
        elif kind == "Standardize":
            state.update({key: state[key].reshape(-1) for key in (f"{prefix}_mean", f"{prefix}_std") if key in state and state[key].dim() > 1})


def _old_weight_norm(key):
    for new, old in (("parametrizations.weight.original0", "weight_g"), ("parametrizations.weight.original1", "weight_v")):
        if key.endswith(new):
            return key[:-len(new)] + old
    return key


def _safetensors(tensors):
    order = sorted(tensors, key=lambda key: (-tensors[key].element_size(), key))
    header, blobs, offset = {}, [], 0
    for key in order:
        value = tensors[key].detach().to("cpu").contiguous()
        raw = value.view(torch.int16) if value.dtype == torch.bfloat16 else value
        array = raw.numpy()
        blob = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[key] = {"dtype": _DTYPES[value.dtype], "shape": list(value.shape), "data_offsets": [offset, offset + len(blob)]}
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def _write(path, data):
    aside = f"{path}.{os.getpid()}.tmp"
    try:
        with open(aside, "wb") as file:
            file.write(data)
        os.replace(aside, path)
    except BaseException:
        if os.path.exists(aside):
            os.unlink(aside)
        raise


def _plain(value):
    """The value in what JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if torch.is_tensor(value):
        return _plain(value.tolist())
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if hasattr(value, "item"):
        return _plain(value.item())  # numpy numbers
    raise ExportError(f"a setting of type {_kind(value)} cannot be written")


def _float32(value):
    """A number kept in a float32 buffer, as the shortest decimal that gives the same float32."""
    value = float(value)
    same = struct.pack("<f", value)
    return next((short for short in (float(f"{value:.{digits}g}") for digits in range(1, 10)) if struct.pack("<f", short) == same), value)


def _short(value):
    """A computed number without the last rounding."""
    value = float(value)
    return next((short for short in (float(f"{value:.{digits}g}") for digits in range(1, 16)) if abs(short - value) <= 1e-15 * abs(value)), value)


# --- cases: what the model itself computes, for the importer to compare with -------------------------------------------------

_ROWS = 32
_CLOSE = (1e-12, 1e-10, 1e-8, 1e-5)


def _cases(model, library, document, x, context, embedding):
    """Rows with the model's own float64 results in both directions, and behind each layer where it lists its layers.

    x, context, log_prob, z, log_det   scored: rows that the model draws, and those given
    z_in, context_in, x_out            sampled: latents, and what the model makes of them
    trace/0003/PATH (and /log_det)     rows behind each layer, from data to latents
    log_prob_tolerance                 by how much a constant that the library keeps in float32 misses its value
    """
    computes = callable(getattr(model, "log_prob", None)) or type(model).forward is not torch.nn.Module.forward
    if not computes:
        if x is not None:
            raise ExportError(f"x=: {_kind(model)} computes no log-density to compare with")
        print(f"flow_export: {_kind(model)} computes nothing itself: the import cannot be compared with it", file=sys.stderr)
        return None
    usual, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(2026)
            exact = {"normflows": _NormflowsRows, "zuko": _ZukoRows, "nflows": _NflowsRows, "images": _ImageRows}[library](model, embedding, document)
            return _computed(exact, document, x, context)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"the model itself fails on rows that it should take ({_kind(error)}: {_line(error)}): pass rows that it takes as x= (and context=)") from error
    finally:
        torch.set_default_dtype(usual)
        torch.set_num_threads(threads)


def _line(error):
    return (str(error).strip().splitlines() or ["no message"])[0]


def _check_methods(model):
    """A model is described by its classes: a method that was replaced on one object is refused by its name."""
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, (types.FunctionType, types.MethodType, functools.partial)) and callable(getattr(type(module), name, None)):
                place = f"{path}.{name}" if path else name
                raise ExportError(f"{place} was replaced on this object, and is not the method of its class ({_kind(module)}), by which the model is described: "
                                  f"take the replacement away (del model.{place}), or wrap the model instead of changing it")


def _exact_copy(model):
    """A copy on the CPU, in float64 and in eval mode; tensors that are no parameters and no buffers follow, which `.to()` leaves behind."""
    held = [value for module in model.modules() for value in vars(module).values() if torch.is_tensor(value)]
    memo = {id(value): value.detach().clone() for value in held if value.grad_fn is not None}  # these refuse to be copied
    try:
        live = copy.deepcopy(model, memo)
    except Exception as error:
        raise ExportError(f"the model cannot be copied ({_kind(error)}: {_line(error)}), and the live one is never changed: take what is not of the model out of it") from error
    live = live.to("cpu").double().eval()
    for module in live.modules():
        _widen(module, set())
        if torch.is_tensor(vars(module).get("log_negative_slope")):  # nflows' LeakyReLU keeps it in float32
            module.log_negative_slope = torch.tensor(math.log(module.negative_slope), dtype=torch.float64)
    return live


def _widen(holder, seen):
    """Puts plain tensors of an object, and of the distributions and transforms that it holds, on the CPU and in float64."""
    if id(holder) in seen:
        return
    seen.add(id(holder))
    for name, value in list(vars(holder).items()):
        if torch.is_tensor(value):
            vars(holder)[name] = value.detach().to("cpu", torch.float64 if value.is_floating_point() else value.dtype)
        for held in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(held, (torch.distributions.Distribution, torch.distributions.Transform)):
                _widen(held, seen)


def _computed(exact, document, x, context):
    cases = {}
    rows = None if x is None else torch.as_tensor(x).detach().to("cpu", torch.float64)[:2 * _ROWS]
    if isinstance(exact, _ImageRows):
        return exact.cases(rows)
    if x is not None and context is not None and len(context) not in (1, len(x)):
        raise ExportError(f"context=: has {len(context)} rows, x= has {len(x)}")
    condition = exact.condition(document, _ROWS if rows is None else len(rows), context)
    drawn, problem = None, None
    try:
        drawn = _drawn(exact, document, context)
    except Exception as error:
        if rows is None:
            raise
        problem = error
    if drawn is not None:
        latents, own, samples = drawn
        cases.update(_named("z_in", latents))
        cases["x_out"] = samples
        if own is not None:
            cases["context_in"] = own
        rows = samples if rows is None else torch.cat([samples, rows])
        condition = None if own is None else own if x is None else torch.cat([own, condition])
    elif problem is not None:
        print(f"flow_export: the model does not sample ({_kind(problem)}: {_line(problem)}): the import compares log densities alone", file=sys.stderr)
    cases["x"] = rows
    if condition is not None:
        cases["context"] = condition
    cases["log_prob"] = exact.score(rows.clone(), condition).reshape(-1)
    if not torch.isfinite(cases["log_prob"]).all():
        worst = int((~torch.isfinite(cases["log_prob"])).nonzero()[0])
        raise ExportError(f"the model's own log density of row {worst} is {float(cases['log_prob'][worst])}: pass rows of its data as x=")
    if drawn is None:
        return cases
    latents, log_det = exact.encode(rows.clone(), condition)
    cases.update(_named("z", latents))
    cases["log_det"] = log_det.reshape(-1)
    for i, (path, values, log_det) in enumerate(exact.layers(rows.clone(), condition)):
        cases[f"trace/{i:04}/{path}"], cases[f"trace/{i:04}/{path}/log_det"] = values, log_det.reshape(-1)
    if exact.tolerance:
        cases["log_prob_tolerance"] = torch.tensor([exact.tolerance])
    return {key: value if value.dtype == torch.int64 else value.to(torch.float64) for key, value in cases.items()}


def _named(name, latents):
    """Latents of several levels are kept level by level."""
    return {f"{name}_{i}": level for i, level in enumerate(latents)} if isinstance(latents, (list, tuple)) else {name: latents}


def _drawn(exact, document, context):
    """(latents, context, rows) where the model's own two directions agree: elsewhere neither is a reference."""
    worst = math.inf
    for spread in (1.0, 0.2, None):
        condition = exact.condition(document, 2 * _ROWS, context)
        latents = exact.draw(2 * _ROWS, condition)
        if latents is None:
            return None
        latents = [level.double() for level in latents] if isinstance(latents, list) else latents.double()
        if spread is None:  # or for those alone that they make of rows
            try:
                latents, _ = exact.encode(0.7 * torch.randn_like(samples), condition)
            except Exception:
                break  # such rows are none of its data
        elif spread != 1:  # layers that saturate have rows for latents near the centre alone
            latents = [spread * level for level in latents] if isinstance(latents, list) else spread * latents
        samples = exact.decode(_clone(latents), condition)
        back, _ = exact.encode(samples.clone(), condition)
        again = exact.decode(_clone(back), condition)
        error = torch.maximum(_error(_flat(latents), _flat(back)), _error(_flat(samples), _flat(again)))
        error = torch.where(torch.isfinite(exact.score(samples.clone(), condition).reshape(-1)), error, torch.full_like(error, math.inf))
        for close in _CLOSE:
            keep = (error <= close).nonzero().reshape(-1)[:_ROWS]
            if len(keep) >= _ROWS // 2:
                pick = [level[keep] for level in latents] if isinstance(latents, list) else latents[keep]
                return pick, None if condition is None else condition[keep], samples[keep]
        worst = min(worst, float(error.median()))
    raise ExportError(f"the model's own inverse does not undo it: rows that it draws come back {worst:.2g} off, in float64; a flow must be invertible. Where its samples are far from its data, pass rows of data as x=")


def _clone(latents):
    return [level.clone() for level in latents] if isinstance(latents, list) else latents.clone()


def _flat(latents):
    return torch.cat([level.flatten(1) for level in latents], 1) if isinstance(latents, list) else latents.flatten(1)


def _error(expected, actual):
    """The largest |difference| / (1 + |expected|) of each row."""
    error = ((expected - actual).abs() / (1 + expected.abs())).amax(1)
    return torch.where(torch.isnan(error), torch.full_like(error, math.inf), error)


def _conditions(width, rows, given):
    if given is not None:
        given = torch.as_tensor(given).detach().to("cpu")
        given = given.to(torch.float64) if given.is_floating_point() else given
        return (given.flatten(1) if given.dim() > 2 else given)[torch.arange(rows) % len(given)]
    return torch.randn(rows, width) if width else None


class _NormflowsRows:
    tolerance = 0.0

    def __init__(self, model, embedding, document):
        self.model, self.scales = model, _kind(model) == "MultiscaleFlow"
        self.by_class = _kind(model) == "ClassCondFlow" or self.scales and bool(model.class_cond)
        self.conditional = _kind(model) == "ConditionalNormalizingFlow"

    def condition(self, document, rows, given):
        if self.by_class and given is None:
            base = document["base"][0] if self.scales else document["base"]
            return torch.arange(rows) % int(base["args"]["num_classes"])
        return _conditions(document["context_shape"][0] if self.conditional else 0, rows, given)

    def _with(self, condition):
        return {"context": condition} if self.conditional else {}

    def draw(self, rows, condition):
        draws = [base(rows, condition) if self.by_class else base(rows, **self._with(condition)) for base in _list(self.model.q0)]
        latents = [z for z, _ in draws]
        return latents if self.scales else latents[0]

    def decode(self, latents, condition):
        if self.scales:
            return self.model.forward_and_log_det(latents)[0]
        for flow in self.model.flows:
            latents, _ = flow(latents, **self._with(condition))
        return latents

    def encode(self, x, condition):
        if self.scales:
            return self.model.inverse_and_log_det(x)
        log_det = torch.zeros(len(x))
        for flow in reversed(self.model.flows):
            x, change = flow.inverse(x, **self._with(condition))
            log_det = log_det + change
        return x, log_det

    def score(self, x, condition):
        return self.model.log_prob(x, condition) if self.by_class else self.model.log_prob(x, **self._with(condition))

    def layers(self, x, condition):
        return [] if self.scales else self._layers(self.model.flows, "flows.", x, condition)

    def _layers(self, flows, prefix, x, condition):
        for i in reversed(range(len(flows))):
            if _kind(flows[i]) == "Composite":
                for step in self._layers(flows[i]._flows, f"{prefix}{i}._flows.", x, condition):
                    x = step[1].clone()
                    yield step
            else:
                x, log_det = flows[i].inverse(x.clone(), **self._with(condition))
                yield f"{prefix}{i} {_kind(flows[i])}", x, log_det + torch.zeros(len(x))


class _ZukoRows:
    tolerance = 0.0

    def __init__(self, model, embedding, document):
        self.model, self.estimator = model, hasattr(model, "input_shape")
        self.flow = model.net if self.estimator else model
        self.prefix = "net." if self.estimator else ""
        self.embedding = model._modules.get("_embedding_net") if self.estimator else embedding
        self.standardized = _standardized(self.embedding)

    def condition(self, document, rows, given):
        return _spread(_conditions(document["context_size"], rows, given), self.standardized, given)

    def _context(self, condition):
        return condition if condition is None or self.embedding is None else self.embedding(_shaped(self.model, condition))

    def draw(self, rows, condition):
        base = self.flow(self._context(condition)).base
        return base.sample((rows,)) if condition is None else base.sample()

    def decode(self, latents, condition):
        return self.flow(self._context(condition)).transform.inv(latents)

    def encode(self, x, condition):
        z, log_det = self.flow(self._context(condition)).transform.call_and_ladj(x)
        return z, _summed(log_det, x)

    def score(self, x, condition):
        if self.estimator:
            return self.model.log_prob(x[None]) if condition is None else self.model.log_prob(x[None], condition=_shaped(self.model, condition))
        return self.flow(self._context(condition)).log_prob(x)

    def layers(self, x, condition):
        whole, name = _zuko_whole(self.flow)
        return self._layers(whole, self.prefix + name, x, self._context(condition))

    def _layers(self, transform, path, x, context):
        parts = _zuko_parts(transform, path)
        if parts is not None:
            for inner, place in parts:
                for step in self._layers(inner, place, x, context):
                    x = step[1]
                    yield step
        else:
            z, log_det = transform(context).call_and_ladj(x)
            yield f"{path} {_kind(transform)}", z, _summed(log_det, x)


class _NflowsRows:
    def __init__(self, model, embedding, document):
        self.model, self.estimator = model, hasattr(model, "input_shape")
        self.flow = model.net if self.estimator else model
        self.prefix = "net." if self.estimator else ""
        self.embedding = self.flow._modules.get("_embedding_net")
        self.standardized = _standardized(self.embedding)
        base = self.flow._distribution
        constant = getattr(base, "_log_z", getattr(base, "_log_prob_value", None))
        known = 0.5 * document["event_size"] * math.log(2 * math.pi)
        if _kind(base) == "MultivariateUniform":
            known = -float((base.high - base.low).log().sum())
        missed = abs(float(constant) - known) if torch.is_tensor(constant) and constant.numel() == 1 else 0.0
        self.tolerance = 1.001 * missed if 0 < missed <= 1e-6 * (1 + abs(known)) else 0.0  # float32 holds no more of it
        shape = document.get("event_shape")
        self.flat = shape is not None and any(_kind(module) == "MultiscaleCompositeTransform" for module in self.flow._transform.modules())

    def condition(self, document, rows, given):
        return _spread(_conditions(document["context_size"], rows, given), self.standardized, given)

    def _context(self, condition):
        return condition if self.embedding is None or condition is None else self.embedding(_shaped(self.model, condition))

    def draw(self, rows, condition):
        base = self.flow._distribution
        context = self._context(condition)
        if _kind(base) == "DiagonalNormal":  # the library does not sample it
            return base.mean_ + base.log_std_.exp() * torch.randn(rows, *base._shape)
        if _kind(base) in _MADE_MIXTURES and context is None:  # nor this one
            return torch.randn(rows, _features(base))
        if context is None or not getattr(self.flow, "_context_used_in_base", True) or _kind(base) not in ("ConditionalDiagonalNormal", *_MADE_MIXTURES):
            return base.sample((rows,)) if isinstance(base, torch.distributions.Distribution) else base.sample(rows)
        return base.sample(1, context=context)[:, 0]

    def decode(self, latents, condition):
        return self.flow._transform.inverse(latents, context=self._context(condition))[0]

    def encode(self, x, condition):
        return self.flow._transform(x, context=self._context(condition))

    def score(self, x, condition):
        if self.estimator:
            return self.model.log_prob(x[None], condition=_shaped(self.model, condition))
        return self.model.log_prob(x, condition)

    def layers(self, x, condition):
        return self._layers(self.flow._transform, self.prefix + "_transform", x, self._context(condition))

    def _layers(self, transform, path, x, context):
        if _kind(transform) == "CompositeTransform":
            for i, inner in enumerate(transform._transforms):
                for step in self._layers(inner, f"{path}._transforms.{i}", x, context):
                    x = step[1].clone()
                    yield step
        else:
            z, log_det = transform(x.clone(), context)
            yield f"{path} {_kind(transform)}", z, log_det + torch.zeros(len(x))


class _ImageRows:
    """The Glow and RealNVP repositories: rosinality's in both directions, chrischute's with the noise that it draws itself."""
    tolerance = 0.0

    def __init__(self, model, embedding, document):
        self.model, self.shape, self.rosinality = model, document["event_shape"], hasattr(model, "blocks")

    def cases(self, x):
        x = torch.rand(_ROWS, *self.shape) - (0.5 if self.rosinality else 0) if x is None else x
        if not self.rosinality:
            state = torch.random.get_rng_state()
            noise = torch.rand_like(x)
            torch.random.set_rng_state(state)  # the model draws the same
            z, log_det = self.model(x, reverse=False)
            return {"x": x, "u": noise, "z": z, "log_prob": log_det + (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)}
        log_p, log_det, levels = self.model(x)
        noise = [torch.randn_like(level) for level in levels]
        return {"x": x, "log_prob": log_p + log_det, **_named("eps", noise), "x_out": self.model.reverse(noise)}


def _standardized(embedding):
    """The z-score in front of an embedding: contexts are drawn as it expects them."""
    return None if embedding is None else next((module for module in embedding.modules() if _kind(module) == "Standardize"), None)


def _spread(condition, standardize, given):
    if condition is None or given is not None or standardize is None:
        return condition
    try:
        return condition * standardize._std.reshape(-1) + standardize._mean.reshape(-1)
    except (AttributeError, RuntimeError):
        return condition


def _shaped(model, condition):
    """Conditions of several axes, which are rows of numbers everywhere else."""
    shape = getattr(model, "condition_shape", ())
    return condition.reshape(-1, *shape) if len(shape) > 1 else condition


def _summed(log_det, x):
    return log_det.flatten(1).sum(1) if log_det.dim() > 1 else log_det + torch.zeros(len(x))


# --- activations -------------------------------------------------------------------------------------------------------------

_POINTS = [-7.0, -3.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.7, 2.0, 5.0, 30.0]
_KNOWN = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "elu": torch.nn.functional.elu,
    "silu": torch.nn.functional.silu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "gelu": torch.nn.functional.gelu,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "selu": torch.nn.functional.selu,
    "mish": torch.nn.functional.mish,
    "relu6": torch.nn.functional.relu6,
    "hardswish": torch.nn.functional.hardswish,
    "gelu_tanh": lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3))),
}


def _activation(function):
    """(name, parameter) of an activation, found by evaluating it: names of functions, partials and lambdas do not tell."""
    points = torch.tensor(_POINTS, dtype=torch.float64)
    call = copy.deepcopy(function).to("cpu", torch.float64).eval() if isinstance(function, torch.nn.Module) else function
    shown = getattr(function, "__name__", None) or _kind(function)
    try:
        with torch.no_grad():
            values = call(points.clone())
        if not torch.is_tensor(values) or values.shape != points.shape:
            raise ExportError(f"{shown} is no activation: it does not give one value for each")
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(f"{shown} is no activation of single values, and cannot be described; use one of {', '.join(_KNOWN)}") from error
    for name, known in _KNOWN.items():
        if torch.allclose(values, known(points.clone()), rtol=1e-9, atol=1e-12):
            return name, {"elu": 1.0, "leaky_relu": 0.01}.get(name)
    slope = _short(values[0] / -7.0)
    if torch.allclose(values, torch.nn.functional.leaky_relu(points, slope), rtol=1e-9, atol=1e-12):
        return "leaky_relu", slope
    alpha = _short(values[0] / math.expm1(-7.0))
    if torch.allclose(values, torch.nn.functional.elu(points, alpha), rtol=1e-9, atol=1e-12):
        return "elu", alpha
    beta = _short(math.log(2) / values[_POINTS.index(0.0)]) if values[_POINTS.index(0.0)] > 0 else 1.0
    if torch.allclose(values, torch.nn.functional.softplus(points, beta), rtol=1e-9, atol=1e-12):
        return "softplus", beta
    raise ExportError(f"the activation {shown} is none of {', '.join(_KNOWN)}; use one of them")


def _in_place(function):
    """Whether it writes into its argument: in a residual block that changes what the skip adds."""
    points = torch.tensor(_POINTS, dtype=torch.float64)
    seen = points.clone()
    with torch.no_grad():
        (copy.deepcopy(function).to("cpu", torch.float64).eval() if isinstance(function, torch.nn.Module) else function)(seen)
    return not torch.equal(seen, points)


def _written_over(blocks, norm):
    """{"inplace": True} where the blocks' first activation writes over what the skip adds, before which no norm stands."""
    return {"inplace": True} if not norm and any(_in_place(block.activation) for block in blocks) else {}


def _activation_word(function):
    """One bare word, as normflows' description has it."""
    name, parameter = _activation(function)
    if (name, parameter) in (("elu", 1.0), ("leaky_relu", 0.01)) or parameter is None:
        return name
    raise ExportError(f"the activation {name} with the parameter {parameter} has no place in the description; use the default")


def _activation_text(function):
    """A word with its parameter, as nflows' description has it."""
    name, parameter = _activation(function)
    if name == "elu":
        return f"elu(alpha={_decimal(parameter)})"
    return f"{name}({_decimal(parameter)})" if parameter is not None else name


def _decimal(value):
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _blocks_activation(blocks, write, default="relu"):
    found = {write(block.activation) for block in blocks}
    if len(found) > 1:
        raise ExportError(f"the blocks of one network have different activations: {', '.join(sorted(found))}")
    return found.pop() if found else default


# --- normflows ---------------------------------------------------------------------------------------------------------------

def _normflows(model, state, prefix, owner, hints):
    wrapper = _kind(model)
    if wrapper not in ("NormalizingFlow", "ConditionalNormalizingFlow", "ClassCondFlow", "MultiscaleFlow"):
        raise ExportError(f"unknown normflows wrapper {wrapper}")
    for base in _list(model.q0):
        if getattr(base, "temperature", None) is not None:
            raise ExportError("q0.temperature is set, which changes log_prob: reset it to None")
    document = {"format": "flow-golden/1", "library": "normflows", "wrapper": wrapper}
    if wrapper == "MultiscaleFlow":
        document["event_shape"] = _multiscale_shape(model)
        document["base"] = [_nf_base(base, f"q0.{i}.") for i, base in enumerate(model.q0)]
        document["levels"] = [_nf_list(level, f"flows.{i}.") for i, level in enumerate(model.flows)]
        document["merges"] = [_nf_layer(merge, f"merges.{i}.") for i, merge in enumerate(model.merges)]
        document["transform"] = None if model.transform is None else _nf_transform(model.transform)
        document["class_cond"] = bool(model.class_cond)
    else:
        document["event_shape"] = _list(next(getattr(model.q0, name) for name in ("shape", "dim", "ndim") if hasattr(model.q0, name)))
        document["base"] = _nf_base(model.q0, "q0.")
        document["flows"] = _nf_list(model.flows, "flows.")
    if wrapper == "ConditionalNormalizingFlow":
        document["context_shape"] = [_nf_context(model, hints["context_size"])]
    document["parameters"] = sum(p.numel() for p in model.parameters())
    return document


def _list(value):
    if isinstance(value, torch.nn.ModuleList):
        return list(value)
    return list(value) if isinstance(value, (tuple, list, torch.Size)) else [value]


def _nf_list(layers, prefix):
    described = []
    for i, layer in enumerate(layers):
        if _kind(layer) == "Composite":
            described += _nf_list(layer._flows, f"{prefix}{i}._flows.")
        else:
            described.append(_nf_layer(layer, f"{prefix}{i}."))
    return described


@_located
def _nf_layer(layer, key_prefix):
    kind = _kind(layer)
    if kind == "Reverse":
        return {"type": kind, "args": {"flow": _nf_reversible(layer.flow, f"{key_prefix}flow.")}, "key_prefix": key_prefix}
    describe = _NF_LAYERS.get(kind)
    if describe is None:
        raise ExportError(f"the layer {kind} cannot be described; use one of {', '.join(_NF_LAYERS)}")
    return {"type": kind, "args": describe(layer), "key_prefix": key_prefix}


def _nf_reversible(layer, key_prefix):
    if _kind(layer) == "Composite":
        return {"type": "Composite", "args": {"flows": _nf_list(layer._flows, f"{key_prefix}_flows.")}, "key_prefix": key_prefix}
    return _nf_layer(layer, key_prefix)


def _nf_coupling_block(layer):
    split, coupling = layer.flows[0], layer.flows[1]
    return {"param_map": _nf_net(coupling.param_map), "scale": bool(coupling.scale), "scale_map": coupling.scale_map, "split_mode": split.mode}


def _nf_masked_affine(layer):
    nets = {name: layer._modules.get(name) for name in ("t", "s")}  # without a net the attribute is torch.zeros_like
    return {"b": layer.b[0].tolist(), **{name: None if net is None else _nf_net(net) for name, net in nets.items()}}


def _nf_planar(layer):
    if layer.act != "leaky_relu":
        raise ExportError(f"Planar with '{layer.act}' has no closed inverse: a flow with it cannot be served in both directions; leaky_relu has one")
    return {"shape": list(layer.u.shape[1:]), "act": layer.act, "negative_slope": float(layer.h.negative_slope)}


def _nf_const(layer):
    return {"shape": list(layer.s.shape[1:]), "scale": "s" in layer._parameters, "shift": "t" in layer._parameters}


def _nf_coupled_spline(layer):
    q = layer.prqct
    net = q.transform_net
    own = getattr(q, "unconditional_transform", None)
    if isinstance(q.tails, (list, tuple)):
        if own is None:
            raise ExportError("a circular spline without a transform of its kept features cannot be described")
        tails = {int(i): tail for i, tail in [*zip(q.transform_features.tolist(), q.tails), *zip(q.identity_features.tolist(), own.tails)]}
        kind = {"ind_circ": _nf_circular([tails[i] for i in range(int(q.features))])}
    else:
        kind = {"tails": _nf_tails(q.tails)}
    preprocessing = getattr(net, "preprocessing", None)
    _nf_periodic(preprocessing, "ind_circ" in kind)
    return {
        "num_input_channels": int(q.features), "num_blocks": len(net.blocks), "num_hidden_channels": int(net.hidden_features),
        "num_context_channels": None if net.context_features is None else int(net.context_features),
        "num_bins": int(q.num_bins), **kind, "tail_bound": _nf_coupled_bound(q, own),
        "activation": _blocks_activation(net.blocks, _activation_word), "dropout_probability": _dropout(net.blocks),
        "reverse_mask": bool((q.transform_features == 0).any()), "init_identity": True,
        **_written_over(net.blocks, any(bool(getattr(block, "use_batch_norm", False)) for block in net.blocks)),
    }


def _nf_ar_spline(layer):
    q = layer.mprqat
    net = q.autoregressive_net
    if isinstance(q.tails, (list, tuple)):
        kind = {"ind_circ": _nf_circular(q.tails)}
    elif q.tails == "linear":
        kind = {}  # no constructor argument
    else:
        raise ExportError(f"an autoregressive spline with tails {q.tails!r} cannot be described; linear and circular ones can")
    _nf_periodic(getattr(net, "preprocessing", None), "ind_circ" in kind)
    return {
        **_nf_made(net, "num_input_channels", "num_hidden_channels", "num_context_channels"), **kind,
        "num_bins": int(q.num_bins), "tail_bound": _nf_bound(q.tail_bound),
        "permute_mask": not torch.equal(_out_degrees(net).cpu(), torch.arange(1, net.initial_layer.in_features + 1)),
        "init_identity": True,
    }


def _nf_maf(layer):
    net = layer.autoregressive_net
    features = net.initial_layer.in_features
    blocks = list(net.blocks)
    residual = not blocks or _kind(blocks[0]) == "MaskedResidualBlock"
    usual = torch.arange(net.initial_layer.out_features) % max(1, features - 1) + min(1, features - 1)
    inner = [net.initial_layer] + [block.linear for block in blocks if hasattr(block, "linear")]
    return {
        **_nf_made(net, "features", "hidden_features", "context_features"),
        "use_residual_blocks": residual,
        "random_mask": any(not torch.equal(linear.degrees.cpu(), usual) for linear in inner) and not residual,
        "use_batch_norm": any(bool(getattr(b, "use_batch_norm", False)) or getattr(b, "batch_norm", None) is not None for b in blocks),
    }


def _nf_periodic(preprocessing, circular):
    """Periodic features are implied by circular splines; nothing else may stand in front of a spline's network."""
    if preprocessing is None or _kind(preprocessing) == "Identity":
        return
    if not circular or _kind(preprocessing) not in ("PeriodicFeatures", "PeriodicFeaturesElementwise"):
        raise ExportError(f"the preprocessing {_kind(preprocessing)} in front of a spline's network cannot be described")
    if getattr(preprocessing, "apply_bias", False):
        raise ExportError("periodic features with a bias cannot be described")


def _nf_made(net, features, hidden, context):
    layer = getattr(net, "context_layer", None)
    return {
        features: net.initial_layer.in_features, hidden: net.initial_layer.out_features,
        context: None if layer is None else layer.in_features, "num_blocks": len(net.blocks),
        "activation": _blocks_activation(net.blocks, _activation_word), "dropout_probability": _dropout(net.blocks),
        **_written_over([block for block in net.blocks if hasattr(block, "linear_layers")], any(bool(getattr(block, "use_batch_norm", False)) for block in net.blocks)),
    }


def _out_degrees(net):
    final = net.final_layer
    return final.degrees[::final.out_features // net.initial_layer.in_features]


def _dropout(blocks):
    for block in blocks:
        return float(block.dropout.p)
    return 0.0


def _nf_tails(tails):
    if tails not in ("linear", "circular", None):
        raise ExportError(f"splines with tails {tails!r} cannot be described; linear, circular and None (a box) can")
    return tails


def _nf_circular(tails):
    unknown = [tail for tail in tails if tail not in ("linear", "circular")]
    if unknown:
        raise ExportError(f"a feature with tails {unknown[0]!r} cannot be described; linear and circular ones can")
    return [i for i, tail in enumerate(tails) if tail == "circular"]


def _nf_bound(bound):
    return bound.tolist() if torch.is_tensor(bound) else float(bound)


def _nf_coupled_bound(q, own):
    """One bound, or one for each feature: the coupling keeps those of the features that it transforms, its other transform the rest."""
    if not torch.is_tensor(q.tail_bound):
        return float(q.tail_bound)
    if own is None:
        raise ExportError("a spline with one bound per feature, and without a transform of its kept features, cannot be described")
    bounds = {int(i): bound for i, bound in [*zip(q.transform_features.tolist(), q.tail_bound.tolist()), *zip(q.identity_features.tolist(), own.tail_bound.tolist())]}
    return [bounds[i] for i in range(int(q.features))]


def _nf_angles(layer, *names):
    """PeriodicWrap, PeriodicShift: numbers, or buffers of one for each angle."""
    args = {"ind": [int(i) for i in layer.ind]}
    for name in names:
        value = getattr(layer, name)
        args[name] = value.tolist() if torch.is_tensor(value) else float(value) if isinstance(value, (int, float)) else [float(v) for v in value]
    return args


def _nf_glow(layer):
    block = layer.flows[0]
    split, coupling = block.flows[0], block.flows[1]
    net = coupling.param_map
    convolutions = [m for m in layer.flows if _kind(m) == "Invertible1x1Conv"]
    norm = [m for m in layer.flows if _kind(m) == "ActNorm"][0]
    described = _nf_net(net)["args"]
    return {
        "channels": norm.s.shape[1], "hidden_channels": described["channels"][1], "scale": bool(coupling.scale), "scale_map": coupling.scale_map,
        "split_mode": split.mode, "leaky": described["leaky"], "init_zeros": True,
        "use_lu": bool(convolutions[0].use_lu) if convolutions else True, "net_actnorm": described["actnorm"],
    }


_NF_LAYERS = {
    "AffineCouplingBlock": _nf_coupling_block,
    "MaskedAffineFlow": _nf_masked_affine,
    "Planar": _nf_planar,
    "ActNorm": lambda layer: {"shape": list(layer.s.shape[1:])},
    "AffineConstFlow": _nf_const,
    "Permute": lambda layer: {"num_channels": int(layer.num_channels), "mode": layer.mode},
    "InvertibleAffine": lambda layer: {"num_channels": int(layer.num_channels), "use_lu": bool(layer.use_lu)},
    "Invertible1x1Conv": lambda layer: {"num_channels": int(layer.num_channels), "use_lu": bool(layer.use_lu)},
    "LULinearPermute": lambda layer: {"num_channels": int(layer.linear.features), "identity_init": True},
    "CoupledRationalQuadraticSpline": _nf_coupled_spline,
    "AutoregressiveRationalQuadraticSpline": _nf_ar_spline,
    "CircularCoupledRationalQuadraticSpline": _nf_coupled_spline,
    "CircularAutoregressiveRationalQuadraticSpline": _nf_ar_spline,
    "PeriodicWrap": lambda layer: _nf_angles(layer, "bound"),
    "PeriodicShift": lambda layer: _nf_angles(layer, "bound", "shift"),
    "MaskedAffineAutoregressive": _nf_maf,
    "GlowBlock": _nf_glow,
    "Squeeze": lambda layer: {},
    "Merge": lambda layer: {"mode": layer.mode},
}


def _nf_transform(transform):
    kind = _kind(transform)
    if kind == "Logit":
        return {"type": kind, "args": {"alpha": float(transform.alpha)}}
    if kind == "Shift":
        return {"type": kind, "args": {"shift": float(transform.shift)}}
    raise ExportError(f"the transform {kind} in front of a multi-scale flow cannot be described; Logit and Shift can")


def _nf_net(net):
    kind = _kind(net)
    if kind == "MLP" and _nf_usual(list(net.net)):
        return {"type": kind, "args": _nf_mlp(net)}
    if kind == "MLP" or isinstance(net, torch.nn.Sequential):
        layers = []
        _layers(net.net if kind == "MLP" else net, "net" if kind == "MLP" else "", layers)
        return {"type": "Sequential", "args": {"layers": layers}}
    if kind == "ConvNet2d":
        return {"type": kind, "args": _nf_convnet(net)}
    raise ExportError(f"the network {kind} cannot be described; build it with normflows.nets.MLP (or ConvNet2d), or as an nn.Sequential of Linear layers and activations")


def _nf_usual(modules):
    """Whether these are the modules that MLP itself puts together."""
    last = max((i for i, m in enumerate(modules) if _kind(m) == "Linear"), default=-1)
    kinds = [_kind(m) for m in modules[:last]]
    hidden = kinds[:-1] if kinds and kinds[-1] == "Dropout" else kinds
    slopes = {float(m.negative_slope) for m in modules[:last] if _kind(m) == "LeakyReLU"}
    behind = {"ConstScaleLayer", "Sigmoid", "ReLU", "Tanh", "ClampExp"}
    return last >= 0 and hidden == ["Linear", "LeakyReLU"] * (len(hidden) // 2) and len(slopes) < 2 and behind.issuperset(_kind(m) for m in modules[last + 1:])


def _nf_mlp(net):
    layers, leaky, dropout, scales, function, seen_last = [], 0.0, None, {}, None, False
    modules = list(net.net)
    last = max(i for i, m in enumerate(modules) if _kind(m) == "Linear")
    for i, module in enumerate(modules):
        kind = _kind(module)
        if kind == "Linear":
            layers += [module.in_features, module.out_features] if not layers else [module.out_features]
        elif kind == "LeakyReLU":
            leaky = float(module.negative_slope)
        elif kind == "Dropout":
            dropout = float(module.p)
        elif i > last and kind == "ConstScaleLayer":
            scales["output_scale" if function else "score_scale"] = _float32(module.scale)
        elif i > last and kind in ("Sigmoid", "ReLU", "Tanh", "ClampExp"):
            function = kind.lower()
        else:
            raise ExportError(f"the module {kind} in an MLP cannot be described")
    return {
        "layers": layers, "leaky": leaky, "score_scale": scales.get("score_scale"), "output_fn": function,
        "output_scale": scales.get("output_scale"), "init_zeros": False, "dropout": dropout,
    }


def _nf_convnet(net):
    convolutions = [m for m in net.net if _kind(m) == "Conv2d"]
    slopes = [float(m.negative_slope) for m in net.net if _kind(m) == "LeakyReLU"]
    unknown = [_kind(m) for m in net.net if _kind(m) not in ("Conv2d", "LeakyReLU", "ActNorm")]
    if unknown:
        raise ExportError(f"the module {unknown[0]} in a ConvNet2d cannot be described")
    return {
        "channels": [convolutions[0].in_channels] + [c.out_channels for c in convolutions],
        "kernel_size": [c.kernel_size[0] for c in convolutions], "leaky": slopes[0] if slopes else 0.0,
        "init_zeros": True, "actnorm": any(_kind(m) == "ActNorm" for m in net.net), "weight_std": None,
    }


def _nf_base(base, key_prefix):
    kind = _kind(base)
    if kind == "DiagGaussian":
        args = {"shape": list(_list(base.shape)), "trainable": "loc" in base._parameters}
    elif kind == "ClassCondDiagGaussian":
        args = {"shape": list(_list(base.shape)), "num_classes": int(base.num_classes)}
    elif kind == "GlowBase":
        classes = getattr(base, "num_classes", None)
        args = {"shape": list(_list(base.shape)), "num_classes": None if classes is None else int(classes), "logscale_factor": float(base.logscale_factor)}
    elif kind == "ConditionalDiagGaussian":
        args = {"shape": list(_list(base.shape)), "context_encoder": _nf_net(base.context_encoder)}
    elif kind == "GaussianMixture":
        args = {"n_modes": int(base.n_modes), "dim": int(base.dim)}
    elif kind == "Uniform":
        args = {"shape": list(_list(base.shape)), "low": _number(base.low, "low"), "high": _number(base.high, "high")}
    elif kind == "UniformGaussian":
        args = {"ndim": int(base.ndim), "ind": base.ind.tolist()}
    elif kind == "AffineGaussian":
        classes = getattr(base, "num_classes", None)
        args = {"shape": list(_list(base.shape)), "affine_shape": list(base.transform.s.shape[1:]), "num_classes": None if classes is None else int(classes)}
    else:
        raise ExportError(f"the base {kind} cannot be described; {', '.join(_NF_BASES)} can")
    return {"type": kind, "args": args, "key_prefix": key_prefix}


_NF_BASES = ("DiagGaussian", "ClassCondDiagGaussian", "GlowBase", "ConditionalDiagGaussian", "GaussianMixture", "Uniform", "UniformGaussian", "AffineGaussian")


def _number(value, name):
    value = torch.as_tensor(value)
    if value.numel() != 1:
        raise ExportError(f"a Uniform base whose {name} differs from value to value cannot be described")
    return float(value)


def _multiscale_shape(model):
    shape = list(_list(model.q0[0].shape))
    for i, level in enumerate(model.flows):
        if i > 0:
            if str(model.merges[i - 1].mode).startswith("channel"):
                shape[0] += _list(model.q0[i].shape)[0]
            else:
                shape[-1] *= 2  # each colour of a checkerboard is packed to half the width
        for layer in level:
            if _kind(layer) == "Squeeze":
                shape = [shape[0] // 4, shape[1] * 2, shape[2] * 2]
    return shape


def _nf_context(model, hint):
    widths = set()
    for module in model.modules():
        kind = _kind(module)
        if kind == "ResidualNet" and getattr(module, "context_features", None):
            widths.add(int(module.context_features))
        elif kind == "MADE" and getattr(module, "context_layer", None) is not None:
            widths.add(module.context_layer.in_features)
        elif kind == "ConditionalDiagGaussian":
            linear = [m for m in module.context_encoder.modules() if _kind(m) == "Linear"]
            widths.add(linear[0].in_features)
    if len(widths) > 1:
        raise ExportError(f"the layers take contexts of different widths: {sorted(widths)}")
    if not widths and hint is None:
        raise ExportError("no layer tells the width of the context: pass context_size=")
    return widths.pop() if widths else int(hint)


# --- zuko --------------------------------------------------------------------------------------------------------------------

def _zuko(flow, state, prefix, owner, hints):
    width = [None]
    whole, name = _zuko_whole(flow)
    structure = {"transform": _zuko_transform(whole, prefix + name, width)}
    features = _zuko_features(structure["transform"], state, prefix)
    structure["base"] = _zuko_base(flow.base, state, prefix)
    if features is None:
        raise ExportError("no layer tells the number of features")
    raw = _raw_context(owner)
    context = width[0] or 0
    structure["embedding"] = _embedding(_embedding_module(owner, flow), owner, state, context, hints)
    return {
        "library": "zuko", "event_size": features,
        "context_size": raw if raw is not None else _embedded_input(structure["embedding"], state, context), "structure": structure,
    }


def _zuko_whole(flow):
    """A flow's transform and the attribute that it is; zuko 0.x kept a list of them."""
    return (flow.transform, "transform") if hasattr(flow, "transform") else (flow.transforms, "transforms")


def _zuko_parts(transform, prefix):
    """The transforms that a composed one applies, each with its place; None for a single one."""
    kind = _kind(transform)
    if kind not in ("LazyComposedTransform", "ModuleList"):
        return None
    return [(part, f"{prefix}.{i}" if kind == "ModuleList" else f"{prefix}.transforms.{i}")
            for i, part in enumerate(transform if kind == "ModuleList" else transform.transforms)]


@_located
def _zuko_transform(transform, prefix, width):
    kind, parts = _kind(transform), _zuko_parts(transform, prefix)
    if parts is not None:
        return {"type": "composed", "prefix": prefix, "layers": [_zuko_transform(part, place, width) for part, place in parts]}
    if kind in ("MaskedAutoregressiveTransform", "NeuralAutoregressiveTransform", "UnconstrainedNeuralAutoregressiveTransform"):
        total = sum(math.prod(shape) for shape in transform.shapes)
        hyper = _zuko_hyper(transform.hyper, prefix, "masked_mlp", "concat(x, context)")
        features = _last_linear(transform.hyper).out_features // total
        _set(width, _first_linear(transform.hyper).in_features - features)
        order = getattr(transform, "order", None)
        return {"type": "masked_autoregressive", "prefix": prefix, "features": features, "passes": int(transform.passes),
                "order": None if order is None else [int(v) for v in order], "params_per_feature": total,
                "univariate": _zuko_univariate(transform, prefix), "hyper": hyper}
    if kind == "GeneralCouplingTransform":
        mask = [int(bool(v)) for v in transform.mask]
        hyper = _zuko_hyper(transform.hyper, prefix, "mlp", "concat(x[kept], context)")
        _set(width, _first_linear(transform.hyper).in_features - sum(mask))
        return {"type": "coupling", "prefix": prefix, "mask": mask, "mask_meaning": "1 = kept (conditioner input), 0 = transformed",
                "params_per_feature": sum(math.prod(shape) for shape in transform.shapes), "univariate": _zuko_univariate(transform, prefix), "hyper": hyper}
    if kind == "ElementWiseTransform":
        described = {"type": "elementwise", "prefix": prefix, "univariate": _zuko_univariate(transform, prefix)}
        if getattr(transform, "hyper", None) is not None:
            described["hyper"] = _zuko_hyper(transform.hyper, prefix, "mlp", "context")
            _set(width, _first_linear(transform.hyper).in_features)
        else:
            described["hyper"] = None
            described["tensors"] = [f"{prefix}.phi.{i}" for i in range(len(transform.phi))]
        return described
    if kind in ("UnconditionalTransform", "Unconditional"):
        return _zuko_unconditional(transform, prefix)
    if kind == "LazyInverse":
        return {"type": "inverse", "prefix": prefix, "transform": _zuko_transform(transform.transform, f"{prefix}.transform", width)}
    if kind == "FFJTransform":
        raise ExportError("a continuous flow (CNF) has no exact log-density: only exact flows are served")
    raise ExportError(f"this transform cannot be described; {_REMEDIES['zuko']}")


def _zuko_unconditional(transform, prefix):
    function = getattr(transform, "f", None) or getattr(transform, "meta", None)
    function_name = getattr(function, "__name__", _kind(function))
    tensors = [n for n, _ in transform.named_parameters(recurse=False)] + [n for n, _ in transform.named_buffers(recurse=False)]
    if function_name not in _ZUKO_FUNCTIONS and not tensors and type(transform).forward is not torch.nn.Module.forward:
        return {"type": "pointwise", "prefix": prefix, "steps": _pointwise(transform(), False)}
    if any(not torch.is_tensor(getattr(transform, f"_{i}")) for i in range(getattr(transform, "_nargs", 0))):
        raise ExportError(f"{function_name} was given a number by position: give it by name, for example bound=...")
    numbers = {k: float(v) for k, v in {**getattr(transform, "kwargs", {}), **vars(transform)}.items()
               if isinstance(v, (int, float)) and not isinstance(v, bool) and not k.startswith("_") and k != "training"}
    setting = {"SoftclipTransform": "bound", "MonotonicAffineTransform": "slope"}.get(function_name)
    if setting is not None:
        if setting not in numbers:
            numbers[setting] = _default(function, setting)
    elif function_name not in _ZUKO_FUNCTIONS:
        raise ExportError(f"the transform {function_name} cannot be described; transform the data outside and export the flow without it")
    return {"type": "unconditional", "prefix": prefix, "function": function_name, "note": "", "tensors": tensors, "numbers": numbers}


_ZUKO_FUNCTIONS = ("SoftclipTransform", "MonotonicAffineTransform", "AffineTransform", "RotationTransform", "AdditiveTransform", "PermutationTransform", "LULinearTransform")


def _pointwise(transform, inverse):
    """PyTorch's own transforms of single values, step by step: also those that sbi makes of a prior's bounds."""
    kind = _kind(transform)
    if kind in ("_InverseTransform", "Inverse"):  # zuko renames it
        return _pointwise(transform.inv, not inverse)
    if kind == "IndependentTransform":
        return _pointwise(transform.base_transform, inverse)
    if kind in ("ComposeTransform", "ComposedTransform"):
        parts = list(getattr(transform, "parts", None) or getattr(transform, "transforms", ()))
        return [step for part in (reversed(parts) if inverse else parts) for step in _pointwise(part, inverse)]
    if kind == "IdentityTransform":
        return []
    if kind == "AffineTransform":
        return [{"function": "affine", "inverse": inverse, "loc": _values(transform.loc), "scale": _values(transform.scale)}]
    names = {"SigmoidTransform": "sigmoid", "TanhTransform": "tanh", "ExpTransform": "exp"}
    if kind not in names:
        raise ExportError(f"the transform {kind} cannot be described; Sigmoid-, Tanh-, Exp- and AffineTransform and their inverses can; transform the data outside and export the flow without it")
    return [{"function": names[kind], "inverse": inverse}]


def _values(value):
    return [float(v) for v in torch.as_tensor(value).reshape(-1)]


def _zuko_hyper(network, prefix, kind, reads):
    return {"type": kind, "prefix": f"{prefix}.hyper", "input": reads, "modules": _zuko_modules(network, f"{prefix}.hyper")}


def _zuko_modules(network, prefix):
    return [_zuko_module(module, f"{prefix}.{index}") for index, module in network._modules.items()]


@_located
def _zuko_module(module, prefix):
    kind, index = _kind(module), prefix.rsplit(".", 1)[-1]
    if kind in ("MaskedLinear", "Linear"):
        return {"index": index, "type": kind, "in": module.in_features, "out": module.out_features}
    if kind == "Residual":
        return {"index": index, "type": kind, "inner": _zuko_modules(module, prefix)}
    if kind == "LayerNorm":
        if hasattr(module, "normalized_shape"):  # torch's own, whose variance is divided by n
            layers = []
            _layers(module, prefix, layers)
            return {"index": index, "type": kind, **{key: layers[0][key] for key in ("width", "eps", "affine")}}
        return {"index": index, "type": "LayerNormNoAffine", "eps": float(module.eps), "variance": "unbiased (n-1)"}
    if kind == "ELU":
        return {"index": index, "type": kind, "alpha": float(module.alpha)}
    if kind == "LeakyReLU":
        return {"index": index, "type": kind, "negative_slope": float(module.negative_slope)}
    if kind in ("ReLU", "Tanh", "SiLU", "GELU", "Sigmoid", "Softplus", "SELU"):
        if not (kind == "Softplus" and (module.beta != 1 or module.threshold != 20) or kind == "GELU" and getattr(module, "approximate", "none") != "none"):
            return {"index": index, "type": kind}
    layers = []
    _layers(module, prefix, layers)
    if kind == "BatchNorm1d":
        return {"index": index, "type": kind, "eps": layers[0]["eps"]}
    if len(layers) > 1 or layers and "prefix" in layers[0]:
        raise ExportError(f"the module {kind} in a zuko network cannot be described; use Linear layers, LayerNorm, BatchNorm1d and activations, of which PReLU has one slope for all units")
    return {"index": index, "type": "activation", "function": layers[0]["type"]} if layers else {"index": index, "type": "Identity"}


def _zuko_univariate(transform, prefix):
    univariate, shapes = transform.univariate, transform.shapes
    holder, at = (transform, prefix) if hasattr(univariate, "__self__") else (univariate, f"{prefix}.univariate")  # zuko 1.0 keeps the network in the transform
    if isinstance(holder, torch.nn.Module):
        return _zuko_feature_network(holder, univariate, shapes, at)
    function, keywords = univariate, {}
    if hasattr(univariate, "func") and hasattr(univariate, "keywords"):
        if univariate.args:
            raise ExportError("use functools.partial(Transform, slope=...) with keywords, not with positional arguments")
        function, keywords = univariate.func, dict(univariate.keywords)
    name = getattr(function, "__name__", "")
    sizes = [list(shape) for shape in shapes]
    if name == "MonotonicAffineTransform":
        return {"type": "affine", "slope": _setting(function, keywords, "slope"), "packed": ["shift", "scale"]}
    if name in ("MonotonicRQSTransform", "CircularRQSTransform"):
        circular = name == "CircularRQSTransform"
        spline = function.__globals__.get("MonotonicRQSTransform", function) if circular else function
        slope = keywords["slope"] if "slope" in keywords else (
            _default(function, "slope") if _has_default(function, "slope") else _default(spline, "slope"))
        return {"type": "circular_shift_then_rqs" if circular else "rqs", "bins": sizes[0][0],
                "bound": math.pi if circular else _setting(function, keywords, "bound"), "slope": float(slope),
                "packed": ["widths", "heights", "derivatives"]}
    if name in ("GaussianizationTransform", "ShiftedSOSPTransform", "BoundedBernsteinTransform"):
        if name == "ShiftedSOSPTransform":
            keywords.setdefault("slope", _sos_slope(function))
        return {"type": name, "shapes": sizes, "keywords": {key: _plain(value) for key, value in keywords.items()}}
    if name == "SOSPolynomialTransform" and {"a", "C"} <= inspect.signature(function).parameters.keys() and not keywords:
        return {"type": "ShiftedSOSPTransform", "shapes": sizes, "keywords": {"slope": 0.0}}  # zuko before 1.5: shifted by itself, and without a least slope
    raise ExportError(f"the univariate transform {name or _kind(univariate)} cannot be described")


def _zuko_feature_network(holder, univariate, shapes, prefix):
    """A network that a transform evaluates for each feature: one that increases (NAF), or the integrand of one (UNAF)."""
    name = next((name for name in ("network", "integrand") if isinstance(getattr(holder, name, None), torch.nn.Sequential)), None)
    if name is None or len(shapes) != (1 if name == "network" else 2) or len(shapes[0]) != 1:
        raise ExportError(f"the univariate transform {_kind(holder)} cannot be described; use zuko's MNN or UMNN")
    network, signal = getattr(holder, name), int(shapes[0][0])
    described = {"type": "MNN" if name == "network" else "UMNN", "signal": signal,
                 **_feature_layers(network, f"{prefix}.{name}", ("MonotonicLinear",) if name == "network" else ("Linear",))}
    if name == "network":
        return described
    live = _exact_copy(holder)
    univariate = live if univariate is holder else getattr(live, univariate.__name__)
    features = () if described["shared"] else (network[0].weight.shape[0],)
    with torch.no_grad():
        built = univariate(torch.zeros(*features, signal, dtype=torch.float64), torch.zeros(features, dtype=torch.float64))
        integral = next((part for part in [built, *getattr(built, "transforms", ())] if hasattr(part, "n")), None)
        last = live.integrand[len(live.integrand) - 1]
        last.weight.zero_()

        def positive(value):
            last.bias.fill_(value)
            return float(live.g(torch.zeros(*features, signal, dtype=torch.float64), torch.zeros(features, dtype=torch.float64)).reshape(-1)[0])
        if integral is None or getattr(last, "bias", None) is None:
            raise ExportError("this integral cannot be described; use zuko's UMNN")
        log = math.log(positive(100.0))
        bound = _near(100 * log / (100 - log))
        if any(abs(math.log(positive(value)) - value / (1 + abs(value / bound))) > 1e-12 * (1 + abs(value)) for value in (-30.0, -1.0, 0.0, 0.5, 7.0)):
            raise ExportError("the integrand is not exp(d / (1 + |d / bound|)) of what its network gives, as zuko has it, and cannot be described")
    return {**described, "positive": "softclip_exp", "bound": bound, "quadrature": "gauss_legendre", "points": int(integral.n)}


def _feature_layers(network, prefix, linear):
    """Layers of a network of single features: linear ones with the same activation, and perhaps a norm, between them."""
    layers, hidden, activations, norms, expected = [], [], set(), 0, "linear"
    modules = list(network._modules.items())
    for index, module in modules:
        kind = _kind(module)
        if expected == "linear" and kind in linear:
            layers.append(f"{prefix}.{index}")
            hidden.append(int(module.weight.shape[-2]))
            stacked, expected = module.weight.dim() == 3, "activation"
        elif expected == "activation" and kind == "TwoWayELU" and float(module.alpha) == 1 and linear == ("MonotonicLinear",):
            activations.add(kind)
            expected = "linear"
        elif expected == "activation" and linear != ("MonotonicLinear",) and kind not in linear and not list(module.parameters()):
            activations.add(_activation_text(module))
            expected = "norm"
        elif expected == "norm" and kind == "LayerNorm" and not hasattr(module, "normalized_shape") and module.dim == -1 and float(module.eps) == 1e-5:
            norms += 1
            expected = "linear"
        elif expected == "norm" and kind in linear:
            layers.append(f"{prefix}.{index}")
            hidden.append(int(module.weight.shape[-2]))
            expected = "activation"
        else:
            raise ExportError(f"the module {kind} at this place of a network of single features cannot be described; use the network that the library builds")
    if expected != "activation" or hidden.pop() != 1 or len(activations) != 1 or norms not in (0, len(hidden)):
        raise ExportError("this network of single features cannot be described: it must end in a linear layer of one output, and have one activation, and a norm behind all or none of its layers")
    described = {"hidden": hidden, "shared": not stacked, "layers": layers}
    return described if linear == ("MonotonicLinear",) else {**described, "activation": activations.pop(), "normalize": norms > 0}


def _sos_slope(function):
    """The default of the function itself or of the polynomial that it builds, which zuko's versions do not agree on."""
    for candidate in (function, getattr(function, "__globals__", {}).get("SOSPolynomialTransform")):
        if candidate is not None and _has_default(candidate, "slope"):
            return _default(candidate, "slope")
    raise ExportError("the slope of ShiftedSOSPTransform cannot be found: pass it with functools.partial(..., slope=...)")


def _setting(function, keywords, key):
    return float(keywords[key]) if key in keywords else _default(function, key)


def _has_default(function, key):
    try:
        parameter = inspect.signature(function).parameters.get(key)
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.default is not inspect.Parameter.empty


def _default(function, key):
    if not _has_default(function, key):
        raise ExportError(f"{getattr(function, '__name__', function)} does not tell its {key}: pass it with functools.partial(..., {key}=...)")
    return float(inspect.signature(function).parameters[key].default)


def _zuko_base(base, state, prefix):
    function = getattr(base, "f", None) or getattr(base, "meta", None)
    name = getattr(function, "__name__", "")
    start = prefix + "base."
    keys = [key for key in state if key.startswith(start)]
    if name == "DiagNormal":
        return {"type": "diag_normal", "tensors": keys, "meaning": "loc, scale (per feature)"}
    if name == "BoxUniform":
        return {"type": "box_uniform", "tensors": keys, "meaning": "lower, upper"}
    if name == "MultivariateNormal" and len(keys) == 2:
        given = {key[len(start):]: key for key in keys}
        matrix = next((form for form in ("covariance_matrix", "precision_matrix", "scale_tril") if form in given), "covariance_matrix")
        mean = given.get("loc", given.get("_0"))
        return {"type": "multivariate_normal", "matrix": matrix, "tensors": [mean, next(key for key in keys if key != mean)], "meaning": "loc, matrix"}
    raise ExportError(f"the base {name or _kind(base)} cannot be described; use DiagNormal, BoxUniform or MultivariateNormal")


def _zuko_features(node, state, prefix):
    if node["type"] == "composed":
        for layer in node["layers"]:
            found = _zuko_features(layer, state, prefix)
            if found:
                return found
    if node["type"] == "inverse":
        return _zuko_features(node["transform"], state, prefix)
    if node["type"] == "masked_autoregressive":
        return node["features"]
    if node["type"] == "coupling":
        return len(node["mask"])
    for key, value in state.items():
        if key.startswith(prefix + "base.") and value.dim() == 1:
            return value.shape[0]
    return None


def _linears(network):
    return [m for m in network.modules() if _kind(m) in ("MaskedLinear", "Linear")]


def _first_linear(network):
    return _linears(network)[0]


def _last_linear(network):
    return [m for m in network.children() if _kind(m) in ("MaskedLinear", "Linear")][-1]


def _set(cell, value):
    if not cell[0]:
        cell[0] = int(value)


# --- nflows ------------------------------------------------------------------------------------------------------------------

def _nflows(flow, state, prefix, owner, hints):
    base = flow._distribution
    shape = _list(getattr(base, "_shape", None) or getattr(base, "event_shape", None) or hints["event_shape"] or [_features(base)])
    image = _nflows_image(flow, shape, hints)
    width = [None]
    structure = {"transform": _nflows_transform(flow._transform, prefix + "_transform", width),
                 "base": _nflows_base(flow._distribution, shape, prefix + "_distribution", width)}
    context = width[0] or 0
    structure["embedding"] = _embedding(_embedding_module(owner, flow), owner, state, context, hints)
    raw = _raw_context(owner)
    return {"library": "nflows", "event_size": math.prod(shape), **({"event_shape": image} if image else {}),
            "context_size": raw if raw is not None else _embedded_input(structure["embedding"], state, context), "structure": structure}


def _features(base):
    """How many values a base that does not tell its shape has."""
    found = getattr(getattr(base, "_made", None), "features", None)
    if found is None:
        raise ExportError(f"the base {_kind(base)} cannot be described, for it does not tell its shape; use {_NFLOWS_BASES}")
    return found - (1 if _kind(base) == "MADEMoGWrapper" else 0)  # sbi's has one in front that is always 0


def _nflows_image(flow, shape, hints):
    """The shape of an image, or None for vectors: a flow of several scales knows only how many values its latents have."""
    if not any(_kind(module) in ("SqueezeTransform", "OneByOneConvolution", "ConvResidualNet") for module in flow._transform.modules()):
        return None
    scales = any(_kind(module) == "MultiscaleCompositeTransform" for module in flow._transform.modules())
    image = hints["event_shape"] or (shape if len(shape) == 3 and not scales else None)
    if image is None or len(image) != 3:
        raise ExportError("this flow of images stores their size nowhere: pass event_shape=(C, H, W)")
    image = [int(axis) for axis in image]
    if math.prod(image) != math.prod(shape):
        raise ExportError(f"event_shape: {image} has not the {math.prod(shape)} values of the base distribution")
    return image


def _nflows_base(base, shape, prefix, width):
    kind = _kind(base)
    if kind == "StandardNormal":
        return {"type": "standard_normal", "shape": shape, "tensors": []}
    if kind == "DiagonalNormal":
        return {"type": "diagonal_normal", "shape": shape, "prefix": prefix}
    if kind == "ConditionalDiagonalNormal":
        encoder, layers = base._modules.get("_context_encoder"), []
        if encoder is None:  # the context itself is [means | log stds]
            _set(width, 2 * shape[0])
        else:
            _layers(encoder, prefix + "._context_encoder", layers)
            _set(width, _first_linear(encoder).in_features)
        return {"type": "conditional_diagonal_normal", "shape": shape, "prefix": prefix, "encoder": {"layers": layers}}
    if kind == "MultivariateUniform":
        return {"type": "box_uniform", "shape": shape, "prefix": prefix}
    if kind == "BoxUniform":
        bounds = getattr(base, "base_dist", base)
        return {"type": "box_uniform", "shape": shape, "lower": _values(bounds.low), "upper": _values(bounds.high)}
    if kind in _MADE_MIXTURES:
        made = base._made
        return {"type": "made_mixture", "shape": shape, "prefix": prefix, "components": int(made.num_mixture_components), "epsilon": float(made.epsilon),
                "zero_in_front": kind == "MADEMoGWrapper", "net": {**_nflows_made(made, prefix + "._made", width), "of_density": True}}
    raise ExportError(f"{prefix} ({kind}): this base cannot be described; use {_NFLOWS_BASES}")


_MADE_MIXTURES = ("MADEMoG", "MADEMoGWrapper")
_NFLOWS_BASES = "StandardNormal, DiagonalNormal, ConditionalDiagonalNormal, BoxUniform or MADEMoG"


@_located
def _nflows_transform(t, prefix, width):
    kind = _kind(t)
    if kind == "CompositeTransform":
        return {"type": "composite", "prefix": prefix,
                "layers": [_nflows_transform(inner, f"{prefix}._transforms.{i}", width) for i, inner in enumerate(t._transforms)]}
    if kind == "MaskedAffineAutoregressiveTransform":
        return {"type": "masked_affine_autoregressive", "prefix": prefix, "epsilon": float(t._epsilon), "scale": _nflows_made_scale(t, t.autoregressive_net.initial_layer.in_features),
                "packed_per_feature": ["a", "shift"], "net": _nflows_made(t.autoregressive_net, prefix + ".autoregressive_net", width)}
    if kind == "MaskedPiecewiseRationalQuadraticAutoregressiveTransform":
        net = t.autoregressive_net
        return {"type": "masked_rqs_autoregressive", "prefix": prefix, "spline": _nflows_spline(t, net), "net": _nflows_made(net, prefix + ".autoregressive_net", width)}
    if kind == "MaskedUMNNAutoregressiveTransform":
        net = t.autoregressive_net
        return {"type": "masked_umnn_autoregressive", "prefix": prefix, "integral": _nflows_integral(t, prefix), "net": _nflows_made(net, prefix + ".autoregressive_net", width)}
    if kind in ("AffineCouplingTransform", "AdditiveCouplingTransform", "PiecewiseRationalQuadraticCouplingTransform", "UMNNCouplingTransform"):
        return _nflows_coupling(t, prefix, kind, width)
    if kind == "MultiscaleCompositeTransform":
        if int(t._split_dim) != 1:
            raise ExportError("a flow of several scales that splits another axis than the channels cannot be described")
        return {"type": "multiscale_composite", "prefix": prefix,
                "layers": [_nflows_transform(inner, f"{prefix}._transforms.{i}", width) for i, inner in enumerate(t._transforms)]}
    if kind == "SqueezeTransform":
        return {"type": "squeeze", "prefix": prefix, "factor": int(t.factor)}
    if kind == "OneByOneConvolution":
        return {"type": "one_by_one_conv", "prefix": prefix, "channels": int(t.features), "eps": float(t.eps)}
    if kind == "LULinear":
        return {"type": "lu_linear", "prefix": prefix, "features": int(t.features), "eps": float(t.eps), "diag": "softplus(unconstrained_upper_diag)+eps",
                "triangle_order": "row-major: numpy tril_indices(k=-1) / triu_indices(k=1)", "forward": "y = L(Ux)+bias, L unit lower"}
    if kind == "SVDLinear":
        return {"type": "svd_linear", "prefix": prefix, "eps": float(t.eps)}
    if kind == "IdentityTransform":
        return {"type": "pointwise", "prefix": prefix, "steps": []}
    if kind in ("Sigmoid", "Tanh", "Exp"):
        warmth = float(getattr(t, "temperature", 1.0))
        heated = [] if warmth == 1 else [{"function": "affine", "loc": [0.0], "scale": [warmth]}]
        return {"type": "pointwise", "prefix": prefix, "steps": [*heated, {"function": kind.lower()}]}
    if kind == "LeakyReLU":
        return {"type": "pointwise", "prefix": prefix, "steps": [{"function": "leaky_relu", "slope": float(t.negative_slope)}]}
    if kind == "LogTanh":
        return {"type": "pointwise", "prefix": prefix, "steps": [{"function": "log_tanh", "cut": float(t.cut_point), "factor": float(t.alpha)}]}
    if kind in ("QRLinear", "NaiveLinear", "HouseholderSequence"):
        return {"type": {"QRLinear": "qr_linear", "NaiveLinear": "naive_linear"}.get(kind, "householder"), "prefix": prefix}
    if kind in ("InverseTransform", "Logit"):
        return {"type": "inverse", "prefix": prefix, "transform": _nflows_transform(t._transform, prefix + "._transform", width)}
    if kind == "PiecewiseRationalQuadraticCDF":
        return _nflows_cdf(t, prefix)
    if kind in ("Permutation", "RandomPermutation", "ReversePermutation"):
        if getattr(t, "_dim", 1) != 1:
            raise ExportError("a permutation of another axis than the features cannot be described")
        return {"type": "permutation", "prefix": prefix, "permutation": t._permutation.tolist(), "forward": "y[j] = x[permutation[j]]"}
    if kind in ("PointwiseAffineTransform", "AffineTransform"):
        return {"type": "pointwise_affine", "prefix": prefix, "forward": "y = x*_scale + _shift", "tensors": [f"{prefix}._shift", f"{prefix}._scale"]}
    if kind == "BatchNorm":
        return {"type": "batch_norm_flow", "prefix": prefix, "eps": float(t.eps), "weight": "softplus(unconstrained_weight)+eps",
                "forward": "y = weight*(x-running_mean)/sqrt(running_var+eps)+bias"}
    if kind == "ActNorm":
        return {"type": "act_norm", "prefix": prefix, "forward": "y = exp(log_scale)*x + shift"}
    if kind.startswith("Piecewise") or kind.startswith("MaskedPiecewise"):
        rational = "MaskedPiecewiseRationalQuadraticAutoregressiveTransform" if kind.startswith("Masked") else "PiecewiseRationalQuadraticCouplingTransform"
        raise ExportError(f"splines other than the rational-quadratic ones cannot be described; use {rational}")
    raise ExportError(f"this transform cannot be described; {_REMEDIES['nflows']}, and apply other transforms to the data outside")


def _nflows_made(net, prefix, width):
    context = net.context_layer.in_features if getattr(net, "context_layer", None) is not None else 0
    _set(width, context)
    residual = any(hasattr(block, "linear_layers") for block in net.blocks) if len(net.blocks) else bool(getattr(net, "use_residual_blocks", True))
    norm = any(bool(getattr(b, "use_batch_norm", False)) if residual else getattr(b, "batch_norm", None) is not None for b in net.blocks)
    return {"type": "made", "prefix": prefix, "features": net.initial_layer.in_features, "hidden": net.initial_layer.out_features, "context": context,
            "num_blocks": len(net.blocks), "block": "residual" if residual else "feedforward",
            "activation": _blocks_activation(net.blocks, _activation_text) if len(net.blocks) else _activation_text(getattr(net, "activation", torch.relu)),
            "batch_norm": norm, "batch_norm_eps": 0.001 if norm else None, "has_hidden_features_attribute": hasattr(net, "hidden_features"),
            "outputs": net.final_layer.out_features,
            **(_written_over(net.blocks, norm) if residual else {})}


@_located
def _nflows_residual_net(net, prefix, width):
    if _kind(net) == "ContextSplineMap":  # sbi's for a single parameter: it reads the context alone
        layers = []
        _layers(net.spline_predictor, prefix + ".spline_predictor", layers)
        _set(width, _first_linear(net.spline_predictor).in_features)
        return {"type": "context_spline_map", "prefix": prefix, "layers": layers}
    if _kind(net) == "ConvResidualNet":
        if net.context_channels:
            raise ExportError("a ConvResidualNet with context cannot be described: its context is an image")
        norm = any(bool(getattr(b, "use_batch_norm", False)) for b in net.blocks)
        return {"type": "conv_residual_net", "prefix": prefix, "in": net.initial_layer.in_channels, "hidden": int(net.hidden_channels), "context": 0,
                "num_blocks": len(net.blocks), "activation": _blocks_activation(net.blocks, _activation_text), "batch_norm": norm,
                "batch_norm_eps": 0.001 if norm else None, "outputs": net.final_layer.out_channels, **_written_over(net.blocks, norm)}
    if isinstance(net, torch.nn.Sequential):
        layers = []
        _layers(net, prefix, layers)
        return {"type": "sequential", "prefix": prefix, "layers": layers}
    if _kind(net) == "MLP" and hasattr(net, "_input_layer"):
        return {"type": "sequential", "prefix": prefix, "layers": _nflows_mlp(net, prefix)}
    if _kind(net) != "ResidualNet":
        raise ExportError("this network cannot be described; use nflows.nn.nets.ResidualNet, MLP, ConvResidualNet, or an nn.Sequential of Linear layers and activations")
    context = int(net.context_features or 0)
    _set(width, context)
    norm = any(bool(getattr(b, "use_batch_norm", False)) for b in net.blocks)
    return {"type": "residual_net", "prefix": prefix, "in": net.initial_layer.in_features, "hidden": int(net.hidden_features), "context": context,
            "num_blocks": len(net.blocks), "activation": _blocks_activation(net.blocks, _activation_text), "batch_norm": norm,
            "batch_norm_eps": 0.001 if norm else None, "outputs": net.final_layer.out_features, **_written_over(net.blocks, norm)}


def _nflows_mlp(net, prefix):
    function = getattr(net, "_activation", None) or net._activation_fn
    hidden = [layer for i in range(len(net._hidden_layers)) for layer in ({"type": "linear", "prefix": f"{prefix}._hidden_layers.{i}"}, {"type": _activation_text(function)})]
    layers = [{"type": "linear", "prefix": prefix + "._input_layer"}, {"type": _activation_text(function)}, *hidden, {"type": "linear", "prefix": prefix + "._output_layer"}]
    return layers + [{"type": _activation_text(getattr(net, "_output_activation", function))}] if net._activate_output else layers


def _nflows_integral(t, prefix):
    """The package UMNN's integral of elu(d) + 1, by Clenshaw-Curtis."""
    transformer = t.transformer
    if transformer.solver not in ("CC", "CCParallel"):
        raise ExportError(f"the solver {transformer.solver!r} of a UMNN cannot be described; CC and CCParallel can")
    network = transformer.integrand_net.net
    last = _exact_copy(network[len(network) - 1])
    points = torch.tensor(_POINTS, dtype=torch.float64)
    if not torch.allclose(last(points.clone()), torch.nn.functional.elu(points) + 1, rtol=1e-12, atol=1e-15):
        raise ExportError(f"the last module of a UMNN's integrand is {_kind(last)}, not elu(d) + 1, and cannot be described")
    layers = _feature_layers(network[:len(network) - 1], prefix + ".transformer.integrand_net.net", ("Linear",))
    return {"signal": int(t.cond_size), **layers, "positive": "elu_plus_one", "quadrature": "clenshaw_curtis", "points": int(transformer.nb_steps)}


def _nflows_spline(t, net):
    if t.tails not in ("linear", None):
        raise ExportError(f"splines with tails {t.tails!r} cannot be described; linear ones and None (a box) can")
    return {"type": "rqs", "bins": int(t.num_bins), "tails": t.tails, "tail_bound": float(t.tail_bound), "min_bin_width": float(t.min_bin_width),
            "min_bin_height": float(t.min_bin_height), "min_derivative": float(t.min_derivative),
            "softmax_scale_divisor_sqrt_of": next((int(getattr(net, name)) for name in ("hidden_features", "hidden_channels") if hasattr(net, name)), None),
            "packed": ["widths", "heights", "derivatives"]}


def _nflows_coupling(t, prefix, kind, width):
    described = {"prefix": prefix, "identity_features": t.identity_features.tolist(), "transform_features": t.transform_features.tolist(),
                 "net": _nflows_residual_net(t.transform_net, prefix + ".transform_net", width)}
    own = getattr(t, "unconditional_transform", None)
    if kind == "PiecewiseRationalQuadraticCouplingTransform":
        described.update(type="rqs_coupling", spline=_nflows_spline(t, t.transform_net), unconditional=None)
        if own is not None:
            described["unconditional"] = _nflows_own(own, prefix)
        return described
    if own is not None:
        described["unconditional"] = _nflows_own(own, prefix)
    if kind == "UMNNCouplingTransform":
        return {"type": "umnn_coupling", **described, "integral": _nflows_integral(t, prefix)}
    if kind == "AdditiveCouplingTransform":
        return {"type": "additive_coupling", **described}
    return {"type": "affine_coupling", **described, "scale": _nflows_scale(t),
            "packed": ["shift for all transformed features", "unconstrained scale for all transformed features"]}


def _nflows_own(own, prefix):
    if _kind(own) != "PiecewiseRationalQuadraticCDF":
        raise ExportError(f"the unconditional transform {_kind(own)} of a coupling cannot be described; PiecewiseRationalQuadraticCDF can")
    return {**_nflows_cdf(own, prefix + ".unconditional_transform"),
            "note": "applied to the identity features AFTER they were used as conditioner input in forward; inverted BEFORE in inverse"}


def _nflows_cdf(t, prefix):
    return {"type": "rqs_cdf", "prefix": prefix, "bins": t.unnormalized_widths.shape[-1], "tails": t.tails, "tail_bound": float(t.tail_bound),
            "min_bin_width": float(t.min_bin_width), "min_bin_height": float(t.min_bin_height), "min_derivative": float(t.min_derivative),
            "softmax_scale_divisor_sqrt_of": None}


def _nflows_scale(t):
    """How an affine coupling makes a scale of what its network emits."""
    count = len(t.transform_features)

    def scale(raw):
        parameters = torch.cat([torch.zeros(len(raw), count, dtype=torch.float64), raw[:, None].expand(len(raw), count)], 1)
        return t._scale_and_shift(parameters.clone())[0][:, 0]
    return _scale_map(scale)


def _nflows_made_scale(t, features):
    """The same of an autoregressive layer: what it makes of 1, without a shift."""
    def scale(raw):
        parameters = torch.stack([raw, torch.zeros_like(raw)], -1)[:, None].expand(len(raw), features, 2).reshape(len(raw), -1)
        return t._elementwise_forward(torch.ones(len(raw), features, dtype=torch.float64), parameters.clone())[0][:, 0]
    if not hasattr(t, "_elementwise_forward"):
        return "softplus(a)+epsilon"
    found = _scale_map(scale)
    if isinstance(found, dict) and found["map"] == "softplus" and found == {**_PLAIN, "map": "softplus", "least": float(t._epsilon)}:
        return "softplus(a)+epsilon"
    if isinstance(found, dict) and found["map"] == "sigmoid" and found["factor"] != 1:
        raise ExportError(f"the scale activation is {found['factor']} * sigmoid, which an autoregressive layer cannot have here; use exp, softplus, sigmoid(a) + constant, or logN")
    return found


_PLAIN = {"factor": 1.0, "slope": 1.0, "offset": 0.0, "least": 0.0, "most": None}


def _scale_map(function):
    """A scale activation, found by evaluating it: factor * map(slope * a + offset) + least, cut off at most."""
    probe = torch.linspace(-6, 6, 49, dtype=torch.float64)

    def at(values):
        with torch.no_grad():
            return function(torch.as_tensor(values, dtype=torch.float64))
    scale, (low, high) = at(probe), at([-1e3, 1e3]).tolist()
    if torch.allclose(scale, torch.sigmoid(probe + 2) + 1e-3, rtol=1e-12, atol=0):
        return "sigmoid(a+2)+1e-3"
    if torch.allclose(scale, (torch.nn.functional.softplus(probe) + 1e-3).clamp(0, 3), rtol=1e-12, atol=0):
        return "clamp(softplus(a)+1e-3, 0, 3)"
    bounded = math.isfinite(high) and bool(torch.isclose(at([1e4]), torch.tensor([high], dtype=torch.float64), rtol=1e-12)[0])
    below = scale < high if bounded else torch.ones_like(scale, dtype=torch.bool)
    for name, fitted in (("exp", lambda: (1.0, 0.0, None, scale.log(), scale > 0)),
                         ("sigmoid", lambda: (high - low, low, None, torch.logit((scale - low) / (high - low)), below)),
                         ("tanh", lambda: ((math.log(high) - math.log(low)) / 2, 0.0, None, torch.atanh(scale.log() * 2 / (math.log(high) - math.log(low))), below)),
                         ("softplus", lambda: (1.0, low, high if bounded else None, (scale - low).expm1().log(), below))):
        try:
            factor, least, most, raw, use = fitted()
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
        use = use & torch.isfinite(raw)
        if int(use.sum()) < 8:
            continue
        x, y = probe[use], raw[use]
        x, y = x[(y.abs() < 4)], y[(y.abs() < 4)]
        if len(x) < 4:
            continue
        slope = float((y[-1] - y[0]) / (x[-1] - x[0]))
        found = {"map": name, "factor": _near(factor), "slope": _near(slope), "offset": _near(float(y[0]) - slope * float(x[0])), "least": _near(least),
                 "most": None if most is None else _near(most)}
        if found["slope"] != 0 and torch.allclose(scale, _scale_of(found, probe), rtol=1e-11, atol=0):
            return found
    raise ExportError("the scale activation is none of exp(a), softplus(a) + constant, factor * sigmoid(a) + constant, exp(N * tanh(a)) and logN; use one of them")


def _near(value):
    """A measured number without its last digits."""
    if abs(value) < 1e-11:
        return 0.0
    return next((short for short in (float(f"{value:.{digits}g}") for digits in range(1, 16)) if abs(short - value) <= 1e-11 * max(1, abs(value))), value)


def _scale_of(found, a):
    raw = found["slope"] * a + found["offset"]
    if found["map"] == "exp":
        return raw.exp()
    if found["map"] == "tanh":
        return (found["factor"] * raw.tanh()).exp()
    scale = found["factor"] * (raw.sigmoid() if found["map"] == "sigmoid" else torch.nn.functional.softplus(raw)) + found["least"]
    return scale if found["most"] is None else scale.clamp(max=found["most"])


# --- embeddings (sbi) --------------------------------------------------------------------------------------------------------

def _raw_context(owner):
    shape = getattr(owner, "condition_shape", None)
    return None if shape is None else math.prod(shape)


def _embedding_module(owner, flow):
    """(module, prefix) of the network in front of the context, if any."""
    for holder, prefix in ((owner, ""), (flow, "net." if flow is not owner else "")):
        module = getattr(holder, "_modules", {}).get("_embedding_net")
        if module is not None:
            return module, prefix + "_embedding_net"
    return None


def _embedding(found, owner, state, context, hints):
    if hints["embedding"] is not None:
        found = hints["embedding"], "_embedding_net"
    if found is None or _kind(found[0]) == "Identity":
        return None
    module, prefix = found
    walk = _Walk([], getattr(owner, "condition_shape", ()))
    _embedding_layers(module, prefix, walk, True)
    return {"prefix": prefix, "layers": walk.layers}


def _layers(module, prefix, layers):
    """A network of known layers, one by one."""
    return _embedding_layers(module, prefix, _Walk(layers), False)


@_located
def _embedding_layers(module, prefix, walk, direct):
    kind = _kind(module)
    if isinstance(module, torch.nn.Sequential) or kind == "FCEmbedding":
        inner, start = (module.net, prefix + ".net.") if kind == "FCEmbedding" else (module, prefix + "." if prefix else "")
        for index, child in inner._modules.items():  # named_children() leaves out a module that stands there twice
            _embedding_layers(child, start + index, walk, kind == "Sequential" and direct)
    elif kind == "CNNEmbedding":
        walk.reshape(module.input_shape)
        _embedding_layers(module.cnn_subnet, prefix + ".cnn_subnet", walk, False)
        walk.reshape([math.prod(walk.shape)])
        _embedding_layers(module.linear_subnet, prefix + ".linear_subnet", walk, False)
    elif kind == "PermutationInvariantEmbedding":
        walk.trials(module, prefix)
    elif kind == "Standardize":
        walk.layers.append({"type": "standardize", "formula": "(x - _mean)/_std", "mean": f"{prefix}._mean", "std": f"{prefix}._std"})
    elif kind == "Linear":
        walk.linear(module, prefix)
    elif kind == "Identity":
        if direct:
            walk.layers.append({"type": "identity"})
    elif kind in ("LayerNorm", "BatchNorm1d") and (walk.times > 1 or len(walk.shape) > 1):
        raise ExportError(f"a {kind} over rows of several axes, or of one of many trials, cannot be described; leave it out, or embed outside")
    elif kind == "LayerNorm" and len(getattr(module, "normalized_shape", ())) == 1:
        walk.layers.append({"type": "layer_norm", "prefix": prefix, "width": int(module.normalized_shape[0]), "eps": float(module.eps), "affine": module.weight is not None})
    elif kind == "BatchNorm1d":
        if module.running_mean is None:
            raise ExportError("a BatchNorm1d without running statistics uses those of each batch: no row has a density of its own; use track_running_stats=True, or LayerNorm")
        walk.layers.append({"type": "batch_norm", "prefix": prefix, "eps": float(module.eps)})
    elif kind in _DROPOUTS:
        pass
    elif kind in ("Flatten", "Unflatten"):
        walk.fold(module)
    elif kind in _AFFINE:
        walk.affine(module, prefix)
    elif kind in ("MaxPool1d", "MaxPool2d"):
        walk.max_pool(module, prefix)
    elif kind == "PReLU" and module.weight.numel() != 1:
        walk.slopes(module, prefix)
    elif kind != "PReLU" and (list(module.parameters()) or list(module.children())):
        raise ExportError(f"the module {kind} in a network cannot be described; use Linear, convolutions, pooling, LayerNorm, BatchNorm1d and activations, or for a context: embed outside and export the flow with the embedded context")
    else:
        walk.layers.append({"type": _activation_text(module)})


_DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")


def _embedded_input(embedding, state, context):
    """The raw width in front of an embedding: that of its first layer that tells."""
    for layer in (embedding or {}).get("layers", []):
        if layer["type"] == "linear":
            return int((layer["dense"][0] if "dense" in layer else state[layer["prefix"] + ".weight"]).shape[1])
        if layer["type"] == "standardize" and state[layer["mean"]].dim() == 1:
            return int(state[layer["mean"]].shape[0])
    return context


# --- layers that are unrolled ------------------------------------------------------------------------------------------------
#
# On rows of one size a convolution, or an average of neighbours, is a linear layer, whose matrix is what it makes of the unit vectors;
# the larger of two numbers is b + relu(a - b), where b = relu(b) - relu(-b). So the description has no layers but linear ones and activations.

_AFFINE = ("Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "AvgPool1d", "AvgPool2d", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "ZeroPad2d")
_MOST_UNROLLED = 1 << 24


class _Walk:
    """Collects the layers of a network. Knows the shape of a row where it has been said: by an Unflatten, a condition of several axes, sbi's input_shape."""

    def __init__(self, layers, shape=(), times=1):
        self.layers, self.shape, self.times = layers, tuple(int(axis) for axis in shape), times

    def reshape(self, shape):
        shape = tuple(int(axis) for axis in shape)
        if self.shape and math.prod(self.shape) != math.prod(shape):
            raise ExportError(f"rows of shape {self.shape} do not have the {math.prod(shape)} values of {shape}")
        self.shape = shape

    def fold(self, module):
        """Flatten and Unflatten move nothing."""
        known = self.shape or ((math.prod(module.unflattened_size),) if _kind(module) == "Unflatten" and module.dim == 1 else None)
        if known is not None:
            self.shape = tuple(module(torch.zeros(1, *known)).shape[1:])
        elif (getattr(module, "start_dim", None), getattr(module, "end_dim", None)) != (1, -1):
            raise ExportError("nothing says the shape of a row here; begin with an Unflatten(1, ...), which says it")

    def linear(self, module, prefix):
        if self.times > 1 or len(self.shape) > 1:
            self.affine(module, prefix)
        else:
            self.layers.append({"type": "linear", "prefix": prefix})
            self.shape = (int(module.out_features),)

    def affine(self, module, prefix):
        self._needs_axes(module)
        live, width = _exact_copy(module), math.prod(self.shape)
        with torch.no_grad():
            summand = live(torch.zeros(1, *self.shape, dtype=torch.float64))
            self._room(width, summand.numel())
            if getattr(live, "bias", None) is not None:
                live.bias.zero_()  # the weights themselves, not a difference of sums
            matrix = live(torch.eye(width, dtype=torch.float64).reshape(width, *self.shape)).reshape(width, -1).T
        self._dense(prefix, matrix, summand.reshape(-1))
        self.shape = tuple(summand.shape[1:])

    def max_pool(self, module, prefix):
        """Round by round the larger of two."""
        self._needs_axes(module)
        if module.ceil_mode or module.return_indices:
            raise ExportError(f"a {_kind(module)} with ceil_mode or return_indices cannot be described")
        windows, width = _windows(module, self.shape), math.prod(self.shape)
        self.shape = tuple(module(torch.zeros(1, *self.shape)).shape[1:])
        is_positive = bool(self.layers) and self.layers[-1]["type"] == "relu"
        for turn in range(64):
            pairs = [[window[i:i + 2] for i in range(0, len(window), 2)] for window in windows]
            if turn > 0 and all(len(window) == 1 for window in windows):
                return
            split, joined, windows, count = [], [], [], 0
            for window in pairs:
                windows.append(list(range(count, count + len(window))))
                for pair in window:
                    parts = ([({pair[0]: 1.0, pair[1]: -1.0}, 1.0)] if len(pair) == 2 else []) + [({pair[-1]: 1.0}, 1.0)] + ([] if is_positive else [({pair[-1]: -1.0}, -1.0)])
                    joined.append({len(split) + i: sign for i, (_, sign) in enumerate(parts)})
                    split.extend(row for row, _ in parts)
                    count += 1
            self._sparse(f"{prefix}.{turn}.split", split, width)
            self.layers.append({"type": "relu"})
            self._sparse(f"{prefix}.{turn}.join", joined, len(split))
            width = count

    def slopes(self, module, prefix):
        """PReLU with a slope for each channel: relu(x) - slope relu(-x)."""
        slopes = module.weight.detach().to("cpu", torch.float64)
        shape = self.shape or (len(slopes),)
        if shape[0] != len(slopes):
            raise ExportError(f"a PReLU with {len(slopes)} slopes stands behind {shape[0]} channels")
        slopes = slopes.repeat_interleave(math.prod(shape[1:]))
        identity = torch.eye(len(slopes), dtype=torch.float64)
        self._room(len(slopes), 2 * len(slopes))
        self._dense(prefix, torch.cat([identity, -identity]))
        self.layers.append({"type": "relu"})
        self._dense(prefix + ".join", torch.cat([identity, -torch.diag(slopes)], 1))

    def trials(self, module, prefix):
        """sbi's PermutationInvariantEmbedding of as many trials as the condition's shape says: the same network on each, the sum or mean of what they become, and their number."""
        if len(self.shape) < 2 or self.times > 1 or module.aggregation_dim != 1:
            raise ExportError("the number of trials is not known: the estimator's condition must have the shape (trials, values), and the sum go over its first axis")
        count = self.shape[0]
        inner = _Walk(self.layers, self.shape[1:], count)
        _embedding_layers(module.trial_net, prefix + ".trial_net", inner, False)
        width = math.prod(inner.shape)
        self._room(count * width, width + 1)
        matrix = torch.eye(width, dtype=torch.float64).repeat(1, count) / (count if module.aggregation_fn == "mean" else 1)
        self._dense(prefix + ".trials", torch.cat([matrix, torch.zeros(1, count * width, dtype=torch.float64)]), torch.tensor([0.0] * width + [count], dtype=torch.float64))
        self.shape = (width + 1,)
        _embedding_layers(module.fc_subnet, prefix + ".fc_subnet", self, False)

    def _needs_axes(self, module):
        """Of channels and the number of axes in the class's name."""
        needed = int(_kind(module)[-2]) + 1 if _kind(module).endswith("d") else len(self.shape)
        if len(self.shape) != needed:
            raise ExportError(f"nothing says that a row has {needed} axes before this {_kind(module)}; begin with an Unflatten(1, ...), which says it")

    def _sparse(self, prefix, rows, width):
        self._room(width, len(rows))
        matrix = torch.zeros(len(rows), width, dtype=torch.float64)
        for i, row in enumerate(rows):
            for j, value in row.items():
                matrix[i, j] = value
        self._dense(prefix, matrix)

    def _dense(self, prefix, matrix, summand=None):
        summand = torch.zeros(len(matrix), dtype=torch.float64) if summand is None else summand
        if self.times > 1:
            matrix, summand = torch.kron(torch.eye(self.times, dtype=torch.float64), matrix.contiguous()), summand.repeat(self.times)
        exact = all(torch.equal(value.float().double(), value) for value in (matrix, summand))
        self.layers.append({"type": "linear", "prefix": prefix, "dense": tuple((value.float() if exact else value).contiguous() for value in (matrix, summand))})

    def _room(self, width, outputs):
        entries = width * outputs * self.times ** 2
        if entries > _MOST_UNROLLED:
            raise ExportError(f"as a linear layer it would have {entries} weights, at most {_MOST_UNROLLED} are unrolled; embed outside and export the flow with the embedded context")


def _windows(pool, shape):
    """For each number that a MaxPool gives, the positions of those that it is the largest of."""
    def each(value, axis):
        return value if isinstance(value, int) else value[axis]

    places = [[[at for at in range(start, start + each(pool.kernel_size, axis) * each(pool.dilation, axis), each(pool.dilation, axis)) if 0 <= at < size]
               for start in range(-each(pool.padding, axis), size + each(pool.padding, axis) - (each(pool.kernel_size, axis) - 1) * each(pool.dilation, axis),
                                  each(pool.stride or pool.kernel_size, axis))] for axis, size in enumerate(shape[1:])]
    pixels = math.prod(shape[1:])
    if len(places) == 1:
        return [[channel * pixels + i for i in column] for channel in range(shape[0]) for column in places[0]]
    return [[channel * pixels + i * shape[2] + j for i in down for j in across] for channel in range(shape[0]) for down in places[0] for across in places[1]]


def _unrolled(node, state):
    """Puts the matrices of unrolled layers into the state, in the place of what they were made of."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else []:
        _unrolled(inner, state)
    if isinstance(node, dict) and "dense" in node:
        prefix = node["prefix"] + "."
        for key in [key for key in state if key.startswith(prefix)]:
            del state[key]
        state[prefix + "weight"], state[prefix + "bias"] = node.pop("dense")


# --- image repositories ------------------------------------------------------------------------------------------------------

def _images(model, state, prefix, owner, hints):
    shape = hints["event_shape"]
    if shape is None or len(shape) != 3:
        raise ExportError("this repository stores the image's size nowhere: pass event_shape=(C, H, W)")
    shape = [int(size) for size in shape]
    if hasattr(model, "bounds"):
        constructor, library, channels = _chrischute_glow(model.flows), "chrischute/glow", 3
    elif hasattr(model, "data_constraint"):
        constructor, library = _chrischute_realnvp(model.flows), "chrischute/real-nvp"
        channels = constructor["in_channels"]
    else:
        constructor, library = _rosinality(model), "rosinality/glow-pytorch"
        channels = constructor["in_channel"]
    if shape[0] != channels:
        raise ExportError(f"event_shape: the model takes {channels} channels, not {shape[0]}")
    return {"format": "flow-golden/1", "library": library, "constructor": constructor, "event_shape": shape}


def _rosinality(model):
    step = model.blocks[0].flows[0]
    return {"type": "Glow", "in_channel": step.actnorm.loc.shape[1] // 4, "n_flow": len(model.blocks[0].flows), "n_block": len(model.blocks),
            "affine": bool(step.coupling.affine), "conv_lu": _kind(step.invconv) == "InvConv2dLU", "filter_size": step.coupling.net[0].out_channels}


def _chrischute_glow(flows):
    levels, node = 0, flows
    while node is not None:
        levels, node = levels + 1, getattr(node, "next", None)
    return {"type": "Glow", "num_channels": flows.steps[0].coup.nn.in_conv.out_channels, "num_levels": levels, "num_steps": len(flows.steps)}


def _chrischute_realnvp(flows):
    net, scales, node = flows.in_couplings[0].st_net, 1, flows
    while not node.is_last_block:
        scales, node = scales + 1, node.next_block
    return {"type": "RealNVP", "num_scales": scales, "in_channels": net.in_norm.num_features, "mid_channels": net.out_norm.num_features, "num_blocks": len(net.blocks)}
