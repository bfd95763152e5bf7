"""RESULTS.md: sections that each script replaces without touching the other's, and the tables of compare.py."""

import os
import statistics

HEADER = "# Results\n\nWritten by `Benchmarks/compare.py`, `Benchmarks/roofline.py` and `Benchmarks/growth.py`; each replaces its own section.\n"
ORDER = ["peers", "peers-avx2", "roofline", "growth"]


def replace_section(path, name, text):
    """Puts `text` in the place of section `name` of the file, made where it is missing."""
    try:
        with open(path, encoding="utf-8") as file:
            old = file.read()
    except FileNotFoundError:
        old = ""
    parts = {}
    for part in ORDER:
        begin, end = f"<!-- {part} begin -->\n", f"<!-- {part} end -->\n"
        if begin in old and end in old:
            parts[part] = old.split(begin, 1)[1].split(end, 1)[0]
    parts[name] = text.rstrip() + "\n"
    whole = HEADER + "".join(f"\n<!-- {part} begin -->\n{parts[part]}<!-- {part} end -->\n"
                             for part in ORDER if part in parts)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(whole)
    os.replace(path + ".new", path)


def number(value):
    """Images/s with three significant figures or all of the integer's."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def cell(values):
    """Median (least–greatest) of a cell's rounds."""
    if not values:
        return "failed"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}–{number(max(values))})"


def ratio(ours, peers):
    """Of medians, to the fastest peer: (name, ratio, least, greatest over the rounds); None without both."""
    peers = {name: rounds for name, rounds in peers.items() if rounds}
    if not ours or not peers:
        return None
    fastest = max(peers, key=lambda name: statistics.median(rounds_values(peers[name])))
    value = statistics.median(rounds_values(ours)) / statistics.median(rounds_values(peers[fastest]))
    common = [ours[index] / max(rounds[index] for rounds in peers.values() if index in rounds)
              for index in ours if any(index in rounds for rounds in peers.values())]
    return fastest, value, min(common, default=value), max(common, default=value)


def rounds_values(rounds):
    return list(rounds.values())


def ratios(results):
    """For each (mode, batch, threads) measured: `ratio`'s answer."""
    found = {}
    for key in sorted({key[1:] for key in results}):
        peers = {name: rounds for (name, *rest), rounds in results.items() if tuple(rest) == key and name != "numeral"}
        found[key] = ratio(results.get(("numeral", *key)), peers)
    return found


def throughput_tables(results, titles):
    """`results`: {(competitor, mode, batch, threads): {round: images/s}}."""
    lines = []
    all_ratios = ratios(results)
    for mode, title in (("training", "Training"), ("inference", "Inference"), ("int8", "Inference in int8")):
        cells = [key for key in all_ratios if key[0] == mode]
        if not cells:
            continue
        names = [name for name in titles if any((name, *key) in results for key in cells)]
        lines += [f"### {title}, images/s", "",
                  "| batch | threads | " + " | ".join(titles[name] for name in names) + " | Numeral / fastest peer |",
                  "|--:|--:|" + "--:|" * (len(names) + 1)]
        for key in cells:
            found = all_ratios[key]
            last = "–" if found is None else (
                f"**{found[1]:.2f}** ({found[2]:.2f}–{found[3]:.2f}) {titles[found[0]]}")
            row = [cell(rounds_values(results[(name, *key)])) if (name, *key) in results else "–" for name in names]
            lines.append(f"| {key[1]} | {key[2]} | " + " | ".join(row) + f" | {last} |")
        lines.append("")
    return "\n".join(lines)


def settings_table(chosen, probes, titles):
    """`chosen`: {(peer, mode, batch, threads): setting}; `probes`: {(…, setting): images/s or an error's text}."""
    lines = ["| peer | mode | batch | threads | setting used | probed, images/s |", "|---|---|--:|--:|---|---|"]
    order = list(titles)
    for key in sorted(chosen, key=lambda key: (key[1] != "training", order.index(key[0]), *key[2:])):
        tried = []
        for (*place, setting), value in probes.items():
            if tuple(place) == key:
                tried.append(f"{setting}: {value if isinstance(value, str) else number(value)}")
        lines.append(f"| {titles[key[0]]} | {key[1]} | {key[2]} | {key[3]} | {chosen[key]} | {'; '.join(tried)} |")
    return "\n".join(lines)
