"""molrt's counter-based random numbers (Salmon et al., SC'11; counters as regularisers.md 0a)."""
import numpy as np

SITE_EMB, SITE_HEAD_IN, SITE_HEAD_MID = 0, 1, 2
ATT, RES1, ACT, RES2 = range(4)
PURPOSE_INITIALISE, PURPOSE_SPLIT, PURPOSE_CONFORMER = 5 << 24, 6 << 24, 7 << 24
STREAM_SPLIT, STREAM_EPOCH = 0, 1
PURPOSE_TRAIN, PURPOSE_ATTRIBUTION, PURPOSE_WEIGHTS, PURPOSE_FISHER = 0, 2 << 24, 3 << 24, 4 << 24


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


def hits(rate, shape, seed, step, a, b, c):
    """Which elements an event of this probability hits."""
    return (philox(seed, step, a, b, c, int(np.prod(shape))) < int(rate * 2.0**32)).reshape(shape)


def keep(rate, shape, seed, step, molecule, where, c=PURPOSE_TRAIN):
    """Dropout's factors: 0 where it hits, else 1 / (1 - rate)."""
    hit = hits(rate, shape, seed, step, molecule, where, c)
    return np.where(hit, 0.0, 0.0 if rate == 1 else 1 / (1 - rate))


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


def new_head(kind, width, beside, outputs, seed):
    """Weights from N(0, .02) by Box-Muller, biases 0; beside: inputs beside CLS."""
    inputs = width + beside
    shapes = {"dense": (width, inputs),
              "out_proj": (outputs, inputs if kind == "linear" else width)}
    head = {}
    for number, (name, shape) in enumerate(shapes.items()):
        if name == "dense" and kind == "linear":
            continue
        size = shape[0] * shape[1]
        u = (philox(seed, 0, number, 0, PURPOSE_INITIALISE, 2 * size).reshape(size, 2) + .5) / 2**32
        normal = np.sqrt(-2 * np.log(u[:, 0])) * np.cos(2 * np.pi * u[:, 1])
        head[f"classification_head.{name}.weight"] = (.02 * normal).astype(np.float32).reshape(shape)
        head[f"classification_head.{name}.bias"] = np.zeros(shape[0], np.float32)
    return head


def chosen_conformer(seed, epoch, row, count):
    """Of the row's `count`, in an epoch counted from 1."""
    return int(philox(seed, epoch, row, 0, PURPOSE_CONFORMER, 1)[0]) * count >> 32
