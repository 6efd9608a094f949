"""Whole-network training once more, in PyTorch and from the specification alone.

Uni-Mol's network with both pair kernels and both heads, the losses, Adam with its schedule, clipping
and pulls, and molrt's counter-based random numbers (dropout masks, batch order, split), written from
the specification and papers, not from molrt's C++. In float64 it says what a training run should
give; in float32 how far rounding alone carries a run away from that.

    reference_training.py MOLRT        makes data/reference_training.npz anew

needs torch and numpy, and the command MOLRT for the weights that each run begins with.
tests/cli/test_reference_training.py runs the same and compares; it does without torch.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

# --- files -------------------------------------------------------------------------------------

DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}


def read_safetensors(path):
    """-> ({name: array}, metadata)"""
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8:8 + length]), data[8 + length:]
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        flat = np.frombuffer(body[first:last], DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


# --- random numbers (Salmon et al., SC'11; counters as regularisers.md 0a) ------------------------

SITE_EMB, SITE_HEAD_IN, SITE_HEAD_MID = 0, 1, 2
ATT, RES1, ACT, RES2 = range(4)
PURPOSE_SPLIT, STREAM_SPLIT, STREAM_EPOCH = 6 << 24, 0, 1


def site(layer, which):
    return 16 + 4 * layer + which


def philox(seed, step, a, b, c, count):
    """The first `count` u32 of the stream (a, b, c)."""
    seed = int(seed)
    mask = np.uint64(0xFFFFFFFF)
    k0, k1 = (seed ^ (seed >> 32)) & 0xFFFFFFFF, int(step) & 0xFFFFFFFF
    blocks = (count + 3) // 4
    x = [np.full(blocks, v, np.uint64) for v in (a, b, c, 0)]
    x[3] = np.arange(blocks, dtype=np.uint64)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * x[0], np.uint64(0xCD9E8D57) * x[2]
        x = [(p1 >> np.uint64(32)) ^ x[1] ^ np.uint64(k0), p1 & mask,
             (p0 >> np.uint64(32)) ^ x[3] ^ np.uint64(k1), p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(x, 1).ravel()[:count]


def keep(rate, shape, seed, step, molecule, where):
    """Dropout's factors: 0 where it hits, else 1 / (1 - rate)."""
    hit = philox(seed, step, molecule, where, 0, int(np.prod(shape))) < int(rate * 2.0**32)
    return np.where(hit, 0.0, 0.0 if rate == 1 else 1 / (1 - rate)).reshape(shape)


def shuffled(rows, seed, step, stream, sample):
    rows = list(rows)
    bits = philox(seed, step, 0, stream, PURPOSE_SPLIT | sample, len(rows))
    for i in range(len(rows), 1, -1):
        j = (int(bits[i - 1]) * i) >> 32
        rows[i - 1], rows[j] = rows[j], rows[i - 1]
    return rows


def hold_out(rows, fraction, seed):
    """-> training rows, held-out rows"""
    n = len(rows)
    count = 0 if fraction == 0 else min(max(int(np.floor(fraction * n + .5)), 1), n - 1)
    order = shuffled(rows, seed, 0, STREAM_SPLIT, 0)
    return sorted(order[count:]), sorted(order[:count])


# --- molecules ----------------------------------------------------------------------------------


class Molecule:
    """Tokens and distances, [CLS] and [SEP] with them; `row` counts its dropout masks."""

    def __init__(self, row, symbols, xyz, dictionary, hydrogens=True):
        ids = {s: i for i, s in enumerate(dictionary)}
        keep_atom = [i for i, s in enumerate(symbols) if hydrogens or s != "H"]
        xyz = np.asarray(xyz, np.float32)[keep_atom]
        xyz = xyz - xyz.mean(0, dtype=np.float32)
        origin = np.zeros((1, 3), np.float32)
        x = np.concatenate([origin, xyz, origin]).astype(np.float64)
        self.row = row
        self.tokens = np.array([ids["[CLS]"]] + [ids.get(symbols[i], ids["[UNK]"])
                                                 for i in keep_atom] + [ids["[SEP]"]])
        difference = x[:, None] - x[None]
        self.distance = np.sqrt((difference**2).sum(-1)).astype(np.float32)


# --- the network (model.md sections 1 and 3) ------------------------------------------------------

NO_DROPOUT = {"emb": 0, "residual": 0, "attention": 0, "activation": 0, "pooler": 0}


