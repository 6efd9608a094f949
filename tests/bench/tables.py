"""What run.py found, as tables in Markdown."""

from statistics import median

import goals
from measure import percentile


def table(title, header, rows):
    if not rows:
        return
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")


def number(value, digits=3):
    return f"{value:.{digits}g}" if value < 1000 else f"{value:.0f}"


def print_head(found):
    molrt, sizes, lengths = found["engines"]["molrt"], found["sizes"], found["lengths"]
    print(f"molrt {found['commit']}: {sizes['layers']} layers x {sizes['width']}, {len(lengths)} molecules "
          f"of {found['table']}, {sum(lengths) / len(lengths):.1f} tokens each, {molrt['threads']} threads, "
          f"{found['rounds']} rounds\non {found['cpu']}, oneDNN {molrt['onednn']}")
    for name, hello in found["engines"].items():
        if name != "molrt":
            print(f"{name}: {', '.join(f'{key} {value}' for key, value in hello.items() if key != 'engine')}")


def print_foot(found):
    noise = found["noise"]
    if noise:
        print(f"\nother processes took {median(noise):.0%} of the cores in the median measurement, {max(noise):.0%} "
              "in the worst", end="")
    for name, reason in found["absent"].items():
        print(f"\nleft out: {name}: {reason}", end="")
    print()


# ---- throughput


def precision(name):
    """Of an arm: its second word."""
    return name.split()[1]


def times(found, name):
    return found["throughput"][name][found["clock"]]


def rate(found, name):
    return len(found["lengths"]) / median(times(found, name))


def share(found, name):
    """Of the limit of what its products read; split's are f32 products in the end. Round by round."""
    limit = "limit bf16" if precision(name) == "bf16" else "limit f32"
    if limit not in found["throughput"]:
        return None
    pairs = zip(times(found, limit), times(found, name))
    return median(a / b for a, b in pairs)


def ratio(found, name, other):
    pairs = zip(times(found, other), times(found, name))
    each = [a / b for a, b in pairs]
    return median(each), min(each), max(each)


def print_throughput(found):
    rows = []
    for name, arm in found["throughput"].items():
        own = name.startswith("molrt")
        part = share(found, name)
        rows.append([name + (f" ({arm['note']})" if arm["note"] else ""), number(rate(found, name)),
                     number(len(found["lengths"]) / min(times(found, name))),
                     "" if part is None else f"{part:.2f}",
                     goals.OF_LIMIT.get(precision(name), "") if own else ""])
    table("Molecules/s, the network alone" + (", by processors' time" if found["clock"] == "cpu" else ""),
          ["", "median", "best", "of the limit", "goal"], rows)
    print_ratios(found)


def best_of(found, beginning):
    """The arm of a peer with the better batch size, or None."""
    arms = [name for name in found["throughput"] if name.startswith(beginning)]
    return max(arms, key=lambda name: rate(found, name), default=None)


def judge(found, peer):
    """None, or why comparisons with the peer do not count."""
    best = best_of(found, f"{peer} sorted")
    if any(found["sizes"][key] != value for key, value in goals.OFFICIAL.items()):
        return "no: not the official sizes"
    limits = {p: rate(found, f"limit {p}") for p in ("f32", "bf16") if f"limit {p}" in found["throughput"]}
    if precision(peer) not in limits:
        return "no: no limit"
    expected = goals.expected_share(peer, limits)
    if goals.is_void(peer, share(found, best), limits):
        return f"void: at {share(found, best):.2f} of the limit, {expected:.2f} is known of it"
    return None


def print_ratios(found):
    rows = []
    own = [name for name in found["throughput"] if name.startswith("molrt")]
    for name in own:
        if name != "molrt f32":
            goal = goals.OVER_OWN_F32.get(precision(name), "")
            rows.append([name, "molrt f32", *ratio_cells(found, name, "molrt f32"), goal])
        for peer in goals.KNOWN_SHARE:
            for kind in ("sorted", "as it comes"):
                rows += ratio_row(found, name, peer, kind)
    table("Times as fast, round by round", ["", "as", "median", "least to most", "goal"], rows)


def ratio_cells(found, name, other):
    middle, least, most = ratio(found, name, other)
    return [f"{middle:.2f}", f"{least:.2f} to {most:.2f}"]


