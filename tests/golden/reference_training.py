"""Whole-network training once more, in PyTorch and from the specification alone.

Uni-Mol's network with both pair kernels and both heads, the losses, Adam with its schedule, clipping
and pulls, what the head reads beside CLS, and molrt's counter-based random numbers (new heads,
dropout masks, batch order, split, conformers), written from the specification and papers, not from
molrt's C++. In float64 it says what a training run should give; in float32 how far rounding alone
carries a run away from that.

    reference_training.py MOLRT [RUN ...]    makes data/reference_training.npz (or these runs of it)

reference_methods.py has the methods of regularisation. Needs torch, numpy, scikit-learn and RDKit,
and the command MOLRT for the weights that each run begins with.
tests/cli/test_reference_training.py runs the same and compares; numpy does for that.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import reference_methods as methods
from reference_random import (ACT, ATT, PURPOSE_ATTRIBUTION, PURPOSE_FISHER, PURPOSE_TRAIN, RES1,
                              RES2, SITE_EMB, SITE_HEAD_IN, SITE_HEAD_MID, STREAM_EPOCH,
                              chosen_conformer, hold_out, keep, new_head, shuffled, site)

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


# --- molecules ----------------------------------------------------------------------------------


class Molecule:
    """Tokens and distances, [CLS] and [SEP] with them; `number` counts its dropout masks."""

    def __init__(self, row, symbols, xyz, dictionary, hydrogens=True, conformer=0):
        ids = {s: i for i, s in enumerate(dictionary)}
        keep_atom = [i for i, s in enumerate(symbols) if hydrogens or s != "H"]
        xyz = np.asarray(xyz, np.float32)[keep_atom]
        xyz = xyz - xyz.mean(0, dtype=np.float32)
        origin = np.zeros((1, 3), np.float32)
        x = np.concatenate([origin, xyz, origin]).astype(np.float64)
        self.number = conformer << 26 | row
        self.tokens = np.array([ids["[CLS]"]] + [ids.get(symbols[i], ids["[UNK]"])
                                                 for i in keep_atom] + [ids["[SEP]"]])
        difference = x[:, None] - x[None]
        self.distance = np.sqrt((difference**2).sum(-1)).astype(np.float32)


# --- the network (model.md sections 1 and 3) ------------------------------------------------------

NO_DROPOUT = {"emb": 0, "residual": 0, "attention": 0, "activation": 0, "pooler": 0}


class Noise:
    """The dropout factors of a pass over a padded batch; c: the counter's, but for the sample."""

    def __init__(self, molecules, rates, seed, step, quiet_layers, dtype, c):
        self.molecules, self.rates, self.c = molecules, rates, c
        self.key, self.quiet_layers, self.dtype = (seed, step), quiet_layers, dtype

    def __call__(self, x, rate, where, sample=0):
        """x [molecules, tokens or none, ...]; rate: a number or the name of one"""
        layer = (where - 16) // 4 if where >= 16 else -1 if where == SITE_EMB else 10**6
        quiet = self.quiet_layers > 0 and layer < self.quiet_layers
        rate = self.rates[rate] if isinstance(rate, str) else rate
        if rate == 0 or quiet:
            return x
        factors = np.zeros(x.shape)
        for i, m in enumerate(self.molecules):
            n = len(m.tokens)
            shape = {2: x.shape[1:], 3: (n,) + tuple(x.shape[2:]), 4: (x.shape[1], n, n)}[x.ndim]
            own = keep(rate, shape, *self.key, m.number, where, self.c | sample)
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


def representations(p, heads, molecules, noise, dtype, attention=None):
    """CLS [molecules, width]; attention: methods.Attention"""
    attention = attention or methods.Attention()
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
        logits = bias.masked_fill(~real[:, None, None], -torch.inf)
        a = torch.softmax(attention.without_dropped(i, logits), -1)
        a = attention.taken(i, noise(a, "attention", site(i, ATT)))
        o = (a @ v).transpose(1, 2).reshape(x.shape)
        x = x + noise(linear(o, p, at + "self_attn.out_proj"), "residual", site(i, RES1))
        h = gelu(linear(layer_norm(x, p, at + "final_layer_norm"), p, at + "fc1"))
        h = linear(noise(h, "activation", site(i, ACT)), p, at + "fc2")
        x = x + noise(h, "residual", site(i, RES2))
    return layer_norm(x, p, "encoder.final_layer_norm")[:, 0]


def outputs(p, heads, molecules, dtype, beside=None, columns=None, rates=None, seed=0, step=0,
            quiet_layers=0, c=PURPOSE_TRAIN, samples=("pooler",), attention=None):
    """Scaled values or logits [samples, molecules, outputs]; without rates in evaluation mode.
    beside [molecules, inputs]; columns: (mean, factor) of CLS, as a head on a frozen encoder reads
    it; samples: the head's dropout rates, as often as it looks."""
    noise = Noise(molecules, rates or NO_DROPOUT, seed, step, quiet_layers, dtype, c)
    x = representations(p, heads, molecules, noise, dtype, attention)
    if columns is not None:
        x = (x - torch.tensor(columns[0], dtype=dtype)) * torch.tensor(columns[1], dtype=dtype)
    if beside is not None:
        x = torch.cat([x, torch.tensor(beside, dtype=dtype)], 1)
    f = []
    for k, rate in enumerate(samples):
        h = noise(x, rate, SITE_HEAD_IN, k)
        if "classification_head.dense.weight" in p:
            h = torch.tanh(linear(h, p, "classification_head.dense"))
            h = noise(h, rate, SITE_HEAD_MID, k)
        f.append(linear(h, p, "classification_head.out_proj"))
    return torch.stack(f)


