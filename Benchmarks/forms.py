#!/usr/bin/env python3
"""Filled-in forms to try `trainer forms` on, and what came of them.

    python3 Benchmarks/forms.py generate OUT --mnist DIR --part odd --count 700 --seed 1
    python3 Benchmarks/forms.py score OUT/truth.csv RESULTS…
    python3 Benchmarks/forms.py peers OUT/truth.csv RESULTS…            beside Tesseract, RapidOCR and ddddocr
    python3 Benchmarks/forms.py answers OUT/truth.csv RESULTS FILE      what a person would key

`generate` draws three layouts (order: boxes and a sum; survey: writing on lines, ticks; transfer: boxes apart, long checked
numbers), fills them with digits of MNIST's test split (`--part even` for calibration, `odd` for what is set aside: no digit is in
both), and makes scans of them: turned by up to 10 degrees or upside down, perspective, margins cut, uneven light, blur, noise, JPEG,
stamps over fields. It writes OUT/NAME.json (templates, written by hand from the drawing), OUT/NAME-blank.png, OUT/scans/NAME/*.jpg
and OUT/truth.csv. It shares no code with the engine. Needs numpy, pillow and opencv-python-headless.
"""
import argparse, csv, json, math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import canvases

W, H = 1240, 1754  # A4 at 150 dpi


def mnist(folder, part):
    images, labels = canvases.digits(Path(folder), "test")
    keep = {"even": slice(0, None, 2), "odd": slice(1, None, 2), "all": slice(None)}[part]
    images, labels = images[keep], labels[keep]
    return [images[labels == d] for d in range(10)]


# ---- layouts -------------------------------------------------------------------------------------------------------

class Sheet:
    """A layout while it is drawn: the blank page and its template."""

    def __init__(self, name):
        import cv2
        self.cv2, self.name = cv2, name
        self.page = np.full((H, W), 255, np.uint8)
        self.fields, self.places, self.checks, self.marks, self.lines = [], {}, [], [], []

    def text(self, x, y, words, size=0.7):
        self.cv2.putText(self.page, words, (x, y), self.cv2.FONT_HERSHEY_SIMPLEX, size, 40, 1, self.cv2.LINE_AA)

    def rectangle(self, x, y, w, h, shade=60, thickness=2):
        self.cv2.rectangle(self.page, (x, y), (x + w, y + h), shade, thickness, self.cv2.LINE_AA)

    def mark(self, x, y, size=30):
        self.page[y:y + size, x:x + size] = 0
        self.marks.append([x, y, size, size])

    def boxes(self, name, label, x, y, count, kind=None, cell=(52, 60), gap=0, **options):
        self.text(x, y - 12, label)
        cells = [(x + i * (cell[0] + gap), y, cell[0], cell[1]) for i in range(count)]
        for c in cells:
            self.rectangle(*c)
        box = [x, y, cells[-1][0] + cell[0] - x, cell[1]]
        field = dict(name=name, type=kind or "boxes", box=box)
        field["cells"] = [list(c) for c in cells] if gap else count
        self.fields.append({**field, **options})
        self.places[name] = cells

    def line(self, name, label, x, y, width, height=70, kind=None, **options):
        self.text(x, y - 8, label)
        self.cv2.line(self.page, (x, y + height), (x + width, y + height), 70, 2, self.cv2.LINE_AA)
        self.lines.append([x, y + height, x + width, y + height])
        self.fields.append(dict(name=name, type=kind or "digits", box=[x, y, width, height], **options))
        self.places[name] = (x, y, width, height)

    def choice(self, name, label, x, y, values, step=230, **options):
        self.text(x, y - 12, label)
        boxes = []
        for i, value in enumerate(values):
            box = (x + i * step, y, 34, 34)
            self.rectangle(*box)
            self.text(box[0] + 48, y + 26, value)
            boxes.append(dict(value=value, box=list(box)))
        self.fields.append(dict(name=name, type="choice", options=boxes, **options))
        self.places[name] = [tuple(b["box"]) for b in boxes]

    def template(self):
        page = dict(width=W, height=H, marks=self.marks, lines=self.lines, fields=self.fields)
        return dict(name=self.name, pages=[page], checks=self.checks)