def ratio_row(found, name, peer, kind):
    best = best_of(found, f"{peer} {kind}")
    if best is None:
        return []
    void = judge(found, peer)
    cells = [void, ""] if void else ratio_cells(found, name, best)
    return [[name, best, *cells, goals.OVER_PEER.get((precision(name), f"{peer} {kind}"), "")]]


# ---- the other sections


def print_agreement(found):
    rows = []
    for name, off in found["agreement"].items():
        rms, largest = goals.AGREEMENT[precision(name)]
        rows.append([name, f"{off['rms']:.2g}", rms, f"{off['largest']:.2g}", largest])
    table("Differences from molrt f32, in standard deviations over the molecules",
          ["", "rms", "at most", "largest", "at most"], rows)


def disagreements(found):
    """How many engines are farther from molrt than their precision explains."""
    bad = [name for name, off in found.get("agreement", {}).items()
           if not all(off[key] <= most
                      for key, most in zip(("rms", "largest"), goals.AGREEMENT[precision(name)]))]
    for name in bad:
        print(f"{name} does not agree with molrt f32")
    return len(bad)


def print_latency(found):
    arms, rows = found["latency"], []
    for name, arm in arms.items():
        limit = arms.get("limit bf16" if precision(name) == "bf16" else "limit f32")
        over = median(arm["seconds"]) / median(limit["seconds"]) if limit else None
        rows.append([name, f"{1e3 * median(arm['seconds']):.2f}", f"{1e3 * percentile(arm['seconds'], .99):.2f}",
                     f"{over:.2f}" if over else "", goals.LATENCY_OVER_LIMIT if name.startswith("molrt") else ""])
    table(f"Latency of one molecule of {found['latency_tokens']} tokens, ms",
          ["", "median", "p99", "times the limit", "goal"], rows)


def print_training(found):
    arms, batch, clock = found["training"], found["training_batch"], found["clock"]
    rows = []
    for name, arm in arms.items():
        own = name.startswith("molrt")
        over = [a / b for a, b in zip(arms["torch f32"][clock], arm[clock])] if "torch f32" in arms else []
        rows.append([name, f"{median(arm[clock]):.2f}", f"{batch / median(arm[clock]):.1f}",
                     f"{median(over):.2f}" if over else "",
                     goals.STEP_OVER_TORCH.get(precision(name), "") if own else "",
                     f"{arm['peak'] / 1e9:.2f}", f"{goals.STEP_BYTES / 1e9}" if own else ""])
    table(f"A fine-tuning step of all parameters, Adam, dropout, {batch} molecules",
          ["", "seconds", "molecules/s", "times torch f32", "goal", "peak, GB", "goal"], rows)


def print_processes(found):
    rows = [[name, f"{median(p['seconds']):.2f}", f"{p['first'] / 1e6:.0f}", f"{p['peak'] / 1e6:.0f}"]
            for name, p in found["processes"].items()]
    table("A process: start to the first answer, and its memory",
          ["", "start, s", "peak after one molecule, MB", "peak after all (peers: by 32, as they come), MB"], rows)


def print_command(found):
    c = found["command"]
    one = {key: median(run[key] for run in c["one"]) for key in ("seconds", "peak")}
    cpu = {key: median(run["cpu"] for run in c[key]) for key in ("cold", "rdkit", "network")}
    busy = median(run["cpu"] / run["seconds"] for run in c["cold"])
    table("molrt embed", ["", "", "goal"], [
        ["one molecule, s", f"{one['seconds']:.2f}", goals.START_SECONDS],
        ["its peak memory, times the file", f"{one['peak'] / c['weights']:.2f}", goals.RESIDENT_OVER_WEIGHTS],
        ["SMILES to representations, times RDKit and network alone, of CPU",
         f"{cpu['cold'] / (cpu['rdkit'] + cpu['network']):.2f}", goals.COLD_OVER_PARTS],
        ["of which RDKit", f"{cpu['rdkit'] / cpu['cold']:.2f}", ""],
        ["cores busy", f"{busy:.2f}", found["engines"]["molrt"]["threads"]]])


PRINT = {"throughput": print_throughput, "agreement": print_agreement, "latency": print_latency,
         "training": print_training, "processes": print_processes, "command": print_command}
