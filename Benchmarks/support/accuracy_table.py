"""The figures of recipes, kept as JSON and shown as Markdown."""

import json
import math
import os
import statistics


def _student(value, freedom):
    """P(|t| < value) of Student's t, by Simpson's rule on its density."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    steps = 2000
    width = value / steps
    total = 0.0
    for index in range(steps + 1):
        weight = 1 if index in (0, steps) else 4 if index % 2 else 2
        total += weight * (1 + (index * width) ** 2 / freedom) ** (-(freedom + 1) / 2)
    return 2 * scale * total * width / 3


def quantile(freedom, level=0.95):
    """The value that |t| stays below with probability `level`: 2.776 for 4 degrees of freedom and 95 %."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _student(middle, freedom) < level else (low, middle)
    return (low + high) / 2


def interval(values):
    """Mean, standard deviation (n − 1) and half the 95 % interval of the mean, by Student's t; zero for one value."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return mean, 0.0, 0.0
    deviation = statistics.stdev(values)
    return mean, deviation, quantile(len(values) - 1) * deviation / math.sqrt(len(values))


def wilson(errors, count):
    """95 % interval of an accuracy, in per cent."""
    z, p = 1.959964, 1 - errors / count
    centre = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return 100 * (centre - half), 100 * (centre + half)


class Store:
    """`accuracy.json`: rows by name."""

    def __init__(self, path):
        self.path = path
        self.rows = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.rows = json.load(file)

    def row(self, name):
        return self.rows.get(name, {})

    def put(self, name, row, output):
        self.rows[name] = row
        temporary = self.path + ".new"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self._portable(self.rows), file, indent=1)
            file.write("\n")
        os.replace(temporary, self.path)
        with open(output, "w", encoding="utf-8") as file:
            file.write(markdown(self.rows))

    def _portable(self, value):
        """Without the folders of the machine."""
        if isinstance(value, dict):
            return {key: self._portable(part) for key, part in value.items() if key != "folder"}
        if isinstance(value, list):
            return [self._portable(part) for part in value]
        return value


def _summary(runs):
    accuracies = [100 * run["accuracy"] for run in runs]
    mean, deviation, half = interval(accuracies)
    return mean, deviation, half, statistics.mean(run["seconds"] for run in runs)


def _seeds(runs):
    return ", ".join(str(run["seed"]) for run in runs)


def _commit(row):
    """The commit in short; a modified tree is said to be one, and where other commits trained what this one tested."""
    def short(commit):
        return commit[:9] + (", modified" if "modified" in commit else "")

    trained = sorted({short(run["trainedBy"]) for run in row["runs"] if run.get("trainedBy")})
    return short(row["machine"]["commit"]) + (f"; trained by {', '.join(trained)}" if trained else "")


def _threads(runs, row):
    """A note where runs had another number of threads than the recipe's first."""
    threads = sorted({run["threads"] for run in runs})
    return "" if threads == [row["runs"][0]["threads"]] else (
        f" ({' or '.join(map(str, threads))} thread{'s' if threads != [1] else ''})")


def _robustness(rows):
    """Mean areas on spoilt images, where they were measured."""
    rows = {name: row["robustness"] for name, row in rows.items() if row.get("robustness")}
    if not rows:
        return []
    kinds = list(next(iter(rows.values()))[0]["areas"])
    lines = ["", "## On spoilt images", "",
             "`trainer evaluate --robustness`: mean accuracy over the strengths of each kind, %, mean of the seeds. The first seven are "
             "graded; the others are MNIST-C's (Mu and Gilmer 2019) beyond those, by this project's own generator, and no recipe "
             "here was trained on them.", "",
             "| | " + " | ".join(f"`{name}`" for name in rows) + " |", "|---|" + "--:|" * len(rows)]
    for title, key in (("**mean of the graded**", "graded"), ("**mean of MNIST-C's**", "mnistC")):
        cells = []
        for found in rows.values():
            mean, deviation, _ = interval([100 * one[key] for one in found])
            cells.append(f"**{mean:.2f}** ± {deviation:.2f}")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    for kind in kinds:
        lines.append(f"| {kind} | " + " | ".join(
            f"{100 * statistics.mean(one['areas'][kind] for one in found):.2f}" for found in rows.values()) + " |")
    return lines


