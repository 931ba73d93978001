"""Small vocoders of the layouts of WaveGlow and SqueezeWave with random weights, and what they give, evaluated by PyTorch in float64: make.py FOLDER."""
import json, os, sys, torch, struct
torch.manual_seed(3)
def conv(x, w, b=None, d=1):
    k = w.shape[2]
    return torch.nn.functional.conv1d(x, w, b, padding=(k // 2) * d, dilation=d, groups=x.shape[1] // w.shape[1])
def save(path, tensors):
    head, data = {}, b""
    for n, t in tensors.items():
        kind, raw = {torch.float32: ("F32", 4), torch.float64: ("F64", 8), torch.int64: ("I64", 8)}[t.dtype]
        bytes_ = t.contiguous().numpy().tobytes()
        head[n] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(head).encode(); text += b" " * (-len(text) % 8)
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
def make(folder, name, separable, removed):
    mels, hop, group, flows, every, early, n, layers = (3, 8, 8, 5, 2, 2, 4, 3) if not separable else (3, 16, 8, 5, 2, 2, 6, 2)
    w = {}
    r = lambda *s, scale=0.3: (torch.randn(*s) * scale)
    def normed(p, o, i, k):
        if removed: w[p + ".weight"] = r(o, i, k)
        else: w[p + ".weight_g"], w[p + ".weight_v"] = r(o, 1, 1).abs() + 0.2, r(o, i, k)
        w[p + ".bias"] = r(o)
    if not separable: w["upsample.weight"], w["upsample.bias"] = r(mels, mels, 4 * hop), r(mels)
    c = group
    for k in range(flows):
        if k % every == 0 and k > 0: c -= early
        w[f"convinv.{k}.conv.weight"] = (torch.eye(c) + r(c, c, scale=0.1)).reshape(c, c, 1)
        p, h = f"WN.{k}", c // 2
        normed(p + ".start", n, h, 1)
        normed(p + ".cond_layer", 2 * n * layers, mels if separable else mels * group, 1)
        w[p + ".end.weight"], w[p + ".end.bias"] = r(2 * h, n, 1, scale=0.1), r(2 * h, scale=0.1)
        for i in range(layers):
            q = f"{p}.in_layers.{i}"
            if separable:
                at = 0
                if not removed:
                    w[q + ".0.weight"], w[q + ".0.bias"], w[q + ".0.running_mean"] = r(n) + 1, r(n), r(n)
                    w[q + ".0.running_var"], w[q + ".0.num_batches_tracked"] = r(n).abs() + 0.5, torch.tensor(7)
                    at = 1
                w[f"{q}.{at}.weight"], w[f"{q}.{at}.bias"] = r(n, 1, 3), r(n)
                w[f"{q}.{at+1}.weight"], w[f"{q}.{at+1}.bias"] = r(2 * n, n, 1), r(2 * n)
                normed(f"{p}.res_skip_layers.{i}", n, n, 1)
            else:
                normed(q, 2 * n, n, 3)
                normed(f"{p}.res_skip_layers.{i}", 2 * n if i < layers - 1 else n, n, 1)
    f = {k: v.double() for k, v in w.items()}
    def W(p):
        if p + ".weight" in f: return f[p + ".weight"]
        v = f[p + ".weight_v"]; return f[p + ".weight_g"] * v / v.flatten(1).norm(dim=1).reshape(-1, 1, 1)
    rows, frames = 6, 2
    x, spect = torch.randn(rows, frames * hop).double() * 0.5, torch.randn(rows, mels, frames).double()
    context = spect
    if not separable:
        spect = torch.nn.functional.conv_transpose1d(spect, f["upsample.weight"], f["upsample.bias"], stride=hop)[:, :, :frames * hop]
        spect = torch.stack([spect[:, m, g::group] for m in range(mels) for g in range(group)], 1)
    audio = torch.stack([x[:, g::group] for g in range(group)], 1)
    out, logdet = [], torch.zeros(rows).double()
    for k in range(flows):
        if k % every == 0 and k > 0: out.append(audio[:, :early]); audio = audio[:, early:]
        m = f[f"convinv.{k}.conv.weight"]
        audio = conv(audio, m); logdet = logdet + audio.shape[2] * torch.linalg.slogdet(m[:, :, 0])[1]
        h = audio.shape[1] // 2; a, b = audio[:, :h], audio[:, h:]
        p = f"WN.{k}"
        y = conv(a, W(p + ".start"), f[p + ".start.bias"]); s = 0
        cond = conv(spect, W(p + ".cond_layer"), f[p + ".cond_layer.bias"])
        cond = cond.repeat_interleave(y.shape[2] // cond.shape[2], 2)
        for i in range(layers):
            q = f"{p}.in_layers.{i}"
            if separable:
                u, at = y, 0
                if not removed:
                    u = (y - f[q + ".0.running_mean"].reshape(-1, 1)) / (f[q + ".0.running_var"].reshape(-1, 1) + 1e-5).sqrt() * f[q + ".0.weight"].reshape(-1, 1) + f[q + ".0.bias"].reshape(-1, 1); at = 1
                u = conv(conv(u, f[f"{q}.{at}.weight"], f[f"{q}.{at}.bias"]), f[f"{q}.{at+1}.weight"], f[f"{q}.{at+1}.bias"])
            else: u = conv(y, W(q), f[q + ".bias"], 2 ** i)
            u = u + cond[:, 2 * n * i: 2 * n * (i + 1)]
            g = torch.tanh(u[:, :n]) * torch.sigmoid(u[:, n:])
            t = conv(g, W(f"{p}.res_skip_layers.{i}"), f[f"{p}.res_skip_layers.{i}.bias"])
            if separable: y = y + t
            elif i < layers - 1: y, s = y + t[:, :n], s + t[:, n:]
            else: s = s + t
        e = conv(y if separable else s, f[p + ".end.weight"], f[p + ".end.bias"])
        logs, shift = e[:, h:], e[:, :h]
        audio = torch.cat([a, torch.exp(logs) * b + shift], 1); logdet = logdet + logs.flatten(1).sum(1)
    z = torch.cat(out + [audio], 1).flatten(1)
    logp = logdet - 0.5 * (z * z).sum(1) - 0.5 * z.shape[1] * 1.8378770664093453
    os.makedirs(folder, exist_ok=True)
    key = "squeezewave_config" if separable else "waveglow_config"
    cfg = {"n_mel_channels": mels, "n_flows": flows, "n_early_every": every, "n_early_size": early, "WN_config": {"n_layers": layers, "n_channels": n, "kernel_size": 3}}
    cfg["n_audio_channel" if separable else "n_group"] = group
    data = {"sampling_rate": 8000, "filter_length": 32, "hop_length": hop, "win_length": 32, "mel_fmin": 0.0, "mel_fmax": 4000.0}
    json.dump({"library": name, "data_config": data, key: cfg}, open(folder + "/model.json", "w"), indent=1)
    save(folder + "/weights.safetensors", w)
    save(folder + "/cases.safetensors", {"x": x, "context": context.flatten(1), "z": z, "log_det": logdet, "log_prob": logp})
root = sys.argv[1]
make(root + "/waveglow_random", "waveglow", False, False)
make(root + "/squeezewave_random", "squeezewave", True, False)
make(root + "/squeezewave_folded", "squeezewave", True, True)