class Noise:
    """The dropout factors of one optimiser step over a padded batch."""

    def __init__(self, molecules, length, rates, seed, step, quiet_layers, dtype):
        self.molecules, self.length, self.rates = molecules, length, rates
        self.key, self.quiet_layers, self.dtype = (seed, step), quiet_layers, dtype

    def __call__(self, x, rate, where):
        """x [molecules, tokens or none, ...]"""
        layer = (where - 16) // 4 if where >= 16 else -1 if where == SITE_EMB else 10**6
        quiet = self.quiet_layers > 0 and layer < self.quiet_layers
        if self.rates[rate] == 0 or quiet:
            return x
        factors = np.zeros(x.shape)
        for i, m in enumerate(self.molecules):
            n = len(m.tokens)
            shape = {2: x.shape[1:], 3: (n,) + tuple(x.shape[2:]), 4: (x.shape[1], n, n)}[x.ndim]
            own = keep(self.rates[rate], shape, *self.key, m.row, where)
            factors[(i,) + tuple(slice(s) for s in shape)] = own
        return x * torch.tensor(factors, dtype=self.dtype)


def layer_norm(x, p, name):
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return centred / torch.sqrt(variance + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def linear(x, p, name):
    return x @ p[name + ".weight"].T + p[name + ".bias"]


def gelu(x):
    return x * .5 * (1 + torch.erf(x / 2**.5))


def pair_bias(p, edges, d):
    mul, bias = p["gbf.mul.weight"][edges], p["gbf.bias.weight"][edges]
    d = d[..., None]
    if "gbf.means.weight" in p:
        s = p["gbf.stds.weight"].abs() + 1e-5
        z = (mul * d + bias - p["gbf.means.weight"]) / s
        k = torch.exp(-.5 * z**2) / ((2 * 3.14159)**.5 * s)
    else:
        k = layer_norm(linear(gelu(linear(d, p, "gbf.proj.linear1")), p, "gbf.proj.linear2"), p,
                       "gbf.ln")
        k = k + p["gbf.w_edge.weight"][edges] * torch.sigmoid(mul * d + bias)
    return linear(gelu(linear(k, p, "gbf_proj.linear1")), p, "gbf_proj.linear2")


def representations(p, heads, molecules, noise, dtype):
    """CLS [molecules, width]"""
    length = max(len(m.tokens) for m in molecules)
    tokens = np.zeros((len(molecules), length), int)
    d = np.zeros((len(molecules), length, length))
    real = np.zeros((len(molecules), length), bool)
    for i, m in enumerate(molecules):
        n = len(m.tokens)
        tokens[i, :n], d[i, :n, :n], real[i, :n] = m.tokens, m.distance, True
    vocabulary = len(p["embed_tokens.weight"])
    edges = torch.tensor(tokens[:, :, None] * vocabulary + tokens[:, None])
    real = torch.tensor(real)
    pairs = real[:, :, None] & real[:, None]
    bias = torch.zeros(pairs.shape + (heads,), dtype=dtype)
    bias[pairs] = pair_bias(p, edges[pairs], torch.tensor(d, dtype=dtype)[pairs])
    bias = bias.permute(0, 3, 1, 2)
    x = noise(layer_norm(p["embed_tokens.weight"][torch.tensor(tokens)], p,
                         "encoder.emb_layer_norm"), "emb", SITE_EMB)
    split = x.shape[:2] + (heads, x.shape[2] // heads)
    layers = sum(name.endswith(".fc1.weight") for name in p)
    for i in range(layers):
        at = f"encoder.layers.{i}."
        qkv = linear(layer_norm(x, p, at + "self_attn_layer_norm"), p, at + "self_attn.in_proj")
        q, k, v = (t.reshape(split).transpose(1, 2) for t in qkv.chunk(3, -1))
        bias = q * split[3]**-.5 @ k.transpose(2, 3) + bias
        a = torch.softmax(bias.masked_fill(~real[:, None, None], -torch.inf), -1)
        o = (noise(a, "attention", site(i, ATT)) @ v).transpose(1, 2).reshape(x.shape)
        x = x + noise(linear(o, p, at + "self_attn.out_proj"), "residual", site(i, RES1))
        h = gelu(linear(layer_norm(x, p, at + "final_layer_norm"), p, at + "fc1"))
        h = linear(noise(h, "activation", site(i, ACT)), p, at + "fc2")
        x = x + noise(h, "residual", site(i, RES2))
    return layer_norm(x, p, "encoder.final_layer_norm")[:, 0]


def outputs(p, heads, molecules, dtype, rates=None, seed=0, step=0, quiet_layers=0):
    """Scaled values or logits [molecules, outputs]; without rates in evaluation mode."""
    length = max(len(m.tokens) for m in molecules)
    noise = Noise(molecules, length, rates or NO_DROPOUT, seed, step, quiet_layers, dtype)
    c = noise(representations(p, heads, molecules, noise, dtype), "pooler", SITE_HEAD_IN)
    if "classification_head.dense.weight" in p:
        c = torch.tanh(linear(c, p, "classification_head.dense"))
        c = noise(c, "pooler", SITE_HEAD_MID)
    return linear(c, p, "classification_head.out_proj")


# --- losses ---------------------------------------------------------------------------------------


def mean_loss(f, y, kind, weights=None, delta=1., alpha=.25, gamma=2.):
    """f [rows, outputs], y [rows, targets] with NaN for none -> sum(w l) / sum(w), sum(w).
    weights [targets][classes]; kind softmax_ce and softmax_focal: one target of class numbers."""
    have = ~torch.isnan(y)
    label = torch.where(have, y, torch.zeros_like(y))
    if kind.startswith("softmax"):
        log_p = torch.log_softmax(f, -1).gather(1, label.long())
        loss = -log_p * ((1 - log_p.exp())**gamma if kind == "softmax_focal" else 1)
    elif kind in ("bce", "focal"):
        log_p = torch.nn.functional.logsigmoid(torch.where(label == 1, f, -f))
        scale = torch.where(label == 1, alpha, 1 - alpha) * (1 - log_p.exp())**gamma
        loss = -log_p * (scale if kind == "focal" else 1)
    else:
        r = f - label
        small = r.abs() <= delta
        loss = {"mse": r**2, "mae": r.abs(),
                "huber": torch.where(small, r**2 / 2, delta * (r.abs() - delta / 2))}[kind]
    w = have.to(f.dtype)
    if weights is not None:
        table = torch.tensor(np.asarray(weights), dtype=f.dtype)
        for t in range(y.shape[1]):
            w[:, t] = w[:, t] * table[t][label[:, t].long()]
    return (loss * w).sum() / w.sum(), float(w.sum())


def balanced(y):
    """labels / (classes * the class's labels), for each target [rows] of class numbers"""
    tables = []
    classes = int(np.nanmax(y)) + 1
    for t in range(y.shape[1]):
        counts = np.array([(y[:, t] == c).sum() for c in range(classes)], float)
        present = (counts > 0).sum()
        tables.append(np.where(counts > 0, counts.sum() / (present * np.maximum(counts, 1)), 0))
    return tables


# --- training -------------------------------------------------------------------------------------

DEFAULTS = {"epochs": 100, "batch_size": 32, "lr": 5e-4, "warmup": .03, "clip": 5., "beta1": .9,
            "beta2": .999, "eps": 1e-6, "seed": 42, "weight_decay": 0., "l2sp": 0., "l2sp_head": 0.,
            "llrd": 1., "ema": 0., "frozen": (), "freeze_eval": True, "rates": NO_DROPOUT,
            "loss": "mse", "weights": None, "delta": 1., "alpha": .25, "gamma": 2., "patience": 0}


def is_head(name):
    return name.startswith("classification_head.")


def layer_level(name, layers):
    """LLRD: embeddings and pair kernel 0, layers.i i + 1, final norm and head L."""
    if name.startswith("encoder.layers."):
        return int(name.split(".")[2]) + 1
    return layers if is_head(name) or name.startswith("encoder.final_layer_norm") else 0


def decays(name):
    return not (name.endswith(".bias") or "norm" in name or name.startswith("gbf.ln."))


def train(start, heads, molecules, labels, train_rows, held_out, dtype=torch.float64, **settings):
    """start {name: array}, head included; labels scaled [molecules, targets].
    -> {train_loss, valid_loss (each epoch), gradient_norm, lr (each step), final {name: array}}"""
    s = {**DEFAULTS, **settings}
    p = {n: torch.tensor(v, dtype=dtype, requires_grad=not n.startswith(tuple(s["frozen"]) or "-"))
         for n, v in start.items()}
    origin = {n: t.detach().clone() for n, t in p.items()}
    trained = {n: t for n, t in p.items() if t.requires_grad}
    average = {n: t.detach().clone() for n, t in trained.items()}
    mean = {n: torch.zeros_like(t) for n, t in trained.items()}
    square = {n: torch.zeros_like(t) for n, t in trained.items()}
    layers = sum(n.endswith(".fc1.weight") for n in p)
    first_trained = min([layer_level(n, layers) for n in trained
                         if not is_head(n) and "final_layer_norm" not in n.split(".")[1:2]] + [layers + 1])
    quiet = first_trained - 1 if s["freeze_eval"] and first_trained > 0 else 0
    batch = min(s["batch_size"], len(train_rows))
    per_epoch = len(train_rows) // batch
    total = per_epoch * s["epochs"]
    warmup = int(s["warmup"] * total)
    y = torch.tensor(np.asarray(labels), dtype=dtype)
    kind = {k: s[k] for k in ("weights", "delta", "alpha", "gamma")}
    result = {k: [] for k in ("train_loss", "valid_loss", "gradient_norm", "lr", "outputs")}
    step, best = 0, (np.inf, 0, None)

    def learn(rows):
        nonlocal step
        f = outputs(p, heads, [molecules[r] for r in rows], dtype, s["rates"], s["seed"], step, quiet)
        loss, weight = mean_loss(f, y[rows], s["loss"], **kind)
        gradients = torch.autograd.grad(loss, list(trained.values()))
        norm = float(torch.sqrt(sum((g.double()**2).sum() for g in gradients)))
        rate = s["lr"] * (step / warmup if step < warmup else (total - step) / (total - warmup))
        scale = min(1., s["clip"] / norm) if s["clip"] > 0 and norm > 0 else 1.
        with torch.no_grad():
            for (n, w), g in zip(trained.items(), gradients):
                g = g * scale
                mean[n] = s["beta1"] * mean[n] + (1 - s["beta1"]) * g
                square[n] = s["beta2"] * square[n] + (1 - s["beta2"]) * g**2
                m = mean[n] / (1 - s["beta1"]**(step + 1))
                v = square[n] / (1 - s["beta2"]**(step + 1))
                own = rate * s["llrd"]**(layers - layer_level(n, layers))
                w -= own * m / (torch.sqrt(v) + s["eps"])
                if decays(n):
                    w -= own * (s["weight_decay"] + (s["l2sp_head"] if is_head(n) else 0)) * w
                    w -= own * (0 if is_head(n) else s["l2sp"]) * (w - origin[n])
                beta = min(s["ema"], (1 + step) / (10 + step))
                average[n] += (1 - beta) * (w - average[n])
        result["gradient_norm"].append(norm)
        result["lr"].append(rate)
        step += 1
        return float(loss), weight

    def evaluated():
        return {**p, **average} if s["ema"] > 0 else p

    for epoch in range(s["epochs"]):
        order = shuffled(train_rows, s["seed"], epoch, STREAM_EPOCH, 0)
        losses = [learn(order[b * batch:(b + 1) * batch]) for b in range(per_epoch)]
        result["train_loss"].append(sum(l * w for l, w in losses) / sum(w for _, w in losses))
        valid = np.nan
        if held_out:
            with torch.no_grad():
                f = outputs(evaluated(), heads, [molecules[r] for r in held_out], dtype)
                valid = float(mean_loss(f, y[held_out], s["loss"], **kind)[0])
                result["outputs"] = f.numpy()
        result["valid_loss"].append(valid)
        if s["patience"] > 0:
            if valid < best[0]:
                best = (valid, epoch, {n: t.detach().clone() for n, t in evaluated().items()})
            if epoch - best[1] >= s["patience"]:
                break
    final = best[2] if s["patience"] > 0 else evaluated()
    result["final"] = {n: t.detach().numpy().copy() for n, t in final.items()}
    return result


# --- the golden runs ------------------------------------------------------------------------------

DATA = pathlib.Path(__file__).parent / "data"
SDF = DATA / "reference_training.sdf"  # ESOL molecules; targets with gaps
RATES = {"emb": .1, "residual": .15, "attention": .2, "activation": .1, "pooler": .25}
RUNS = {
    "everything": {
        "weights": "molecule_odd.pth", "targets": ["a", "b", "c"],
        "flags": "--head pooled --loss huber --huber-delta 0.7 --emb-dropout 0.1 --dropout 0.15 "
                 "--attention-dropout 0.2 --activation-dropout 0.1 --pooler-dropout 0.25 "
                 "--batch-size 3 --epochs 4 --lr 2e-3 --warmup 0.2 --clip 0.5 --seed 3 "
                 "--weight-decay 0.1 --l2sp-lambda 0.5 --l2sp-head 0.2 --llrd-xi 0.8 "
                 "--ema-beta 0.9",
        "settings": {"loss": "huber", "delta": .7, "rates": RATES, "batch_size": 3, "epochs": 4,
                     "lr": 2e-3, "warmup": .2, "clip": .5, "seed": 3, "weight_decay": .1,
                     "l2sp": .5, "l2sp_head": .2, "llrd": .8, "ema": .9}},
    "linear": {
        "weights": "oled_linear.pth", "targets": ["b"],
        "flags": "--head linear --no-dropout 1 --batch-size 100 --epochs 10 --lr 1e-3 "
                 "--freeze-prefix encoder.layers.1.,gbf.w_edge",
        "settings": {"batch_size": 100, "epochs": 10, "lr": 1e-3,
                     "frozen": ("encoder.layers.1.", "gbf.w_edge")}},
}
COMMON = "--valid-fraction 0.2 --target-scaling standard --threads 1 -q".split()
START = ["--epochs", "1", "--warmup", "1", "--batch-size", "100", "--no-dropout", "1"]  # rate 0


def read_sdf(path):
    """-> [(symbols, coordinates, {property: number})]"""
    molecules = []
    for block in path.read_text().split("$$$$\n")[:-1]:
        lines = block.split("\n")
        atoms = [line.split() for line in lines[4:4 + int(lines[3][:3])]]
        values = {lines[i].split("<")[1][:-1]: float(lines[i + 1])
                  for i in range(len(lines)) if lines[i].startswith(">")}
        xyz = np.array([a[:3] for a in atoms], np.float64).astype(np.float32)
        molecules.append(([a[3] for a in atoms], xyz, values))
    return molecules


def command(molrt, run, output, flags):
    targets = [word for name in run["targets"] for word in ("--target", name)]
    call = [molrt, "finetune", SDF, "--weights", DATA / run["weights"], "-o", output]
    subprocess.run([*map(str, call), *targets, *COMMON, *flags], check=True)


def make(molrt, name, run, folder):
    head = [run["flags"].split()[i] for i in (0, 1)]
    path = pathlib.Path(folder) / "start.molrt"
    seed = str(run["settings"].get("seed", DEFAULTS["seed"]))
    command(molrt, run, path, head + START + ["--freeze-prefix", "none", "--seed", seed])
    start, metadata = read_safetensors(path)
    configuration = json.loads(metadata["configuration"])
    records = read_sdf(SDF)
    molecules = [Molecule(i, symbols, xyz, metadata["dictionary"].split(),
                          configuration["hydrogens"] == "all")
                 for i, (symbols, xyz, _) in enumerate(records)]
    y = np.array([[values.get(t, np.nan) for t in run["targets"]] for _, _, values in records])
    used = [i for i in range(len(y)) if not np.isnan(y[i]).all()]
    rows, held_out = hold_out(used, .2, int(seed))
    y = (y - np.nanmean(y[rows], 0)) / np.nanstd(y[rows], 0)
    result = train(start, configuration["heads"], molecules, y, rows, held_out, **run["settings"])
    golden = {k: np.array(result[k]) for k in ("train_loss", "valid_loss")}
    for tensor, value in start.items():
        if is_head(tensor):
            golden["start/" + tensor] = value
        change = result["final"][tensor] - value.astype(np.float64)
        golden["norm/" + tensor] = np.sqrt((change**2).sum())
        if change.size < 6000 and not is_head(tensor) or change.ndim == 1:
            golden["change/" + tensor] = change.astype(np.float32)
    return {f"{name}/{k}": v for k, v in golden.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    arrays = {}
    with tempfile.TemporaryDirectory() as scratch:
        for run_name, entry in RUNS.items():
            arrays |= make(sys.argv[1], run_name, entry, scratch)
            print(run_name, arrays[run_name + "/train_loss"], arrays[run_name + "/valid_loss"])
    np.savez_compressed(DATA / "reference_training.npz", **arrays)
