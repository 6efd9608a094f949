"""The losses of pre-training and their gradients, in PyTorch and from the specification alone.

Two small networks with all pre-training heads and a supervised one, four molecules with chosen
atoms, no dropout; float64 on float32 inputs. Written from model.md (the molecule, the network, the
recipe of pre-training), not from molrt's C++.

    reference_pretraining.py    makes data/pretraining_gaussian.npz and data/pretraining_linear.npz

Before it writes a case it compares gradients with finite differences and makes sure that every
branch of every loss is taken. Needs torch, numpy and RDKit.
"""
import numpy as np
import torch

from reference_pretraining_cases import (CASES, DATA, HEADS, LAYERS, WIDTH, molecules_of,
                                         random_weights)
from reference_training import gelu, layer_norm, linear, pair_bias

LOSS_WEIGHTS = {"token": 1., "coordinate": 5., "distance": 10., "norm_tokens": .01,
                "norm_pairs": .01, "supervised": 1.}
DISTANCE_MEAN, DISTANCE_STD = 6.312581655060595, 3.3899264663911888
# A chosen atom and itself are one of its pairs: the specification's "every token of its molecule",
# and unimol_tools' way. Uni-Mol's own trainer leaves pairs at distance 0 out.
SELF_PAIRS = True
SINGLE = ("embed_tokens.weight", "encoder.layers.0.self_attn.in_proj.bias", "gbf_proj.linear1.bias")

# --- the network ----------------------------------------------------------------------------------


def distances(xyz):
    x = xyz.astype(np.float64)
    d = np.sqrt(((x[:, None] - x[None])**2).sum(-1)).astype(np.float32)
    return torch.tensor(d, dtype=torch.float64)