# --- losses ---------------------------------------------------------------------------------------


def mean_loss(f, y, kind, row_weights, weights=None, delta=1., alpha=.25, gamma=2.):
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
    w = have.to(f.dtype) * torch.tensor(row_weights, dtype=f.dtype)[:, None]
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

DEFAULTS = {"epochs": 100, "last_epoch": 0, "batch_size": 32, "lr": 5e-4, "warmup": .03,
            "clip": 5., "beta1": .9, "beta2": .999, "eps": 1e-6, "seed": 42, "weight_decay": 0.,
            "l2sp": 0., "l2sp_head": 0., "llrd": 1., "ema": 0., "frozen": (), "freeze_eval": True,
            "rates": NO_DROPOUT, "loss": "mse", "weights": None, "delta": 1., "alpha": .25,
            "gamma": 2., "patience": 0}


class Rows:
    """A table's rows: molecules[row], its conformers; labels [rows, targets], scaled, NaN: none;
    weights [rows] in the loss; beside [rows, inputs], scaled, or None; columns as of outputs();
    first: the first row's number."""

    def __init__(self, molecules, labels, weights=None, beside=None, columns=None, first=0):
        self.molecules, self.labels, self.first = molecules, np.asarray(labels), first
        self.weights = np.ones(len(molecules)) if weights is None else np.asarray(weights)
        self.beside, self.columns = beside, columns

    def outputs(self, p, heads, items, dtype, **keywords):
        """items [(row, conformer)]"""
        beside = None if self.beside is None else self.beside[[row for row, _ in items]]
        return outputs(p, heads, [self.molecules[r][k] for r, k in items], dtype, beside,
                       self.columns, **keywords)

    def chosen(self, rows, seed, epoch):
        return [(r, chosen_conformer(seed, epoch, self.first + r, len(self.molecules[r])))
                for r in rows]

    def of_conformers(self, p, heads, rows, dtype):
        """In evaluation mode: [conformers, outputs] of each row"""
        items = [(r, k) for r in rows for k in range(len(self.molecules[r]))]
        with torch.no_grad():
            f = self.outputs(p, heads, items, dtype)[0]
        return f.split([len(self.molecules[r]) for r in rows])


def is_head(name):
    return name.startswith("classification_head.")


def layer_level(name, layers):
    """LLRD: embeddings and pair kernel 0, layers.i i + 1, final norm and head L."""
    if name.startswith("encoder.layers."):
        return int(name.split(".")[2]) + 1
    return layers if is_head(name) or name.startswith("encoder.final_layer_norm") else 0


def decays(name):
    return not (name.endswith(".bias") or "norm" in name or name.startswith("gbf.ln."))


class Adam:
    """The moments of some tensors and the steps that they have taken."""

    def __init__(self, tensors, s):
        self.s, self.steps = s, 0
        self.mean = {n: torch.zeros_like(t) for n, t in tensors.items()}
        self.square = {n: torch.zeros_like(t) for n, t in tensors.items()}

    def update(self, name, g):
        beta1, beta2 = self.s["beta1"], self.s["beta2"]
        self.mean[name] = beta1 * self.mean[name] + (1 - beta1) * g
        self.square[name] = beta2 * self.square[name] + (1 - beta2) * g**2
        m = self.mean[name] / (1 - beta1**(self.steps + 1))
        v = self.square[name] / (1 - beta2**(self.steps + 1))
        return m / (torch.sqrt(v) + self.s["eps"])


