"""The methods of regularisation of reference_training.py, from regularisers.md alone."""
import math
import zlib

import numpy as np
import torch

from reference_random import (PURPOSE_ATTRIBUTION, PURPOSE_FISHER, PURPOSE_WEIGHTS, STREAM_EPOCH,
                              hits, philox, shuffled)

DEFAULTS = {
    "msd_n": 1, "msd_p": 0., "msd_rates": "", "msd_reduce": "loss",
    "mixout_p": 0., "mixout_mask": "column", "mixout_scope": "encoder.layers.,gbf_proj.",
    "mixout_target": "pretrained", "mixout_head": "off", "mixout_replaces_dropout": 1,
    "mixout_author_grad": 0,
    "rdrop_on": 0, "rdrop_alpha": -1., "rdrop_norm": "mean", "rdrop_dist": "auto",
    "rdrop_u_mode": "joint", "rdrop_u_weight": 1., "rdrop_u_lr": 0.,
    "addrop_q": 0., "addrop_p": .3, "addrop_attr": "ga", "addrop_target": "auto",
    "addrop_layers": "all", "addrop_every": 2, "addrop_offset": -1, "addrop_m": 20,
    "addrop_order": "high", "addrop_pass1": "train",
    "child_mode": "off", "child_keep_f": .3, "child_keep_d": .3, "child_stage": "grad",
    "child_rescale": -1, "child_decay_masked": 0,
    "fisher_unit": "sample", "fisher_label": "empirical", "fisher_dropout": 0, "fisher_clip": 0.,
    "fisher_batches": 0, "fisher_after_epochs": 0, "fisher_scope": "encoder.layers."}

KIND_CHILD, KIND_MIXOUT = 1, 2
GAPS = {}  # smallest relative gap between a choice's last and the first that is left, by what chose


def settings_of(flags):
    """Those of DEFAULTS that the command's flags tell."""
    return {k: type(DEFAULTS[k])(flags[k.replace("_", "-")])
            for k in DEFAULTS if k.replace("_", "-") in flags}


def crc(name):
    return zlib.crc32(name.encode())


def note_gap(what, last, first_left):
    gap = (last - first_left) / max(abs(last), 1e-300)
    GAPS[what] = min(GAPS.get(what, np.inf), gap)


# --- Multi-Sample Dropout (section 3) -----------------------------------------------------------


def head_rates(s):
    """The head's dropout rate in each of its looks."""
    if s["msd_rates"]:
        return [float(r) for r in s["msd_rates"].split(",")]
    return [s["msd_p"] or s["rates"]["pooler"]] * s["msd_n"] if s["msd_n"] > 1 else ["pooler"]


def supervised(f, loss_of, s):
    """f [samples, rows, outputs]"""
    if s["msd_reduce"] == "pred":
        return loss_of(f.mean(0))
    return sum(loss_of(own) for own in f) / len(f)


# --- Mixout (section 4) ---------------------------------------------------------------------------

LINEAR = ("in_proj.weight", "out_proj.weight", "fc1.weight", "fc2.weight", "linear1.weight",
          "linear2.weight")


def mixes(name, w, s):
    if name.startswith("classification_head."):
        return s["mixout_head"] != "off" and w.requires_grad and name.endswith(".weight")
    inside = name.startswith(tuple(s["mixout_scope"].split(",")))
    return inside and name.endswith(LINEAR) and w.requires_grad


def mixed(p, origin, s, step, number):
    """The weights with which a step's pass of this number runs."""
    rate = s["mixout_p"]
    if rate == 0:
        return p
    result = dict(p)
    for name, w in p.items():
        if not mixes(name, w, s):
            continue
        head = name.startswith("classification_head.")
        zero = s["mixout_head"] == "zero" if head else s["mixout_target"] == "zero"
        u = torch.zeros_like(w) if zero else origin[name]
        shape = w.shape if s["mixout_mask"] == "element" else w.shape[1:]
        hit = hits(rate, shape, s["seed"], step, crc(name), KIND_MIXOUT,
                   PURPOSE_WEIGHTS | number << 16)
        m = torch.tensor(~hit, dtype=w.dtype)
        value = u + m * ((w - u) / (1 - rate)) if rate < 1 else u + 0 * w
        if s["mixout_author_grad"]:
            value = value.detach() + m * (w - w.detach())
        result[name] = value
    return result


# --- R-Drop (section 6) ---------------------------------------------------------------------------