def order():
    s = Sheet("order")
    s.text(80, 120, "ORDER FORM", 1.4)
    s.text(80, 165, "Please write one digit in each box.")
    s.boxes("customer", "Customer number", 80, 240, 8, checks=[dict(type="luhn")])
    s.boxes("date", "Date (DDMMYYYY)", 640, 240, 8, kind="date", format="DDMMYYYY", **{"from": "2000-01-01", "to": "2029-12-31"})
    s.boxes("postcode", "Postcode", 80, 390, 5, checks=[dict(type="range", **{"from": 1000, "to": 99999})])
    s.choice("delivery", "Delivery", 640, 400, ["post", "courier"])
    y = 560
    for i in range(4):
        s.boxes(f"article{i + 1}", f"Article {i + 1}", 80, y, 6, checks=[dict(type="mod11", highest=7)])
        s.boxes(f"amount{i + 1}", "Amount", 640, y, 5)
        y += 130
    s.boxes("total", "Total", 588, y + 30, 6)
    s.checks.append(dict(type="sum", total="total", of=[f"amount{i + 1}" for i in range(4)]))
    s.text(80, 1500, "Signature")
    s.cv2.line(s.page, (80, 1600), (560, 1600), 70, 2, s.cv2.LINE_AA)
    return s


def survey():
    s = Sheet("survey")
    for x, y in ((50, 50), (W - 80, 50), (50, H - 80)):
        s.mark(x, y)
    s.text(140, 120, "SURVEY", 1.4)
    s.text(140, 165, "Write on the lines, tick what fits.")
    s.line("id", "Number of this sheet", 140, 240, 420, length=[7, 7], checks=[dict(type="mod11", highest=7)])
    s.line("year", "Year of birth", 720, 240, 300, length=[4, 4], checks=[dict(type="range", **{"from": 1920, "to": 2010})])
    s.line("persons", "Persons in the household", 140, 420, 200, length=[1, 2], checks=[dict(type="range", **{"from": 1, "to": 20})])
    s.line("rent", "Rent a month", 720, 420, 300, length=[3, 4], checks=[dict(type="range", **{"from": 100, "to": 3999})])
    s.choice("q1", "Do you own a car?", 140, 600, ["yes", "no"])
    s.choice("q2", "Do you own a bicycle?", 720, 600, ["yes", "no"])
    s.choice("q3", "How do you go to work?", 140, 740, ["on foot", "by bicycle", "by bus", "by car"])
    s.choice("q4", "How far?", 140, 880, ["under 1 km", "1 to 5", "5 to 20", "further"])
    s.line("minutes", "Minutes to work", 140, 1020, 240, length=[1, 3], checks=[dict(type="range", **{"from": 1, "to": 240})])
    s.line("phone", "Telephone", 560, 1020, 520, length=[8, 8], checks=[dict(type="luhn")])
    s.line("interviewed", "Date (DDMMYYYY)", 140, 1200, 460, kind="date", format="DDMMYYYY", **{"from": "2020-01-01", "to": "2029-12-31"})
    s.text(140, 1500, "Thank you.")
    return s


def transfer():
    s = Sheet("transfer")
    s.text(80, 110, "TRANSFER", 1.4)
    s.rectangle(60, 150, 1120, 900)
    s.boxes("account", "Account", 100, 240, 14, cell=(50, 58), gap=10, checks=[dict(type="mod97", remainder=1)])
    s.boxes("bank", "Bank", 100, 380, 8, cell=(50, 58), gap=10, checks=[dict(type="luhn")])
    s.boxes("amount", "Amount", 100, 520, 7, cell=(50, 58), gap=10, checks=[dict(type="range", **{"from": 1, "to": 9999999})])
    s.boxes("reference", "Reference", 100, 660, 12, cell=(50, 58), gap=10, checks=[dict(type="mod97", remainder=1)])
    s.boxes("due", "Due (DDMMYY)", 100, 800, 6, kind="date", cell=(50, 58), gap=10, format="DDMMYY", **{"from": "2020-01-01", "to": "2029-12-31"})
    s.choice("urgent", "Urgent", 640, 810, ["yes"], required=False)
    s.boxes("branch", "Branch", 640, 380, 3, cell=(50, 58), gap=10, checks=[dict(type="values", values=["104", "217", "338", "455", "562", "671", "790", "823"])])
    s.text(80, 1600, "To be kept by the bank")
    return s


LAYOUTS = dict(order=order, survey=survey, transfer=transfer)


# ---- values --------------------------------------------------------------------------------------------------------

def digits(rng, n):
    return "".join(str(d) for d in rng.integers(0, 10, n))


def luhn(text):
    total = 0
    for i, c in enumerate(reversed(text)):
        d = int(c) * (1 + i % 2)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