def train(start, heads, data, train_rows, held_out, dtype=torch.float64, unlabelled=None,
          **settings):
    """start {name: array}, head included; data, unlabelled: Rows. -> {train_loss, valid_loss (each
    epoch), gradient_norm, lr (each step), best_epoch, final {name: array}}"""
    s = {**DEFAULTS, **methods.DEFAULTS, **settings}
    if s["mixout_p"] > 0 and s["mixout_replaces_dropout"]:
        s["rates"] = NO_DROPOUT
    p = {n: torch.tensor(v, dtype=dtype, requires_grad=not n.startswith(tuple(s["frozen"]) or "-"))
         for n, v in start.items()}
    origin = {n: t.detach().clone() for n, t in p.items()}
    trained = {n: t for n, t in p.items() if t.requires_grad}
    average = {n: t.detach().clone() for n, t in trained.items()}
    child = {}
    layers = sum(n.endswith(".fc1.weight") for n in p)
    first_trained = min([layer_level(n, layers) for n in trained
                         if not is_head(n) and "final_layer_norm" not in n.split(".")[1:2]] + [layers + 1])
    quiet = first_trained - 1 if s["freeze_eval"] and first_trained > 0 else 0
    batch = min(s["batch_size"], len(train_rows))
    per_epoch = len(train_rows) // batch
    total = per_epoch * s["epochs"]
    warmup = int(s["warmup"] * total)
    y = torch.tensor(data.labels, dtype=dtype)
    kind = {k: s[k] for k in ("weights", "delta", "alpha", "gamma")}
    result = {k: [] for k in ("train_loss", "valid_loss", "gradient_norm", "lr")}
    step, best = 0, (np.inf, 0, None)
    adam, adam_unlabelled = Adam(trained, s), Adam(trained, s)

    def loss_of(f, rows):
        return mean_loss(f, y[rows], s["loss"], data.weights[rows], **kind)

    def run(w, table, items, number=None, **keywords):
        """One pass in training; number: the step's"""
        return table.outputs(w, heads, items, dtype, seed=s["seed"], quiet_layers=quiet,
                             step=step if number is None else number, **keywords)

    def one_look():
        """With dropout, the head once."""
        return {"rates": s["rates"], "samples": methods.head_rates(s)[:1]}

    def attention_of(rows, epoch, w):
        if not methods.drops_keys(s, epoch):
            return None
        items = data.chosen(rows, s["seed"], epoch + 1)
        own = s["addrop_layers"]
        own = (range(max(first_trained - 1, 0), layers) if own == "all"
               else [int(i) for i in own.split(",")])
        w = {n: t.detach().requires_grad_() for n, t in w.items()}

        def forward(attention, training):
            return run(w, data, items, attention=attention, c=PURPOSE_ATTRIBUTION,
                       **(one_look() if training else {}))[0]
        return methods.dropped_keys([data.molecules[r][k] for r, k in items], own, forward, y[rows],
                                    step, s)

    def passes(table, rows, epoch, weights, attention):
        items = table.chosen(rows, s["seed"], epoch + 1)
        return [run(w, table, items, rates=s["rates"], c=PURPOSE_TRAIN | r << 16,
                    samples=methods.head_rates(s), attention=attention)
                for r, w in enumerate(weights)]

    def weights_of_passes():
        return [methods.mixed(p, origin, s, step, r) for r in range(2 if s["rdrop_on"] else 1)]

    def labelled_loss(rows, epoch, weights):
        attention = attention_of(rows, epoch, weights[0])
        f = passes(data, rows, epoch, weights, attention)
        loss = sum(methods.supervised(own, lambda f: loss_of(f, rows)[0], s) for own in f) / len(f)
        if s["rdrop_on"]:
            loss = loss + methods.consistency(f[0].mean(0), f[1].mean(0), s)
        return loss, loss_of(f[0][0], rows)[1]

    def unlabelled_loss(epoch, weights):
        rows = methods.unlabelled_rows(len(unlabelled.molecules), batch, s["seed"], step)
        f = passes(unlabelled, rows, epoch, weights, None)
        return s["rdrop_u_weight"] * methods.consistency(f[0].mean(0), f[1].mean(0), s)

    def apply(loss, moments, peak):
        gradients = torch.autograd.grad(loss, list(trained.values()))
        norm = float(torch.sqrt(sum((g.double()**2).sum() for g in gradients)))
        rate = peak * (step / warmup if step < warmup else (total - step) / (total - warmup))
        scale = min(1., s["clip"] / norm) if s["clip"] > 0 and norm > 0 else 1.
        with torch.no_grad():
            for (n, w), g in zip(trained.items(), gradients):
                def factor(stage):
                    return methods.factors(n, w.shape, step, stage, child, s, dtype)
                own = rate * s["llrd"]**(layers - layer_level(n, layers))
                decayed = 1. if s["child_decay_masked"] or n not in child else child[n].to(dtype)
                w -= own * moments.update(n, g * scale * factor("grad")) * factor("update")
                if decays(n) and moments is adam:  # not in steps of the unlabelled's own
                    shrink = s["weight_decay"] + (s["l2sp_head"] if is_head(n) else 0)
                    w -= own * decayed * shrink * w
                    w -= own * decayed * (0 if is_head(n) else s["l2sp"]) * (w - origin[n])
        moments.steps += 1
        result["gradient_norm"].append(norm)
        result["lr"].append(rate)

    def learn(rows, epoch):
        nonlocal step
        weights = weights_of_passes()
        loss, weight = labelled_loss(rows, epoch, weights)
        whole = loss
        if unlabelled and s["rdrop_u_mode"] == "joint":
            whole = loss + methods.ramp(step, total) * unlabelled_loss(epoch, weights)
        apply(whole, adam, s["lr"])
        if unlabelled and s["rdrop_u_mode"] == "alternate":
            apply(unlabelled_loss(epoch, weights_of_passes()), adam_unlabelled,
                  s["rdrop_u_lr"] or s["lr"] / 2)
        with torch.no_grad():
            for n, w in trained.items():
                average[n] += (1 - min(s["ema"], (1 + step) / (10 + step))) * (w - average[n])
        step += 1
        return float(whole), weight

    def chosen_child(order):
        names = [n for n in trained if n.startswith(tuple(s["fisher_scope"].split(",")))]
        names = names or [n for n in trained if is_head(n)]
        size = 1 if s["fisher_unit"] == "sample" else batch
        groups = [order[i:i + size] for i in range(0, len(order), size)]
        if s["fisher_batches"]:
            groups = groups[:s["fisher_batches"] * (batch // size)]

        def gradients_of(number, rows):
            f = run(p, data, data.chosen(rows, s["seed"], 0), number, c=PURPOSE_FISHER,
                    **(one_look() if s["fisher_dropout"] else {}))[0]
            logs = ([loss_of(f, rows)[0]] if s["fisher_label"] == "empirical"
                    else methods.own_labels(f, rows, number, s))
            return [torch.autograd.grad(t, [p[n] for n in names], retain_graph=True) for t in logs]
        return methods.most_informed(methods.fisher(names, groups, gradients_of, s),
                                     s["child_keep_d"])

    def evaluated():
        return {**p, **average} if s["ema"] > 0 else p

    for epoch in range(s["last_epoch"] or s["epochs"]):
        order = shuffled(train_rows, s["seed"], epoch, STREAM_EPOCH, 0)
        if "D" in s["child_mode"] and epoch == s["fisher_after_epochs"]:
            child = chosen_child(order)
        losses = [learn(order[b * batch:(b + 1) * batch], epoch) for b in range(per_epoch)]
        result["train_loss"].append(sum(l * w for l, w in losses) / sum(w for _, w in losses))
        valid = np.nan
        if held_out:
            f = data.of_conformers(evaluated(), heads, held_out, dtype)
            valid = float(loss_of(torch.stack([t.mean(0) for t in f]), held_out)[0])
        result["valid_loss"].append(valid)
        if s["patience"] > 0:
            if valid < best[0]:
                best = (valid, epoch, {n: t.detach().clone() for n, t in evaluated().items()})
            if epoch - best[1] >= s["patience"]:
                break
    final = best[2] if s["patience"] > 0 else evaluated()
    result["best_epoch"] = best[1] + 1 if s["patience"] > 0 else s["epochs"]
    result["final"] = {n: t.detach().numpy().copy() for n, t in final.items()}
    return result


# --- what stands in a table -------------------------------------------------------------------------


def read_sdf(path):
    """-> [(symbols, coordinates, {property: number}, block)]; a block's title is a SMILES"""
    molecules = []
    for block in path.read_text().split("$$$$\n")[:-1]:
        lines = block.split("\n")
        atoms = [line.split() for line in lines[4:4 + int(lines[3][:3])]]
        values = {lines[i].split("<")[1][:-1]: float(lines[i + 1])
                  for i in range(len(lines)) if lines[i].startswith(">")}
        xyz = np.array([a[:3] for a in atoms], np.float64).astype(np.float32)
        molecules.append(([a[3] for a in atoms], xyz, values, block))
    return molecules


def embedded(smiles, seed):
    """RDKit's conformer: symbols, coordinates"""
    from rdkit import Chem
    from rdkit.Chem import AllChem
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=seed)
    AllChem.MMFFOptimizeMolecule(molecule)
    xyz = molecule.GetConformer().GetPositions().astype(np.float32)
    return [a.GetSymbol() for a in molecule.GetAtoms()], xyz


DESCRIPTORS = """exactmw amw lipinskiHBA lipinskiHBD NumRotatableBonds NumHBD NumHBA NumHeavyAtoms
    NumAtoms NumHeteroatoms NumAmideBonds FractionCSP3 NumRings NumAromaticRings NumAliphaticRings
    NumSaturatedRings NumHeterocycles NumAromaticHeterocycles NumSaturatedHeterocycles
    NumAliphaticHeterocycles NumSpiroAtoms NumBridgeheadAtoms NumAtomStereoCenters
    NumUnspecifiedAtomStereoCenters labuteASA tpsa CrippenClogP CrippenMR chi0v chi1v chi2v chi3v
    chi4v chi0n chi1n chi2n chi3n chi4n hallKierAlpha kappa1 kappa2 kappa3 Phi""".split()
MORE = {"SlogP_VSA": 12, "SMR_VSA": 10, "PEOE_VSA": 14, "EState": 0, "EState_VSA": 11, "VSA_EState": 10}


def grouped(molecule):
    """What Descriptors computes of functions for several numbers, in molrt's order."""
    from rdkit.Chem import Descriptors, Fragments
    known = dict(Descriptors.descList)
    names = []
    for name, count in MORE.items():
        names += [f"{name}{i}" for i in range(1, count + 1)]
        names += [f"{m}EStateIndex" for m in ("Max", "Min", "MaxAbs", "MinAbs")] if name == "EState" else []
    return [known[name](molecule) for name in names + list(dict(Fragments.fns))]


def described(smiles, kinds, bits):
    from rdkit import Chem
    from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors
    molecule = Chem.MolFromSmiles(smiles)
    numbers = []
    if "rdkit" in kinds:
        numbers += rdMolDescriptors.Properties(DESCRIPTORS).ComputeProperties(molecule)
        numbers += grouped(molecule)
    if "morgan" in kinds:
        counts = np.zeros(bits)
        hashes = rdFingerprintGenerator.GetMorganGenerator(radius=2).GetSparseCountFingerprint(molecule)
        for key, count in hashes.GetNonzeroElements().items():
            counts[key % bits] += count
        numbers += list(counts)
    return numbers


def standardised(x, rows, limit=np.inf):
    """Columns by their mean and deviation in the rows; 0 for a constant and for NaN."""
    mean, deviation = np.nanmean(x[rows], 0), np.nanstd(x[rows], 0)
    factor = np.where(deviation > 1e-12 * np.abs(mean), 1 / np.where(deviation > 0, deviation, 1), 0)
    return np.clip(np.nan_to_num((x - mean) * factor), -limit, limit)


def target_scaler(name, y):
    """scikit-learn's, fitted on the values of one target"""
    from scipy import stats
    from sklearn import preprocessing as sk
    y = y[~np.isnan(y)][:, None]
    if name == "auto":
        skewed = abs(stats.skew(y)[0]) > 5 or abs(stats.kurtosis(y)[0]) > 20
        name = "log1p" if skewed and y.min() > -1 else "standard"
    scaler = {"none": sk.FunctionTransformer(check_inverse=False), "standard": sk.StandardScaler(),
              "robust": sk.RobustScaler(), "minmax": sk.MinMaxScaler(),
              "power": sk.PowerTransformer(),
              "quantile": sk.QuantileTransformer(n_quantiles=min(1000, len(y))),
              "log1p": sk.FunctionTransformer(np.log1p, np.expm1)}[name]
    return scaler.fit(y)


# --- the golden runs ------------------------------------------------------------------------------

DATA = pathlib.Path(__file__).parent / "data"
SDF = DATA / "reference_training.sdf"  # ESOL molecules; a, b, c measured, with gaps
TINY = "--layers 2 --width 16 --ffn 24 --heads 4"
MOLECULE, OLED = f"init {TINY}", f"init {TINY} --arch oled"
RUNS = {
    "everything": {
        "weights": "molecule_odd.pth", "targets": ["a", "b", "c"],
        "flags": "--head pooled --loss huber --huber-delta 0.7 --emb-dropout 0.1 --dropout 0.15 "
                 "--attention-dropout 0.2 --activation-dropout 0.1 --pooler-dropout 0.25 "
                 "--batch-size 3 --epochs 4 --lr 2e-3 --warmup 0.2 --clip 0.5 --seed 3 "
                 "--weight-decay 0.1 --l2sp-lambda 0.5 --l2sp-head 0.2 --llrd-xi 0.8 "
                 "--ema-beta 0.9 --freeze-prefix none"},
    "linear": {
        "weights": "oled_linear.pth", "targets": ["b"],
        "flags": "--head linear --no-dropout 1 --batch-size 100 --epochs 10 --lr 1e-3 "
                 "--freeze-prefix encoder.layers.1.,gbf.w_edge"},
    "classes of several conformers": {
        "weights": OLED, "targets": ["kind"],
        "flags": "--task multiclass --head linear --class-weights balanced --weight-column weight "
                 "--conformers 3 --pooler-dropout 0.3 --freeze-prefix none --batch-size 3 "
                 "--epochs 4 --lr 3e-3 --seed 9"},
    "labels with gaps": {
        "weights": MOLECULE, "targets": ["yes", "m", "n"],
        "flags": "--task multilabel --loss focal --focal-gamma 1.5 --focal-alpha 0.3 "
                 "--class-weights 1,3 --weight-column weight --no-dropout 1 --clip 0 "
                 "--freeze-prefix embed_tokens,gbf,encoder.emb,encoder.layers.0. --epochs 4 "
                 "--lr 3e-3 --weight-decay 0.3 --l2sp-lambda 0.4 --llrd-xi 0.7 --ema-beta 0.8"},
    "beside the representation": {
        "weights": MOLECULE, "targets": ["a"],
        "flags": "--inputs cls+rdkit+morgan --morgan-bits 32 --input-column T --loss mae "
                 "--target-scaling power --no-dropout 1 --freeze-prefix none --epochs 4 --lr 3e-3"},
    "head alone": {
        "weights": MOLECULE, "targets": ["a", "b"],
        "flags": "--target-scaling robust --pooler-dropout 0.2 --ema-beta 0.9 --batch-size 4 "
                 "--adam-beta1 0.8 --adam-beta2 0.99 --adam-eps 1e-4 --clip 0.3 --epochs 5 "
                 "--lr 3e-3"},
    "going on and refit": {
        "weights": MOLECULE, "targets": ["a"],
        "base": "--epochs 2 --lr 1e-3 --seed 5 --freeze-prefix none --target-scaling minmax "
                "--no-dropout 1 --input-column T",
        "flags": "--head-init base --refit 1 --patience 2 --input-column T --no-dropout 1 "
                 "--freeze-prefix none --batch-size 3 --epochs 4 --lr 1e-2"},
}
NOISY = ("--emb-dropout 0.1 --dropout 0.15 --attention-dropout 0.2 --activation-dropout 0.1 "
         "--freeze-prefix none --batch-size 3 --epochs 4 --lr 3e-3 ")
WHOLE = "--freeze-prefix none --batch-size 3 --epochs 4 --lr 3e-3 "
HEAD = "--batch-size 3 --epochs 5 --lr 3e-3 "
# Seeds whose hard choices are not near (1e-4 and more between the last that is taken and the next).
RUNS |= {name: {"weights": "molecule_odd.pth", "targets": targets.split(), "flags": flags, **more}
         for name, targets, flags, more in [
    ("several looks", "a b", NOISY + "--msd-rates 0.1,0.3,0.5 --msd-reduce pred", {}),
    ("several looks of a head alone", "a", HEAD + "--head linear --msd-n 3 --msd-p 0.3", {}),
    ("weights mixed by inputs", "a", WHOLE + "--mixout-p 0.9 --mixout-head init --clip 0.5 "
     "--mixout-author-grad 1 --l2sp-lambda 0.5", {}),
    ("weights mixed one by one", "a", NOISY + "--mixout-p 0.5 --mixout-mask element "
     "--mixout-target zero --mixout-replaces-dropout 0 --pooler-dropout 0.2", {}),
    ("two passes", "a b", NOISY + "--rdrop-on 1 --rdrop-alpha 2 --rdrop-norm readme --loss huber "
     "--huber-delta 0.3 --msd-n 2 --msd-p 0.3 --weight-column weight", {}),
    ("two passes of classes", "kind", HEAD + "--rdrop-on 1 --mixout-p 0.5 --mixout-head zero "
     "--mixout-replaces-dropout 0 --pooler-dropout 0.3 --task multiclass", {}),
    ("two passes of labels with gaps", "yes m n", HEAD + "--rdrop-on 1 --task multilabel "
     "--pooler-dropout 0.3", {}),
    ("unlabelled beside", "a b", NOISY + "--rdrop-on 1 --rdrop-u-mode joint --rdrop-u-weight 2 "
     "--rdrop-alpha 3 --clip 0.5", {"unlabelled": 7}),
    ("unlabelled in turn", "a", NOISY + "--rdrop-on 1 --rdrop-u-mode alternate --rdrop-u-lr 2e-3 "
     "--weight-decay 0.1 --ema-beta 0.8 --llrd-xi 0.8 --adam-eps 1e-4", {"unlabelled": 7}),
    ("a child by chance", "a", NOISY + "--child-mode F --child-keep-f 0.4 --child-stage update "
     "--weight-decay 0.3 --l2sp-lambda 0.5", {}),
    ("a child by information", "a b", NOISY + "--child-mode D --fisher-unit batch "
     "--fisher-dropout 1 --fisher-clip 0.01 --fisher-after-epochs 1 --weight-decay 0.3 --seed 4", {}),
    ("both children", "a b", NOISY + "--child-mode FD --fisher-label model --child-keep-f 0.5 "
     "--child-decay-masked 1 --weight-decay 0.3 --seed 1", {}),
    ("keys by gradients", "a b", NOISY + "--addrop-q 0.4 --addrop-p 0.4 --rdrop-on 1 "
     "--mixout-p 0.5 --mixout-replaces-dropout 0", {}),
    ("keys by integrated gradients", "a", NOISY + "--addrop-q 0.4 --addrop-p 0.4 --addrop-attr iga "
     "--addrop-m 3 --addrop-layers 0 --addrop-target abs --addrop-order low --seed 4", {}),
    ("keys by attention", "a", NOISY + "--addrop-q 0.4 --addrop-p 0.4 --addrop-attr aa --seed 7",
     {}),
    ("keys by chance", "a", NOISY + "--addrop-q 0.97 --addrop-p 0.97 --addrop-attr ra "
     "--addrop-every 1", {})]}
WITH_CHANGES = ("everything", "linear")  # tensor by tensor; of the others the norms alone
RDKIT = "2022.09"  # whose conformers and descriptors these are
COMMON = "--valid-fraction 0.2 --threads 1 -q".split()

SETTINGS = {"epochs": int, "batch-size": int, "lr": float, "warmup": float, "clip": float,
            "seed": int, "weight-decay": float, "patience": int}
RENAMED = {"adam-beta1": "beta1", "adam-beta2": "beta2", "adam-eps": "eps", "l2sp-lambda": "l2sp",
           "l2sp-head": "l2sp_head", "llrd-xi": "llrd", "ema-beta": "ema", "huber-delta": "delta",
           "focal-alpha": "alpha", "focal-gamma": "gamma"}
RATES = {"emb-dropout": ("emb", .1), "dropout": ("residual", .1),
         "attention-dropout": ("attention", .1), "activation-dropout": ("activation", 0), "pooler-dropout": ("pooler", 0)}


def flags_of(text):
    words = text.split()
    return dict(zip((w[2:] for w in words[::2]), words[1::2]))


def frozen_prefixes(flags):
    prefix = flags.get("freeze-prefix", "encoder")
    whole = ("embed_tokens", "encoder.", "gbf")
    return {"none": (), "encoder": whole}.get(prefix, tuple(prefix.split(",")))


def settings_of(flags):
    """train()'s"""
    s = {k.replace("-", "_"): kind(flags[k]) for k, kind in SETTINGS.items() if k in flags}
    s |= {new: float(flags[old]) for old, new in RENAMED.items() if old in flags}
    usual = {"regression": "mse", "multiclass": "ce"}.get(flags.get("task", "regression"), "bce")
    s["loss"] = ("softmax_" if flags.get("task") == "multiclass" else "") + flags.get("loss", usual)
    if "no-dropout" not in flags:
        s["rates"] = {name: float(flags.get(flag, rate)) for flag, (name, rate) in RATES.items()}
    s |= methods.settings_of(flags)
    return s | {"frozen": frozen_prefixes(flags), "freeze_eval": flags.get("freeze-mode") != "train"}


def class_weights(flags, y):
    """y of the training rows"""
    given = flags.get("class-weights")
    if given in (None, "balanced"):
        return balanced(y) if given else None
    return [[float(w) for w in given.split(",")]] * y.shape[1]


class Table:
    """A run's rows before any scaling."""

    def __init__(self, run, dictionary, hydrogens):
        flags = flags_of(run["flags"])
        records = read_sdf(SDF)
        conformers = int(flags.get("conformers", 1))

        def conformer(symbols, xyz, block, k):
            return (symbols, xyz) if conformers == 1 else embedded(block.split("\n")[0], 42 + k)

        def column(name):
            return np.array([values.get(name, np.nan) for _, _, values, _ in records])

        self.molecules = [[Molecule(i, *conformer(symbols, xyz, block, k), dictionary, hydrogens, k)
                           for k in range(conformers)]
                          for i, (symbols, xyz, _, block) in enumerate(records)]
        self.y = np.stack([column(t) for t in run["targets"]], 1)
        self.used = [i for i in range(len(self.y)) if not np.isnan(self.y[i]).all()]
        self.weights = column(flags["weight-column"]) if "weight-column" in flags else None
        beside = [column(flags["input-column"])[:, None]] if "input-column" in flags else []
        if "inputs" in flags:
            bits = int(flags.get("morgan-bits", 1024))
            beside.append(np.array([described(block.split("\n")[0], flags["inputs"], bits)
                                    for _, _, _, block in records]))
        self.beside = np.concatenate(beside, 1) if beside else None


def rows_of(table, flags, train_rows, scalers, start, heads):
    """Rows as a network reads them."""
    y = table.y
    if scalers:
        y = np.concatenate([s.transform(y[:, [t]]) for t, s in enumerate(scalers)], 1)
    beside = table.beside if table.beside is None else standardised(table.beside, train_rows, 10)
    data = Rows(table.molecules, y, table.weights, beside)
    if flags.get("freeze-prefix", "encoder") == "encoder":
        p = {n: torch.tensor(v, dtype=torch.float64) for n, v in start.items()}
        flat = [m for r in train_rows for m in table.molecules[r]]
        c = representations(p, heads, flat, lambda x, *_: x, torch.float64).numpy()
        data.columns = (c.mean(0), 1 / c.std(0))
    return data


def predictions(p, heads, data, scalers, task):
    """Of all rows, in their own units; probabilities."""
    p = {n: torch.tensor(v, dtype=torch.float64) for n, v in p.items()}
    activate = {"regression": lambda f: f, "multiclass": lambda f: torch.softmax(f, 1)}
    f = [activate.get(task, torch.sigmoid)(t).mean(0).numpy()
         for t in data.of_conformers(p, heads, range(len(data.molecules)), torch.float64)]
    f = np.array(f)
    if scalers:
        f = np.concatenate([s.inverse_transform(f[:, [t]]) for t, s in enumerate(scalers)], 1)
    return f


def table_file(flags, folder):
    """What molrt reads: conformers of its own come of the titles' SMILES."""
    if "conformers" not in flags:
        return SDF
    records = read_sdf(SDF)
    names = sorted({name for _, _, values, _ in records for name in values})
    lines = [",".join([block.split("\n")[0]] + [str(values.get(n, "")) for n in names])
             for _, _, values, block in records]
    path = pathlib.Path(folder) / "table.csv"
    path.write_text("\n".join([",".join(["smiles"] + names)] + lines) + "\n")
    return path


UNLABELLED = 1 << 25  # from there on molecules without values are counted


def unlabelled_file(run, folder):
    """The words that name the run's first molecules once more, without values."""
    if "unlabelled" not in run:
        return []
    path = pathlib.Path(folder) / "unlabelled.sdf"
    blocks = [block for _, _, _, block in read_sdf(SDF)[:run["unlabelled"]]]
    path.write_text("".join(block + "$$$$\n" for block in blocks))
    return ["--rdrop-unlabeled", path]


def finetune_words(run, table, weights, output):
    targets = [word for name in run["targets"] for word in ("--target", name)]
    inputs = [] if "--inputs" in run["flags"] else ["--inputs", "cls"]
    return ["finetune", table, "--weights", weights, "-o", output, *targets, *COMMON, *inputs,
            *run["flags"].split(), *unlabelled_file(run, pathlib.Path(output).parent)]


def base_of(run, molrt, folder):
    """-> the file that the run begins with, for molrt(*words) to go on with"""
    path = pathlib.Path(folder) / "base.molrt"
    if "base" in run:
        before = base_of({"weights": run["weights"]}, molrt, folder)
        path = path.with_name("tuned.molrt")
        molrt(*finetune_words({**run, "flags": run["base"]}, SDF, before, path))
    elif run["weights"].startswith("init "):
        molrt(*run["weights"].split(), "-o", path, "-q")
    else:
        molrt("convert", DATA / run["weights"], "-o", path, "-q")
    return path


def first_weights(run, base, flags, beside, outputs_count):
    """-> {name: array} and what the file says"""
    start, metadata = read_safetensors(base)
    configuration = json.loads(metadata["configuration"])
    if flags.get("head-init") != "base":
        start = {n: v for n, v in start.items() if not is_head(n)}
        width = start["embed_tokens.weight"].shape[1]
        start |= new_head(flags.get("head", "pooled"), width, beside, outputs_count,
                          int(flags.get("seed", DEFAULTS["seed"])))
    return start, configuration, metadata["dictionary"].split()


class Reference:
    """A run in PyTorch."""

    def __init__(self, run, base, dtype=torch.float64):
        self.run, self.flags, self.dtype = run, flags_of(run["flags"]), dtype
        _, configuration, dictionary = first_weights(run, base, self.flags, 0, 1)
        self.table = Table(run, dictionary, configuration["hydrogens"] == "all")
        self.heads = configuration["heads"]
        self.first_flags = flags_of(run.get("base", run["flags"]))  # whose scalings it has
        self.task = self.flags.get("task", "regression")
        classes = int(np.nanmax(self.table.y)) + 1
        beside = 0 if self.table.beside is None else self.table.beside.shape[1]
        outputs_count = classes if self.task == "multiclass" else len(run["targets"])
        self.start, _, _ = first_weights(run, base, self.flags, beside, outputs_count)
        self.unlabelled = [[Molecule(UNLABELLED + i, symbols, xyz, dictionary,
                                     configuration["hydrogens"] == "all")]
                           for i, (symbols, xyz, _, _) in
                           enumerate(read_sdf(SDF)[:run.get("unlabelled", 0)])]

    def split(self, flags):
        return hold_out(self.table.used, .2, int(flags.get("seed", DEFAULTS["seed"])))

    def scalers(self, rows):
        if self.task != "regression":
            return None
        name = self.first_flags.get("target-scaling", "standard")
        return [target_scaler(name, y) for y in self.table.y[rows].T]

    def fit(self, rows, held_out, fitted_rows, last_epoch=0):
        """fitted_rows: of the scalings"""
        scalers = self.scalers(fitted_rows)
        data = rows_of(self.table, self.flags, fitted_rows, scalers, self.start, self.heads)
        settings = settings_of(self.flags) | {"last_epoch": last_epoch}
        settings["weights"] = class_weights(self.flags, self.table.y[rows])
        if not held_out:
            settings["patience"] = 0
        unlabelled = Rows(self.unlabelled, np.zeros((len(self.unlabelled), 0)),
                          columns=data.columns, first=UNLABELLED) if self.unlabelled else None
        result = train(self.start, self.heads, data, rows, held_out, self.dtype, unlabelled,
                       **settings)
        result["predictions"] = predictions(result["final"], self.heads, data, scalers, self.task)
        return result

    def trained(self):
        rows, held_out = self.split(self.flags)
        first, _ = self.split(self.first_flags)
        result = self.fit(rows, held_out, first)
        if "refit" in self.flags:
            first = first if "base" in self.run else self.table.used
            last = self.fit(self.table.used, [], first, result["best_epoch"])
            result |= {k: last[k] for k in ("final", "predictions")}
        return result


def golden_of(name, run, molrt, folder):
    reference = Reference(run, base_of(run, molrt, folder))
    result = reference.trained()
    golden = {k: np.array(result[k]) for k in ("train_loss", "valid_loss", "predictions")}
    changes = {n: result["final"][n] - v.astype(np.float64) for n, v in reference.start.items()}
    if "freeze-prefix" in reference.flags:  # else the stored head has its inputs' scaling in itself
        golden["norms"] = np.array([np.sqrt((changes[n]**2).sum()) for n in sorted(changes)])
    if name in WITH_CHANGES:
        golden |= {"change/" + n: c.astype(np.float32) for n, c in changes.items()
                   if c.size < 6000 and not is_head(n) or c.ndim == 1}
    return {f"{name}/{k}": v for k, v in golden.items()}


def main(molrt, *names):
    torch.set_num_threads(1)
    path = DATA / "reference_training.npz"
    arrays = {k: v for k, v in np.load(path).items() if k.split("/")[0] not in names} if names else {}
    for name in names or RUNS:
        with tempfile.TemporaryDirectory() as scratch:
            arrays |= golden_of(name, RUNS[name], lambda *words: subprocess.run(
                [molrt, *map(str, words)], check=True), scratch)
        print(name, arrays[name + "/train_loss"], arrays[name + "/valid_loss"], flush=True)
        np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