def consistency(f1, f2, s):
    """(D(f1, f2) + D(f2, f1)) / 4 times alpha, mean over molecules and tasks"""
    kind = s["rdrop_dist"]
    if kind == "auto":
        kind = {"softmax_ce": "kl", "softmax_focal": "kl", "bce": "bern", "focal": "bern"}.get(
            s["loss"], s["loss"])
    alpha = s["rdrop_alpha"]
    if alpha < 0:
        alpha = 1 if s["loss"] in ("mse", "mae", "huber") else 4
    if s["rdrop_norm"] == "readme":
        alpha *= 2
    d = f1 - f2
    if kind == "kl":
        both = (torch.softmax(f1, -1) - torch.softmax(f2, -1)) * (
            torch.log_softmax(f1, -1) - torch.log_softmax(f2, -1))
        both = both.sum(-1)
    elif kind == "bern":
        both = (torch.sigmoid(f1) - torch.sigmoid(f2)) * d
    elif kind == "huber":
        delta = s["delta"]
        both = 2 * torch.where(d.abs() <= delta, d**2 / 2, delta * (d.abs() - delta / 2))
    else:
        both = 2 * (d.abs() if kind == "mae" else d**2)
    return alpha / 4 * both.mean()


def unlabelled_rows(count, batch, seed, step):
    """Of a step's unlabelled molecules, `count` in all."""
    rows = []
    for position in range(step * batch, (step + 1) * batch):
        order = shuffled(range(count), seed, position // count, STREAM_EPOCH, 0)
        rows.append(order[position % count])
    return rows


def ramp(step, total):
    return min(1., step / (.2 * total))


# --- AD-DROP (section 7) --------------------------------------------------------------------------


class Attention:
    """What happens to a pass's attention, and what it was. dropped {layer: [rows, heads, n, n]};
    fixed {layer: matrices in its place}."""

    def __init__(self, dropped=None, fixed=None):
        self.dropped, self.fixed, self.seen = dropped or {}, fixed or {}, []

    def without_dropped(self, layer, logits):
        hit = self.dropped.get(layer)
        return logits if hit is None else logits.masked_fill(hit, -torch.inf)

    def taken(self, layer, a):
        self.seen.append(self.fixed.get(layer, a))
        return self.seen[-1]


def drops_keys(s, epoch):
    """In this epoch, from 0?"""
    offset = s["addrop_offset"] if s["addrop_offset"] >= 0 else min(1, s["addrop_every"] - 1)
    return s["addrop_q"] > 0 and epoch % s["addrop_every"] == offset


def target_of(f, y, s):
    """f [rows, outputs] -> a function of such an f: the sum of the rows' targets"""
    kind = s["addrop_target"]
    if s["loss"].startswith("softmax") and kind in ("auto", "pseudo"):
        best = f.argmax(-1, keepdim=True)
        if kind == "pseudo":
            return lambda f: torch.softmax(f, -1).gather(-1, best).sum()
        return lambda f: f.gather(-1, best).sum()
    if kind == "gold":
        have = ~torch.isnan(y)
        return lambda f: -((f - torch.nan_to_num(y))**2)[have].sum()
    sign = torch.where(f.detach() >= 0, 1., -1.).to(f.dtype)
    return lambda f: (f if kind in ("out", "abs") else sign * f).sum()


def candidates(attribution, part, order):
    """[heads, n, n] of a molecule -> bool"""
    n = attribution.shape[-1]
    count = 0 if part == 0 or n == 1 else min(n - 1, max(1, math.ceil(part * n - 1e-6)))
    signed = -attribution if order == "high" else attribution
    ranks = np.argsort(np.argsort(signed, -1, kind="stable"), -1, kind="stable")
    chosen = (ranks < count) & attribution.any(-1, keepdims=True)
    for row in signed.reshape(-1, n):
        if 0 < count < n and row.any():
            row = np.sort(row)
            if row[count - 1] != row[count]:
                note_gap("addrop", abs(row[count]), abs(row[count]) - (row[count] - row[count - 1]))
    return chosen


def attributions(layers, forward, y, s):
    """{layer: [rows, heads, n, n]}; forward(attention, training) -> f [rows, outputs]"""
    training = s["addrop_pass1"] == "train"
    first = Attention()
    f = forward(first, training)
    target = target_of(f, y, s)
    if s["addrop_attr"] in ("aa", "ra"):
        return {i: first.seen[i].detach() for i in layers}
    if s["addrop_attr"] == "ga":
        gradients = torch.autograd.grad(target(f), [first.seen[i] for i in layers])
    else:
        total = [0. for _ in layers]
        for k in range(1, s["addrop_m"] + 1):
            part = (k - .5) / s["addrop_m"]
            fixed = {i: (a.detach() * (part if i in layers else 1)).requires_grad_()
                     for i, a in enumerate(first.seen)}
            f = forward(Attention(fixed=fixed), training)
            own = torch.autograd.grad(target(f), [fixed[i] for i in layers])
            total = [t + g / s["addrop_m"] for t, g in zip(total, own)]
        gradients = [first.seen[i].detach() * t for i, t in zip(layers, total)]
    return {i: g.abs() if s["addrop_target"] == "abs" else g for i, g in zip(layers, gradients)}


def chosen_by_chance(attention, coin, s):
    """RA: two coins; of a query whose keys are all hit the most probable stays."""
    hit = coin(s["addrop_p"], 0) & coin(s["addrop_q"], 1)
    best = np.arange(hit.shape[-1]) == attention.argmax(-1)[..., None]
    return hit & ~(hit.all(-1, keepdims=True) & best)


def dropped_keys(molecules, layers, forward, y, step, s):
    """-> Attention of the passes that learn"""
    found = attributions(layers, forward, y, s)
    dropped = {}
    for i in layers:
        dropped[i] = torch.zeros(found[i].shape, dtype=torch.bool)
        for b, m in enumerate(molecules):
            n = len(m.tokens)
            own = found[i][b, :, :n, :n].numpy()

            def coin(rate, sample):
                return hits(rate, own.shape, s["seed"], step, m.number, (1 << 16) + i,
                            PURPOSE_ATTRIBUTION | sample)
            if s["addrop_attr"] == "ra":
                hit = chosen_by_chance(own, coin, s)
            else:
                hit = coin(s["addrop_q"], 0) & candidates(own, s["addrop_p"], s["addrop_order"])
            dropped[i][b, :, :n, :n] = torch.tensor(hit)
    return Attention(dropped)


# --- ChildTuning (section 8) ----------------------------------------------------------------------


def kept(name, shape, step, s, dtype):
    """F's factors of a tensor's elements."""
    part = s["child_keep_f"]
    hit = hits(part, shape, s["seed"], step, crc(name), KIND_CHILD, PURPOSE_WEIGHTS)
    return torch.tensor(np.where(hit, 1 / part if s["child_rescale"] != 0 else 1., 0.), dtype=dtype)


def factors(name, shape, step, stage, child, s, dtype):
    """What a gradient or an update is multiplied with; child {name: bool}, D's choice. Outside the
    child the moments of epochs before the choice move nothing either."""
    factor = torch.ones(shape, dtype=dtype)
    if "F" in s["child_mode"] and s["child_stage"] == stage:
        factor = kept(name, shape, step, s, dtype)
    if name in child:
        factor = factor * child[name].to(dtype)
        if stage == "grad" and s["child_mode"] == "D" and s["child_rescale"] == 1:
            factor = factor / s["child_keep_d"]
    return factor


def own_labels(f, rows, number, s):
    """What stands for -log p of the network's own labels: outputs, of classes that of drawn ones."""
    if s["loss"] in ("mse", "mae", "huber"):
        return [f[:, k].mean() for k in range(f.shape[1])]
    u = np.array([philox(s["seed"], number, r, 1 << 17, PURPOSE_FISHER, f.shape[1]) for r in rows])
    u = torch.tensor((u + .5) / 2**32)
    if s["loss"].startswith("softmax"):
        drawn = (u[:, :1] >= torch.softmax(f.detach(), 1).cumsum(1)[:, :-1]).sum(1, keepdim=True)
        return [-torch.log_softmax(f, 1).gather(1, drawn).mean()]
    z = torch.where(u < torch.sigmoid(f.detach()), f, -f)
    return [-torch.nn.functional.logsigmoid(z).sum(1).mean()]


def fisher(names, groups, gradients_of, s):
    """Mean squares. groups: lists of rows; gradients_of(number, rows) -> [gradients by name], whose
    squares are summed"""
    total = None
    for number, rows in enumerate(groups):
        square = [0. for _ in names]
        for gradients in gradients_of(number, rows):
            if s["fisher_clip"] > 0:
                gradients = [g * min(1., s["fisher_clip"] / max(float(g.norm()), 1e-300))
                             for g in gradients]
            square = [q + g**2 for q, g in zip(square, gradients)]
        total = square if total is None else [t + q for t, q in zip(total, square)]
    return {n: t / len(groups) for n, t in zip(names, total)}


def most_informed(information, part):
    """-> {name: bool}: floor(part N + 1/2) elements in all"""
    flat = np.concatenate([v.numpy().ravel() for v in information.values()])
    count = math.floor(part * len(flat) + .5)
    order = np.argsort(-flat, kind="stable")
    if 0 < count < len(flat):
        note_gap("fisher", flat[order[count - 1]], flat[order[count]])
    chosen = np.zeros(len(flat), bool)
    chosen[order[:count]] = True
    child, at = {}, 0
    for name, v in information.items():
        child[name] = torch.tensor(chosen[at:at + v.numel()].reshape(v.shape))
        at += v.numel()
    return child