def mod11(text, highest):
    return sum(int(c) * (1 if i == 0 else 2 + (i - 1) % (highest - 1)) for i, c in enumerate(reversed(text))) % 11 == 0


def mod97(text, remainder):
    return int(text) % 97 == remainder


def passes(text, checks):
    for check in checks:
        kind = check["type"]
        if kind == "luhn" and not luhn(text): return False
        if kind == "mod11" and not mod11(text, check["highest"]): return False
        if kind == "mod97" and not mod97(text, check["remainder"]): return False
        if kind == "range" and not check["from"] <= int(text) <= check["to"]: return False
        if kind == "values" and text not in check["values"]: return False
    return True


def value(rng, field):
    if field["type"] == "choice":
        options = [o["value"] for o in field["options"]]
        if not field.get("required", True) and rng.random() < 0.6: return ""
        return options[rng.integers(len(options))]
    if field["type"] == "date":
        import datetime
        low, high = (datetime.date.fromisoformat(field[k]).toordinal() for k in ("from", "to"))
        date = datetime.date.fromordinal(int(rng.integers(low, high + 1)))
        return date.strftime({"DDMMYYYY": "%d%m%Y", "DDMMYY": "%d%m%y"}[field["format"]])
    checks = field.get("checks", [])
    listed = [c for c in checks if c["type"] == "values"]
    if listed: return listed[0]["values"][rng.integers(len(listed[0]["values"]))]
    while True:
        if "cells" in field:
            n = field["cells"] if isinstance(field["cells"], int) else len(field["cells"])
        else:
            n = int(rng.integers(field["length"][0], field["length"][1] + 1))
        text = digits(rng, n)
        if "cells" not in field and n > 1 and text[0] == "0": continue
        if passes(text, checks): return text


def values(rng, sheet):
    result = {f["name"]: value(rng, f) for f in sheet.fields}
    for check in sheet.checks:
        total = next(f for f in sheet.fields if f["name"] == check["total"])
        result[check["total"]] = str(sum(int(result[n]) for n in check["of"])).zfill(total["cells"])
    return result


# ---- writing and scanning ------------------------------------------------------------------------------------------

def hand(rng):
    """One writer: how large, how slanted, how dark."""
    return dict(size=rng.uniform(0.62, 0.86), slant=rng.normal(0, 0.08), ink=rng.uniform(10, 90), width=rng.uniform(0.85, 1.05))


def digit(rng, source, who, height):
    import cv2
    image = source[rng.integers(len(source))].astype(np.float32) / 255
    if "thin" in who: image = ((image - who["thin"]) / (1 - who["thin"])).clip(0, 1)
    ys, xs = np.where(image > 0.2)
    image = image[max(ys.min() - 1, 0):ys.max() + 2, max(xs.min() - 1, 0):xs.max() + 2]
    scale = height / 20
    h, w = image.shape
    out = np.zeros((int(h * scale) + 6, int(w * scale * who["width"] + abs(who["slant"]) * h * scale) + 8), np.float32)
    m = np.float32([[scale * who["width"], who["slant"] * -scale, 3 + max(who["slant"], 0) * h * scale], [0, scale, 3]])
    return cv2.warpAffine(image, m, (out.shape[1], out.shape[0]), flags=cv2.INTER_CUBIC).clip(0, 1)


def ink(page, mask, x, y, dark):
    x, y = int(round(x)), int(round(y))
    h, w = mask.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, page.shape[1]), min(y + h, page.shape[0])
    if x1 <= x0 or y1 <= y0: return
    part = mask[y0 - y:y1 - y, x0 - x:x1 - x]
    area = page[y0:y1, x0:x1].astype(np.float32)
    page[y0:y1, x0:x1] = (area * (1 - part) + np.minimum(area, dark) * part).astype(np.uint8)


