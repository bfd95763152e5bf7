"""SCALING.md, from the measurements of scaling.py."""

import os

from .scaling_model import Network

RANKS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
NETWORKS = {"1 Gb/s Ethernet": (30e-6, 117e6), "10 Gb/s Ethernet": (15e-6, 1.17e9), "100 Gb/s InfiniBand": (2e-6, 12e9)}
"""Seconds one way, MPI's own included, and bytes a second."""

TEXT = """# Scaling over processes and hosts

Written by `Benchmarks/scaling.py`; every figure is of whole training runs. With several ranks the model is the same bytes as
with one, whatever stands here.

{machine}

## Processes against threads, one machine

Bundled sample, batch 128: images a second of training, median over the epochs of {rounds} runs that took turns (quartiles),
and the best epoch, which other programs disturbed least. Load of the machine when it ended: {load:.1f}, of which the runs
themselves are 2.

{local}

## Two hosts, a slow link between them

Two network namespaces with one rank of one thread each, joined by a link of limited rate and added delay
(`support/link.py`): a round trip of one byte and the rate of a long message as TCP programs on it see them, then the step
of training at batch 128 in milliseconds, beside the step of the same two ranks over shared memory in the same minute.

{links}

*Predicted* is `local + D·(t/2 + o) + V/B`: t and B are the link's measured round trip and rate; D counts the one-way trips
that follow one another in a step, V the bytes, both from the code and not from the measurement; only o, what MPI and TCP
add to a trip, is fitted, once for all rows: **{overhead:.0f} µs**. *Sent* is what the devices counted, headers, start and
validation included. The median error is {median:.0f} %, the largest {largest:.0f} %.

What a step exchanges (D and V of two ranks):

{exchanges}

## Ways of adding up

Between two ranks, milliseconds of one sum over a gradient of so many bytes (`support/exchange.c`), nothing else being done:
the *chain*, which training uses; the library's *all-reduce* of each rank's own sum, whose order, and so whose bits, change
with the number of ranks; and *shards*, each of the 16 shards' gradients sent to the rank that adds up a slice of it.

{ways}

{choice}

## A model up to 1,024 ranks

T(R) = c·N·⌈S/R⌉/S + w·N + u + Σ sums [⌈log₂R⌉·α + S·b·(R−1)/R/β] + Σ gathered [⌈log₂R⌉·α + 4·N·f·(R−1)/R/β]
+ ⌈log₂R⌉·α + 2·[(R−1)·(α + l/β) + (P−l)/β]

- N images a step in S shards over R ranks; α seconds a trip and β bytes a second of the network.
- c: seconds an image on one rank ({threads} threads of this machine); w: of dense layers over blocks of weights, which every
  rank computes for the whole batch; u: a step's work that every rank does (optimizer, weights prepared). Their shares are
  `trainer profile`'s, the step is given (QUIET_STEPS in scaling.py), the fastest that was seen when this was
  written: 10,361 images/s of the default network and 3,926 of the reference network, 0.743 s of ResNet-18. RESULTS.md has later ones.
- b: bytes a shard of each exchange of sums (batch-norm's moments and gradient sums; the loss rides along); f: floats an
  image that are gathered for a dense layer over blocks of weights.
- The last two terms: agreeing on whether to stop; the gradient of P bytes along the chain and back, in links of l = 32 KiB.

Assumed: ranks are hosts like this machine, each alone on its link, links full duplex and not blocking one another;
collectives take ⌈log₂R⌉ rounds; data is local; validation is not counted. The term of the chain grows with R where a library's
all-reduce would grow with log₂R: it is what sums in a fixed order cost.

{constants}

Efficiency is T(1)/T(R) where each rank has as many images as one had (weak scaling: the batch grows, shards are 2·R or 16 if
that is more), and T(1)/(R·T(R)) where the batch stays (strong scaling: batch 1,024, 1,024 shards).

{efficiencies}

What follows:

{conclusions}
"""


def table(header, rows, left=1):
    line = "| " + " | ".join(header) + " |\n|" + "|".join([":--"] * left + ["--:"] * (len(header) - left)) + "|\n"
    return line + "".join("| " + " | ".join(row) + " |\n" for row in rows).rstrip("\n")


def local(results):
    rows = []
    for name, cases in results["local"]["networks"].items():
        base = next(c for c in cases if (c["ranks"], c["threads"]) == (1, 2))
        for case in cases:
            low, high = (3500 / second for second in reversed(case["quartiles"]))
            rows.append([name, str(case["ranks"]), str(case["threads"]),
                         f"{3500 / case['seconds']:,.0f} ({low:,.0f}–{high:,.0f})",
                         f"{base['seconds'] / case['seconds']:.3f}", f"{3500 / case['best']:,.0f}",
                         f"{base['best'] / case['best']:.3f}"])
    return table(["network", "ranks", "threads a rank", "median", "to 1 rank of 2 threads", "best", "to 1 rank of 2 threads"],
                 rows)


