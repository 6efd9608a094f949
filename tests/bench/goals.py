"""What is aimed at (the numbers of performance.md) and when a comparison counts."""

# Of the limit, where molrt is measured by it; times its own f32; times the peers.
OF_LIMIT = {"f32": 0.90, "bf16": 0.65}
OVER_OWN_F32 = {"split": 1.7}
LATENCY_OVER_LIMIT = 1.15
STEP_OVER_TORCH = {"f32": 4, "bf16": 12}
STEP_BYTES = 1.5e9
START_SECONDS = 0.25
RESIDENT_OVER_WEIGHTS = 1.3
COLD_OVER_PARTS = 1.1
OVER_PEER = {("f32", "ort f32 sorted"): 1.7, ("bf16", "torch bf16 sorted"): 3.3,
             ("bf16", "torch bf16 as it comes"): 10}

# Differences from molrt's f32, in standard deviations over the molecules: rms, which is the goal for
# split, and largest of all numbers.
AGREEMENT = {"f32": (1e-4, 1e-3), "split": (1e-4, 1e-3), "bf16": (0.1, 0.25)}

# What peers reached of the limit on a machine with AMX, sorted, full size.
KNOWN_SHARE = {"ort f32": 0.54, "torch f32": 0.40, "torch bf16": 0.20}
KNOWN_BF16_OVER_F32 = 525 / 105  # of the limits there
OFFICIAL = {"layers": 15, "width": 512}


def expected_share(peer, limits):
    """Of the limit of this machine. A bf16 peer's time is products, and other work that no faster bf16
    product shortens: that work is taken to be as many times the f32 limit's time as it was there."""
    known = KNOWN_SHARE[peer]
    if not peer.endswith("bf16"):
        return known
    other = (1 / known - 1) / KNOWN_BF16_OVER_F32
    return 1 / (1 + other * limits["bf16"] / limits["f32"])


def is_void(peer, share, limits):
    """More than a fifth below what the peer is known for: it was not measured at its best."""
    return share < 0.8 * expected_share(peer, limits)
