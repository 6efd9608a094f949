"""What reference_pretraining.py computes on: weights, molecules with chosen atoms, labels."""
import pathlib

import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem

DATA = pathlib.Path(__file__).parent / "data"
LAYERS, WIDTH, FFN, HEADS, KERNELS, HIDDEN, TASKS = 2, 32, 48, 4, 128, 256, 2

MOLECULE_DICT = (DATA / "molecule.dict.txt").read_text().split() + ["[MASK]"]
SMALL_DICT = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "C", "N", "O", "H", "[MASK]"]
# What becomes of each molecule's chosen atoms; the smallest has none.
FATES = [(), ("mask", "kept"), ("mask", "random"), ("mask", "mask", "kept")]
# The last number: a seed with which every branch of the losses is taken.
CASES = {"gaussian": (MOLECULE_DICT, ["FC(Cl)Br", "CSC#N", "CC(N)=O", "CCOC(C)=O"], 4),
         "linear": (SMALL_DICT, ["C", "CSC#N", "CC(N)=O", "CCOC(C)=O"], 31)}  # its S is [UNK]


def conformer(smiles):
    """Symbols and centred float32 coordinates, hydrogens with them."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=42)
    AllChem.MMFFOptimizeMolecule(mol)
    xyz = mol.GetConformer().GetPositions().astype(np.float32)
    return [a.GetSymbol() for a in mol.GetAtoms()], xyz - xyz.mean(0, dtype=np.float32)


class Molecule:
    """What the network reads and what it should find, [CLS] and [SEP] with them; the clean
    coordinates are centred, the noised ones are not centred again."""

    def __init__(self, smiles, dictionary, fates, labels, rng):
        ids = {s: i for i, s in enumerate(dictionary)}
        symbols, xyz = conformer(smiles)
        frame = np.zeros((1, 3), np.float32)
        self.clean = np.concatenate([frame, xyz, frame])
        self.coordinates = self.clean.copy()
        true = np.array([ids.get(s, ids["[UNK]"]) for s in ["[CLS]", *symbols, "[SEP]"]], np.int32)
        self.tokens, self.targets = true.copy(), np.full(len(true), -1, np.int32)
        self.labels = labels
        for i, fate in zip(1 + rng.choice(len(symbols), len(fates), replace=False), fates):
            self.targets[i] = true[i]
            if fate != "kept":
                self.coordinates[i] += rng.uniform(-1, 1, 3).astype(np.float32)
                self.tokens[i] = ids["[MASK]"] if fate == "mask" else rng.integers(4, len(ids) - 1)


def molecules_of(dictionary, smiles, rng):
    labels = rng.normal(0, 1.5, (len(smiles), TASKS)).astype(np.float32)
    labels[1, 1] = labels[2, :] = np.nan
    return [Molecule(s, dictionary, fates, y, rng) for s, fates, y in zip(smiles, FATES, labels)]


# --- weights --------------------------------------------------------------------------------------


def with_bias(name, outputs, inputs):
    return {name + ".weight": (outputs, inputs), name + ".bias": (outputs,)}


def norm(name, width):
    return {name + ".weight": (width,), name + ".bias": (width,)}


def kernel_shapes(kernel, edge_types):
    shapes = {"gbf.mul.weight": (edge_types, 1), "gbf.bias.weight": (edge_types, 1)}
    if kernel == "gaussian":
        return shapes | {"gbf.means.weight": (1, KERNELS), "gbf.stds.weight": (1, KERNELS)}
    return (shapes | {"gbf.w_edge.weight": (edge_types, KERNELS)} | norm("gbf.ln", KERNELS) |
            with_bias("gbf.proj.linear1", HIDDEN, 1) |
            with_bias("gbf.proj.linear2", KERNELS, HIDDEN))


def layer_shapes(at):
    return (norm(at + "self_attn_layer_norm", WIDTH) | norm(at + "final_layer_norm", WIDTH) |
            with_bias(at + "self_attn.in_proj", 3 * WIDTH, WIDTH) |
            with_bias(at + "self_attn.out_proj", WIDTH, WIDTH) |
            with_bias(at + "fc1", FFN, WIDTH) | with_bias(at + "fc2", WIDTH, FFN))


def head_shapes(vocabulary):
    return (with_bias("lm_head.dense", WIDTH, WIDTH) | norm("lm_head.layer_norm", WIDTH) |
            {"lm_head.weight": (vocabulary, WIDTH), "lm_head.bias": (vocabulary,)} |
            norm("encoder.final_head_layer_norm", HEADS) |
            with_bias("pair2coord_proj.linear1", HEADS, HEADS) |
            with_bias("pair2coord_proj.linear2", 1, HEADS) |
            with_bias("dist_head.dense", HEADS, HEADS) | norm("dist_head.layer_norm", HEADS) |
            with_bias("dist_head.out_proj", 1, HEADS) |
            with_bias("supervised_head.dense", WIDTH, WIDTH) |
            with_bias("supervised_head.out_proj", TASKS, WIDTH))


def shapes_of(kernel, vocabulary):
    shapes = {"embed_tokens.weight": (vocabulary, WIDTH)}
    shapes |= norm("encoder.emb_layer_norm", WIDTH) | norm("encoder.final_layer_norm", WIDTH)
    for i in range(LAYERS):
        shapes |= layer_shapes(f"encoder.layers.{i}.")
    return (shapes | kernel_shapes(kernel, vocabulary**2) |
            with_bias("gbf_proj.linear1", KERNELS, KERNELS) |
            with_bias("gbf_proj.linear2", HEADS, KERNELS) | head_shapes(vocabulary))


def random_tensor(name, shape, rng):
    """No bias is 0, no norm or table the identity; half of the gaussian widths are negative, and
    some embeddings so short that layer norm's eps matters."""
    z = rng.normal(0, 1, shape)
    if name == "embed_tokens.weight":
        return z * np.exp(rng.uniform(np.log(.002), 0, (shape[0], 1)))
    if name == "gbf.means.weight":
        return rng.uniform(0, 3, shape)
    if name == "gbf.stds.weight":
        return rng.uniform(.3, 3, shape) * np.where(z < 0, -1, 1)
    if name == "gbf.mul.weight":
        return 1 + .2 * z
    if len(shape) == 1 or name == "gbf.bias.weight":
        gain = "norm.weight" in name or name == "gbf.ln.weight"
        return gain * (.8 if "emb_layer_norm" in name else 1) + .2 * z
    if name == "gbf.w_edge.weight":
        return .5 * z
    layer = name.startswith("encoder.layers.")  # whose outputs' norms shall stay near sqrt(width)
    return z * shape[1]**-.5 * (.4 if "out_proj" in name and layer or "fc2" in name else .8)


def random_weights(kernel, vocabulary, rng):
    return {name: random_tensor(name, shape, rng).astype(np.float32)
            for name, shape in shapes_of(kernel, vocabulary).items()}