def links(results):
    """The table, the overhead fitted, and the errors."""
    networks = {name: Network(**values) for name, values in results["networks"].items()}
    points = results["links"]

    def parts(point):
        network = networks[point["network"]]
        return (network.delays_between_two(128), network.bytes_between_two(128))

    # Least squares of one unknown: residual = D·o, each weighted by the step's size.
    above = below = 0.0
    for point in points:
        trips, volume = parts(point)
        residual = point["step"] - point["localStep"] - trips * point["roundTrip"] / 2 - volume / point["bytesPerSecond"]
        above += residual * trips / point["step"] ** 2
        below += (trips / point["step"]) ** 2
    overhead = above / below
    rows, errors = [], []
    for point in points:
        trips, volume = parts(point)
        predicted = point["localStep"] + trips * (point["roundTrip"] / 2 + overhead) + volume / point["bytesPerSecond"]
        errors.append(abs(predicted / point["step"] - 1))
        rows.append([point["network"], f"{point['megabits']:,} Mb/s + {point['milliseconds']} ms",
                     f"{1e3 * point['roundTrip']:.2f} ms", f"{point['bytesPerSecond'] / 1e6:.1f} MB/s",
                     f"{max(point['sent']) / 1024:,.0f} KiB", f"{1e3 * point['localStep']:.1f}", f"{1e3 * point['step']:.1f}",
                     f"{1e3 * predicted:.1f}", f"{100 * (predicted / point['step'] - 1):+.0f} %"])
    header = ["network", "link", "round trip", "rate", "sent a step, most", "local", "measured", "predicted", "error"]
    return table(header, rows, 2), overhead, sorted(errors)


def ways(results):
    cells = {}
    for row in results["exchange"]:
        cells.setdefault((row["where"], row["bytes"]), {})[row["way"]] = row["microseconds"] / 1e3
    rows = [[where, f"{size / 1024:,.0f} KiB", *(f"{found[way]:,.2f}" for way in ("chain", "allreduce", "shards")),
             f"{found['chain'] / found['allreduce']:.2f}"] for (where, size), found in cells.items()]
    return table(["between", "gradient", "chain", "all-reduce", "shards", "chain to all-reduce"], rows)


def notes(path):
    """The sentences on what was found, by name: `# name` above each part of scaling_notes.md."""
    parts = {}
    with open(os.path.join(os.path.dirname(path), "support", "scaling_notes.md"), encoding="utf-8") as file:
        for part in file.read().split("# ")[1:]:
            name, _, text = part.partition("\n")
            parts[name.strip()] = text.strip()
    return parts


def exchanges(results):
    rows = []
    for name, values in results["networks"].items():
        network = Network(**values)
        rows.append([name, f"{network.parameters:,}", f"{len(network.sums)}", f"{sum(network.sums):,}",
                     f"{network.chain / 1024:,.0f} KiB", f"{4 * network.batch * sum(network.gathered) / 1024:,.0f} KiB",
                     f"{network.delays_between_two(network.batch)}",
                     f"{network.bytes_between_two(network.batch) / 1024:,.0f} KiB"])
    return table(["network", "parameters", "exchanges of sums", "their bytes a shard", "gradient on the chain",
                  "gathered a batch", "D", "V"], rows)


def constants(results):
    rows = []
    for name, values in results["networks"].items():
        network = Network(**values)
        rows.append([name, f"{network.batch}", f"{1e6 * network.image:,.1f} µs", f"{1e6 * network.whole:,.1f} µs",
                     f"{1e6 * network.step:,.0f} µs"])
    return table(["network", "images a rank", "c", "w", "u"], rows)


def efficiencies(results):
    text = []
    for title, weak in (("Weak scaling", True), ("Strong scaling, batch 1,024", False)):
        rows = []
        for name, values in results["networks"].items():
            network = Network(**values)
            for wire, (latency, rate) in NETWORKS.items():
                cells = []
                for ranks in RANKS:
                    batch, shards = (network.batch * ranks, max(16, 2 * ranks)) if weak else (1024, 1024)
                    time = network.seconds(ranks, batch, shards, latency, rate)
                    if weak:
                        base = network.seconds(1, network.batch, 16, latency, rate)
                        cells.append(f"{100 * base / time:.0f}")
                    else:
                        base = network.seconds(1, batch, shards, latency, rate)
                        cells.append(f"{100 * base / time / ranks:.0f}")
                rows.append([name, wire, *cells])
        text.append(f"### {title}: efficiency in per cent\n\n"
                    + table(["network", "wire", *map(str, RANKS)], rows, 2))
    return "\n\n".join(text)


def write(path, results):
    """Writes the page where all measurements are there."""
    if not all(part in results for part in ("local", "links", "exchange", "networks")):
        print("SCALING.md is written once local, links, exchange and networks have been measured")
        return
    rows, overhead, errors = links(results)
    found = results["machine"]
    described = table(["", ""], [
        ["processor", f"{found['processor']}, {found['cpus']} CPUs used"], ["system", found["system"]],
        ["Swift", found["swift"]], ["MPI", results.get("library", "Open MPI")], ["commit", str(found.get("commit"))],
        ["date", str(found.get("date"))]], 2)
    text = TEXT.format(
        machine=described, rounds=results["local"]["rounds"], load=results["local"]["load"], local=local(results), links=rows, overhead=1e6 * overhead,
        median=100 * errors[len(errors) // 2], largest=100 * errors[-1], exchanges=exchanges(results), threads=2,
        constants=constants(results), efficiencies=efficiencies(results), ways=ways(results), **notes(path))
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