def markdown(rows):
    lines = [
        "# Accuracy", "",
        "Written by `Benchmarks/accuracy.py`; figures by seed in `accuracy.json`. Accuracy on the test set, looked at once "
        "a run, after the last epoch; the interval is of the mean over seeds (Student's t, 95 %). Seconds are of training "
        "(steps, augmentation, statistics), one run. Multiply-adds are of one image forward; a training image costs about "
        "three times as many. Reference: images a second of `config/reference.json` in training on that machine, that hour; seconds of "
        "two machines compare by it. Tried: configurations tried, on validation images, before this one was chosen.", "",
        "| recipe | data | seeds | accuracy %: mean | st. dev. | 95 % interval | by seed | seconds | epochs | multiply-adds "
        "| parameters | reference | tried | commit |",
        "|---|---|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name, row in rows.items():
        runs = row["runs"]
        mean, deviation, half, seconds = _summary(runs)
        first = runs[0]
        by_seed = " ".join(f"{100 * run['accuracy']:.2f}" for run in runs)
        reference = f"{row['referenceImagesPerSecond']:,.0f}" if row.get("referenceImagesPerSecond") else "–"
        tried = row.get("tried") or "–"
        data = first["dataset"] + ("" if first["source"] == "full" else ", SAMPLE")
        note = f", {first['views']} views" if first.get("views", 1) > 1 else ""
        lines.append(
            f"| `{name}`{note} | {data} | {len(runs)} | **{mean:.3f}** | {deviation:.3f} | {mean - half:.3f}–{mean + half:.3f} "
            f"| {by_seed} | {seconds:.1f}{_threads(runs, row)} | {first['epochs']} | {row['multiplyAdds'] / 1e6:.2f} M | {row['parameters']:,} "
            f"| {reference} | {tried} | {_commit(row)} |")
        for found in row.get("ensembles", []):
            low, high = wilson(found["errors"], found["count"])
            lines.append(
                f"| `{name}`, {len(found['members'])} together | {data} | 1 | **{100 * found['accuracy']:.2f}** | "
                f"| {low:.2f}–{high:.2f} (Wilson) | {found['errors']} wrong | {found['seconds']:.1f} | | "
                f"{len(found['members']) * row['multiplyAdds'] / 1e6:.2f} M | {found['parameters']:,} | | "
                f"| {_commit(row)} |")
    lines += _robustness(rows)
    for name, row in rows.items():
        if not row.get("ablation"):
            continue
        runs = row.get("ablationBase", row["runs"])
        whole = _summary(runs)
        lines += ["", f"## `{name}` without one ingredient", "",
                  f"The difference is paired by seed, to the recipe's runs with seeds {_seeds(runs)}; its interval is 95 %, Student's "
                  "t, from three pairs on.", "",
                  "| without | seeds | accuracy %: mean | st. dev. | difference | 95 % interval | seconds |",
                  "|---|--:|--:|--:|--:|--:|--:|",
                  f"| (whole recipe) | {len(runs)} | **{whole[0]:.3f}** | {whole[1]:.3f} | | | {whole[3]:.1f} |"]
        base = {run["seed"]: run["accuracy"] for run in runs}
        for ingredient, runs in row["ablation"].items():
            mean, deviation, _, seconds = _summary(runs)
            pairs = [100 * (run["accuracy"] - base[run["seed"]]) for run in runs if run["seed"] in base]
            difference, _, half = interval(pairs)
            # Two pairs may agree by chance: they have no interval worth printing.
            between = f"{difference - half:+.3f} to {difference + half:+.3f}" if len(pairs) > 2 else "–"
            lines.append(f"| {ingredient} | {len(runs)} | {mean:.3f} | {deviation:.3f} | {difference:+.3f} "
                         f"| {between} | {seconds:.1f}{_threads(runs, row)} |")
    machines = {row["machine"]["processor"] + f", {row['runs'][0]['threads']} threads" for row in rows.values()}
    lines += ["", "Machine: " + "; ".join(sorted(machines)) + "."]
    for name, row in rows.items():
        lines.append(f"\n`{name}`: `{row['command']}`")
    return "\n".join(lines) + "\n"