def fill(rng, sheet, truth, source, shift=None):
    page = sheet.page.copy()
    who = {**hand(rng), **(shift or {})}
    for field in sheet.fields:
        name, text = field["name"], truth[field["name"]]
        places = sheet.places[name]
        if field["type"] == "choice":
            for option, (x, y, w, h) in zip(field["options"], places):
                if option["value"] == text: tick(rng, sheet.cv2, page, x, y, w, h, who["ink"])
        elif "cells" in field:
            for c, (x, y, w, h) in zip(text, places):
                mask = digit(rng, source[int(c)], who, h * who["size"])
                ink(page, mask, x + (w - mask.shape[1]) / 2 + rng.normal(0, 3), y + (h - mask.shape[0]) / 2 + rng.normal(0, 3), who["ink"])
        else:
            x, y, w, h = places
            height = h * who["size"] * 0.85
            at, spacing = x + rng.uniform(8, 30), rng.uniform(-0.02, 0.25) * height
            masks = [digit(rng, source[int(c)], who, height) for c in text]
            need = sum(m.shape[1] + spacing for m in masks)
            shrink = min(1.0, (w - 40) / need)
            for mask in masks:
                if shrink < 1:
                    mask = sheet.cv2.resize(mask, None, fx=shrink, fy=shrink, interpolation=sheet.cv2.INTER_AREA)
                ink(page, mask, at, y + h - mask.shape[0] - rng.uniform(0, 5), who["ink"])
                at += mask.shape[1] - 6 + spacing * shrink
    return page


def tick(rng, cv2, page, x, y, w, h, dark):
    mask = np.zeros_like(page)
    j = lambda: rng.normal(0, 2.5)
    thick = int(rng.integers(2, 5))
    p = lambda a, b: (int(x + a * w + j()), int(y + b * h + j()))
    if rng.random() < 0.6:
        cv2.line(mask, p(0.1, 0.1), p(0.9, 0.9), 255, thick, cv2.LINE_AA)
        cv2.line(mask, p(0.9, 0.1), p(0.1, 0.9), 255, thick, cv2.LINE_AA)
    else:
        cv2.polylines(mask, [np.array([p(0.15, 0.5), p(0.4, 0.85), p(1.0, 0.05)])], False, 255, thick, cv2.LINE_AA)
    m = mask.astype(np.float32) / 255
    page[:] = (page * (1 - m) + np.minimum(page, dark) * m).astype(np.uint8)


def stamp(rng, cv2, page):
    """A rubber stamp, lighter than a pen, anywhere on the page."""
    mask = np.zeros_like(page)
    x, y = int(rng.uniform(150, W - 250)), int(rng.uniform(200, 1300))
    angle = rng.uniform(-30, 30)
    canvas = np.zeros((140, 360), np.uint8)
    cv2.rectangle(canvas, (6, 6), (353, 133), 255, 4)
    cv2.putText(canvas, rng.choice(["RECEIVED", "PAID", "COPY", "CHECKED"]), (28, 92), cv2.FONT_HERSHEY_DUPLEX, 1.7, 255, 4, cv2.LINE_AA)
    m = cv2.getRotationMatrix2D((180, 70), angle, 1)
    m[:, 2] += (x - 180, y - 70)
    mask = cv2.warpAffine(canvas, m, (W, H)).astype(np.float32) / 255 * rng.uniform(0.35, 0.6)
    page[:] = (page * (1 - mask) + np.minimum(page, 60) * mask).astype(np.uint8)


def scan(rng, cv2, page, severity=1.0):
    """What a scanner or a telephone makes of the sheet; None of it is undone here."""
    angle = rng.uniform(-10, 10) * severity * (rng.random() ** 0.5)
    upside = rng.random() < 0.1
    photo = rng.random() < 0.35
    corners = np.float32([[0, 0], [W, 0], [W, H], [0, H]])
    scale = rng.uniform(0.94, 1.04)
    c, s = math.cos(math.radians(angle)) * scale, math.sin(math.radians(angle)) * scale
    centre = np.float32([W / 2, H / 2])
    target = (corners - centre) @ np.float32([[c, s], [-s, c]]) + centre
    if photo: target = target + rng.uniform(-0.03, 0.03, (4, 2)).astype(np.float32) * W * severity
    # The picture: the sheet with some table around it, or margins cut.
    low, high = target.min(0), target.max(0)
    border = rng.uniform(-0.015, 0.03, 4) * W
    low, high = low - border[:2], high + border[2:]
    size = np.round(high - low).astype(int)
    m = cv2.getPerspectiveTransform(corners, (target - low).astype(np.float32))
    if upside: m = np.array([[-1, 0, size[0]], [0, -1, size[1]], [0, 0, 1.0]]) @ m
    table = float(rng.choice([255, 240, 60, 30] if photo else [255, 250, 245]))
    image = cv2.warpPerspective(page, m, tuple(int(v) for v in size), flags=cv2.INTER_LINEAR, borderValue=table).astype(np.float32)
    h, w = image.shape
    if photo:
        gy, gx = np.mgrid[0:h, 0:w].astype(np.float32)
        shade = 1 + rng.uniform(-0.25, 0.1) * gx / w + rng.uniform(-0.25, 0.1) * gy / h
        image *= shade
    paper = rng.uniform(0.85, 1.0)
    image *= paper
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.1))
    small = rng.normal(0, 1, (h, w)).astype(np.float32)
    image = (image + small * rng.uniform(1, 8)).clip(0, 255).astype(np.uint8)
    return image, int(rng.uniform(60, 95))