def encoder_layer(p, at, x, pairs):
    """x [tokens, width], pairs [heads, tokens, tokens] -> the next of both"""
    qkv = linear(layer_norm(x, p, at + "self_attn_layer_norm"), p, at + "self_attn.in_proj")
    q, k, v = (t.reshape(len(x), HEADS, -1).transpose(0, 1) for t in qkv.chunk(3, -1))
    pairs = q * (WIDTH // HEADS)**-.5 @ k.transpose(1, 2) + pairs
    mixed = (torch.softmax(pairs, -1) @ v).transpose(0, 1).reshape(x.shape)
    x = x + linear(mixed, p, at + "self_attn.out_proj")
    h = gelu(linear(layer_norm(x, p, at + "final_layer_norm"), p, at + "fc1"))
    return x + linear(h, p, at + "fc2"), pairs


def encode(p, m):
    """-> the last layer's output before its norm [tokens, width]; the last pair representation and
    its change since the first pair bias [tokens, tokens, heads]"""
    tokens = torch.tensor(m.tokens, dtype=torch.long)
    edges = tokens[:, None] * len(p["embed_tokens.weight"]) + tokens
    first = pair_bias(p, edges, distances(m.coordinates))
    x = layer_norm(p["embed_tokens.weight"][tokens], p, "encoder.emb_layer_norm")
    pairs = first.permute(2, 0, 1)
    for i in range(LAYERS):
        x, pairs = encoder_layer(p, f"encoder.layers.{i}.", x, pairs)
    last = pairs.permute(1, 2, 0)
    return x, last, last - first


# --- losses ---------------------------------------------------------------------------------------


def smooth_l1(residual):
    r = residual.abs()
    return torch.where(r < 1, r**2 / 2, r - .5)


def token_logits(p, x):
    h = layer_norm(gelu(linear(x, p, "lm_head.dense")), p, "lm_head.layer_norm")
    return linear(h, p, "lm_head")


def moved(p, xyz, change):
    """x_i + sum_j (x_j - x_i) w_ij / N"""
    h = layer_norm(change, p, "encoder.final_head_layer_norm")
    w = linear(gelu(linear(h, p, "pair2coord_proj.linear1")), p, "pair2coord_proj.linear2")
    return xyz + ((xyz[None] - xyz[:, None]) * w).sum(1) / len(xyz)


def predicted_distances(p, pairs):
    h = layer_norm(gelu(linear(pairs, p, "dist_head.dense")), p, "dist_head.layer_norm")
    h = linear(h, p, "dist_head.out_proj")[..., 0]
    return (h + h.T) / 2


def predicted_labels(p, cls):
    return linear(torch.tanh(linear(cls, p, "supervised_head.dense")), p,
                  "supervised_head.out_proj")


def norm_excess(x):
    return (torch.sqrt((x**2).sum(-1)) - x.shape[-1]**.5).abs() - 1


def residuals(p, m):
    """Of one molecule, by loss: what is left between prediction and target."""
    x, pairs, change = encode(p, m)
    out = layer_norm(x, p, "encoder.final_layer_norm")
    chosen = torch.tensor(m.targets >= 0)
    noised, clean = (torch.tensor(a, dtype=torch.float64) for a in (m.coordinates, m.clean))
    distance = predicted_distances(p, pairs) - (distances(m.clean) - DISTANCE_MEAN) / DISTANCE_STD
    partners = torch.ones(len(x), len(x)) - (0 if SELF_PAIRS else 1) * torch.eye(len(x))
    labels = torch.tensor(m.labels, dtype=torch.float64)
    log_p = torch.log_softmax(token_logits(p, out[chosen]), -1)
    return {"token": -log_p.gather(1, torch.tensor(m.targets, dtype=torch.long)[chosen][:, None]),
            "coordinate": (moved(p, noised, change) - clean)[chosen],
            "distance": distance[partners.bool() & chosen[:, None]],
            "norm_tokens": norm_excess(x),
            "norm_pairs": norm_excess(change),
            "supervised": (predicted_labels(p, out[0]) - labels)[~torch.isnan(labels)]}


def terms(name, residual):
    """Of one molecule: the terms whose mean over the batch is the loss."""
    if name == "token":
        return residual.flatten()
    if name.startswith("norm"):
        return torch.relu(residual).mean()[None]
    return smooth_l1(residual).flatten()


def losses(p, molecules):
    of_molecule = [residuals(p, m) for m in molecules]
    result = {name: torch.cat([terms(name, r[name]) for r in of_molecule]).mean()
              for name in LOSS_WEIGHTS}
    return result | {"total": sum(w * result[name] for name, w in LOSS_WEIGHTS.items())}


# --- checks ---------------------------------------------------------------------------------------


def check_branches(p, molecules):
    """Smooth L1 on both sides of 1; norms too short, tolerated and too long, none at a kink."""
    of_molecule = [residuals(p, m) for m in molecules]
    for name in ("coordinate", "distance", "supervised"):
        r = torch.cat([r[name].flatten() for r in of_molecule]).abs()
        assert (r < 1).any() and (r > 1).any(), f"{name}: one side of smooth L1 only"
    for name, which in (("norm_tokens", 0), ("norm_pairs", 2)):
        x = torch.cat([encode(p, m)[which].flatten(0, -2) for m in molecules])
        excess = torch.sqrt((x**2).sum(-1)) - x.shape[-1]**.5
        for taken in (excess < -1, excess.abs() < 1, excess > 1):
            assert taken.sum() > 1, f"{name}: a branch of the norm loss is not taken"
        assert (excess.abs() - 1).abs().min() > 1e-4, f"{name}: a norm lies at the kink"


def total_with(p, molecules, name, at, change):
    """The total loss where element `at` of tensor `name` is greater by `change`."""
    tensor = p[name].clone()
    tensor.view(-1)[at] += change
    return float(losses(p | {name: tensor}, molecules)["total"])


@torch.no_grad()
def check_gradient(p, molecules, gradient, rng, step=1e-6):
    """A random parameter of each tensor, one of those whose gradient is not small beside others."""
    for name, g in gradient.items():
        large = torch.nonzero(g.flatten().abs() >= .1 * g.abs().max())
        at = int(rng.choice(large[:, 0]))
        above, below = (total_with(p, molecules, name, at, h) for h in (step, -step))
        numeric, exact = (above - below) / (2 * step), float(g.flatten()[at])
        assert abs(numeric - exact) < 1e-5 * abs(exact) + 1e-8, (name, at, numeric, exact)


# --- files ----------------------------------------------------------------------------------------


def gradients(p, loss):
    found = torch.autograd.grad(loss, list(p.values()), retain_graph=True, allow_unused=True)
    return {n: torch.zeros_like(t) if g is None else g for (n, t), g in zip(p.items(), found)}


def arrays_of_molecules(molecules):
    arrays = {"labels": np.stack([m.labels for m in molecules])}
    for i, m in enumerate(molecules):
        for name in ("tokens", "coordinates", "clean", "targets"):
            arrays[f"{name}.{i}"] = getattr(m, name)
    return arrays


def arrays_of_losses(p, loss):
    arrays = {f"loss.{name}": np.float64(value.item()) for name, value in loss.items()}
    for name, g in gradients(p, loss["total"]).items():
        arrays[f"gradient.{name}"] = g.numpy().astype(np.float32)
    for name in LOSS_WEIGHTS:
        g = gradients(p, loss[name])
        arrays |= {f"single.{name}.{t}": g[t].numpy().astype(np.float32) for t in SINGLE}
    return arrays


def golden_of(kernel):
    dictionary, smiles, seed = CASES[kernel]
    rng = np.random.default_rng(seed)
    weights = random_weights(kernel, len(dictionary), rng)
    molecules = molecules_of(dictionary, smiles, rng)
    p = {n: torch.tensor(w, dtype=torch.float64, requires_grad=True) for n, w in weights.items()}
    loss = losses(p, molecules)
    check_branches(p, molecules)
    check_gradient(p, molecules, gradients(p, loss["total"]), rng)
    arrays = {"dictionary": np.array(dictionary), "smiles": np.array(smiles)}
    arrays |= {f"weight.{n}": w for n, w in weights.items()}
    return arrays | arrays_of_molecules(molecules) | arrays_of_losses(p, loss)


def main():
    torch.set_num_threads(1)
    for kernel in CASES:
        arrays = golden_of(kernel)
        np.savez(DATA / f"pretraining_{kernel}.npz", **arrays)
        print(kernel, {n[5:]: float(v) for n, v in arrays.items() if n.startswith("loss.")})


if __name__ == "__main__":
    main()