def one(task):
    import cv2
    cv2.setNumThreads(1)
    out, name, index, seed, mnist_dir, part, shift = task
    rng = np.random.default_rng([seed, index, sorted(LAYOUTS).index(name)])
    source = one.cache.setdefault((mnist_dir, part), None) or mnist(mnist_dir, part)
    one.cache[(mnist_dir, part)] = source
    sheet = one.sheets.setdefault(name, None) or LAYOUTS[name]()
    one.sheets[name] = sheet
    truth = values(rng, sheet)
    page = fill(rng, sheet, truth, source, shift)
    if rng.random() < 0.15: stamp(rng, cv2, page)
    image, quality = scan(rng, cv2, page)
    file = f"{name}-{index:05d}.jpg"
    cv2.imwrite(str(Path(out) / "scans" / name / file), image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return [(file, field["name"], truth[field["name"]]) for field in sheet.fields]


one.cache, one.sheets = {}, {}


def generate(args):
    import cv2
    out = Path(args.out)
    names = args.layouts.split(",")
    for name in names:
        (out / "scans" / name).mkdir(parents=True, exist_ok=True)
        sheet = LAYOUTS[name]()
        cv2.imwrite(str(out / f"{name}-blank.png"), sheet.page)
        (out / f"{name}.json").write_text(json.dumps(sheet.template(), indent=2) + "\n")
    shift = dict(slant=-0.95, thin=0.55) if args.shifted else None
    tasks = [(str(out), name, i, args.seed, args.mnist, args.part, shift) for i in range(args.count) for name in names]
    with ProcessPoolExecutor(2) as pool, open(out / "truth.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "field", "value"])
        for rows in pool.map(one, tasks, chunksize=8):
            table.writerows(rows)


# ---- scoring -------------------------------------------------------------------------------------------------------

def upper(errors, count, level=0.95):
    """The exact upper bound of Clopper and Pearson."""
    from scipy.stats import beta
    return 1.0 if errors >= count else float(beta.ppf(level, errors + 1, count - errors))


def score(args):
    """What was accepted, and how much of it is wrong; and what became of digits that were misread in checked fields."""
    truth = {(r["file"], r["field"]): r["value"] for r in csv.DictReader(open(args.truth))}
    total = dict(fields=0, accepted=0, wrong=0, lost=0, read=0, single=0, caught=0)
    wrong = []
    print(f"{'form':10s} {'pages':>6s} {'lost':>5s} {'fields':>7s} {'accepted':>9s} {'wrong':>6s}")
    for folder in args.results:
        rows = list(csv.DictReader(open(Path(folder) / "audit.csv")))
        template = json.loads((Path(folder) / "template.json").read_text())
        checked = {f["name"] for p in template["pages"] for f in p["fields"] if f.get("checks") or f["type"] == "date"}
        checked |= {n for c in template.get("checks", []) for n in [c["total"], *c["of"]]}
        here = dict.fromkeys(total, 0)
        files = {r["file"] for r in rows}
        here["lost"] = len({r["file"] for r in rows if r["status"] == "review" and not r["read"] and not r["probability"] and r["problem"].startswith("the form")})
        for r in rows:
            value = truth[r["file"], r["field"]]
            here["fields"] += 1
            here["read"] += r["read"] == value
            if r["status"] == "accepted":
                here["accepted"] += 1
                if r["value"] != value:
                    here["wrong"] += 1
                    wrong.append((r["file"], r["field"], value, r["value"], r["probability"]))
            raw = r["unchecked"]
            if r["field"] in checked and len(raw) == len(value) and sum(a != b for a, b in zip(raw, value)) == 1:
                here["single"] += 1
                here["caught"] += r["status"] != "accepted" or r["value"] == value
        print(f"{template['name']:10s} {len(files):6d} {here['lost']:5d} {here['fields']:7d} {here['accepted'] / here['fields']:9.2%} {here['wrong']:6d}")
        for key in total: total[key] += here[key]
    bound = upper(total["wrong"], total["accepted"])
    print(f"accepted {total['accepted']:,} of {total['fields']:,} fields ({total['accepted'] / total['fields']:.2%}), wrong {total['wrong']}: "
          f"at most {bound:.4%} with 95 % confidence")
    print(f"read right, whatever the probability: {total['read'] / total['fields']:.2%}")
    print(f"single misread digits in checked fields: {total['single']}, repaired or sent to a person {total['caught']} "
          f"({total['caught'] / max(total['single'], 1):.2%})")
    for item in wrong: print("  wrong:", *item)


def answers(args):
    """What a person would key: the truth of the first fields that wait for one."""
    import re
    truth = {(r["file"], r["field"]): r["value"] for r in csv.DictReader(open(args.truth))}
    folder = Path(args.results)
    page = next(iter(sorted(folder.glob("review*.html")))).read_text()
    job = re.search(r'"job": ?"([0-9a-f]+)"', page).group(1)
    keyed = {}
    for line in open(folder / "pages.jsonl"):
        record = json.loads(line)
        for field in record["fields"]:
            key = (record["file"], field["name"])
            if not field["accepted"] and len(keyed) < args.count and key in truth:
                keyed["\t".join(key)] = dict(value=truth[key], asWritten=True)
    Path(args.output).write_text(json.dumps(dict(person=args.person, job=job, answers=keyed)))
    print(f"{len(keyed)} fields")


def peers(args):
    """The same crops, cut to their fields, read by other people's readers (`readers.py` says what each is told)."""
    import base64, time
    import cv2
    import readers
    truth = {(r["file"], r["field"]): r["value"] for r in csv.DictReader(open(args.truth))}
    crops = []
    for folder in args.results:
        template = json.loads((Path(folder) / "template.json").read_text())
        fields = {f["name"]: f for p in template["pages"] for f in p["fields"] if f["type"] != "choice"}
        for number, line in enumerate(open(Path(folder) / "pages.jsonl")):
            if number == args.pages: break
            record = json.loads(line)
            for field in record["fields"]:
                if field["name"] not in fields or "picture" not in field: continue
                image = cv2.imdecode(np.frombuffer(base64.b64decode(field["picture"]), np.uint8), 0)
                pad = round(image.shape[0] * 0.32 / 1.64 * 0.8)
                file = Path(args.work) / f"{len(crops)}.png"
                cv2.imwrite(str(file), image[pad:-pad, pad:-pad])
                best = field["values"][0][0] if field["values"] else ""
                crops.append((str(file), truth[record["file"], field["name"]], best, field["unchecked"]))
    print(f"{len(crops)} fields, {args.pages} pages of each form")
    print(f"{'Numeral':22s} {sum(c[2] == c[1] for c in crops) / len(crops):7.2%}")
    print(f"{'  without the checks':22s} {sum(c[3] == c[1] for c in crops) / len(crops):7.2%}")
    for name, make in (("Tesseract", readers.tesseract), ("RapidOCR", readers.rapidocr), ("ddddocr", readers.ddddocr)):
        try:
            read = make()
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        start, right = time.time(), 0
        for file, value, _, _ in crops: right += "".join(readers.digits_of(read(file) or "")) == value
        print(f"{name:22s} {right / len(crops):7.2%}   {(time.time() - start) / len(crops) * 1000:.0f} ms a field")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    g = commands.add_parser("generate")
    g.add_argument("out")
    g.add_argument("--mnist", required=True)
    g.add_argument("--part", choices=["even", "odd", "all"], default="odd")
    g.add_argument("--count", type=int, default=100, help="of each layout")
    g.add_argument("--seed", type=int, default=1)
    g.add_argument("--layouts", default="order,survey,transfer")
    g.add_argument("--shifted", action="store_true", help="hands that are thinner and slanted the other way")
    g.set_defaults(run=generate)
    c = commands.add_parser("score")
    c.add_argument("truth")
    c.add_argument("results", nargs="+", help="folders that trainer forms read wrote")
    c.set_defaults(run=score)
    a = commands.add_parser("answers")
    a.add_argument("truth")
    a.add_argument("results")
    a.add_argument("output")
    a.add_argument("--count", type=int, default=200)
    a.add_argument("--person", default="script")
    a.set_defaults(run=answers)
    o = commands.add_parser("peers")
    o.add_argument("truth")
    o.add_argument("results", nargs="+", help="folders that trainer forms read wrote without accepting anything")
    o.add_argument("--pages", type=int, default=30)
    o.add_argument("--work", default="/tmp")
    o.set_defaults(run=peers)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
