#!/usr/bin/env python3
"""Uses the pages of `trainer serve` as a person would, in headless Chromium, and checks what they show.

    python3 Tests/Serving/browser.py URL [--count 100] [--shots FOLDER] [--seed 1]

Needs selenium (PyPI), chromium and chromium-driver (Debian), and a service whose folder of runs holds two finished ones:

    for seed in 1 2; do trainer --config config/mnist-sprint.json --set data.source=sample --set seed=$seed --output runs; done
    trainer serve --runs runs

Digits are strokes written down here, each with another size, slant, place and shake (seeded); pointer events move along them, one digit or
five in a line. Then: the keyboard alone, undo, clear, a second finger, pictures pasted, the list of runs and its errors, the curves and
the figures. Ends with 1 where one of them is not as it should be. `--shots` takes pictures of the pages, light, dark and as on a phone.
"""
import argparse, base64, math, os, random, sys, time
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.keys import Keys

failed = []

def check(name, holds, seen=""):
    print(("passed " if holds else "FAILED ") + name + (f" ({seen})" if seen != "" else ""), flush=True)
    if not holds: failed.append(name)

def arc(cx, cy, rx, ry, a, b, n=14):
    return [(cx + rx * math.cos(math.radians(a + (b - a) * i / n)), cy + ry * math.sin(math.radians(a + (b - a) * i / n))) for i in range(n + 1)]

# In a box of 1 by 1.6, y downward.
DIGITS = {
    0: [arc(.5, .8, .45, .8, -90, 270, 24)],
    1: [[(.3, .3), (.55, 0), (.55, 1.6)]],
    2: [arc(.5, .42, .42, .42, -170, 40) + [(.1, 1.55), (.95, 1.55)]],
    3: [arc(.45, .4, .4, .4, -150, 80) + arc(.45, 1.18, .45, .42, -80, 150)],
    4: [[(.65, 0), (.05, 1.05), (.95, 1.05)], [(.7, .55), (.7, 1.6)]],
    5: [[(.85, 0), (.25, 0), (.2, .65)] + arc(.45, 1.1, .45, .48, -110, 140)],
    6: [[(.7, 0), (.35, .45), (.12, 1.0)] + arc(.48, 1.15, .37, .42, 190, -170, 20)],
    7: [[(.08, .05), (.92, .05), (.4, 1.6)]],
    8: [arc(.5, .4, .34, .38, 90, -270, 20) + arc(.5, 1.18, .42, .42, -90, 270, 20)],
    9: [arc(.5, .45, .38, .43, -10, -350, 20) + [(.88, .6), (.82, 1.6)]],
}

def place(strokes, rng, x, y, height):
    slant, turn, wide = rng.uniform(-.25, .12), math.radians(rng.uniform(-9, 9)), rng.uniform(.8, 1.15)
    s = height / 1.6
    def move(p):
        u, v = (p[0] - .5) * wide - slant * (p[1] - .8) * -1, p[1] - .8
        u, v = u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)
        return (x + u * s + rng.gauss(0, height * .006), y + v * s + rng.gauss(0, height * .006))
    return [[move(p) for p in stroke] for stroke in strokes]

# What a page asks /read is counted, kept and, where a test wants it, delayed.
WATCH = """
    window.asked = { pending: 0, explained: false, delay: 0, body: null };
    const real = window.fetch;
    window.fetch = async (url, options) => {
        if (!String(url).startsWith('/read')) return real(url, options);
        Object.assign(asked, { pending: asked.pending + 1, explained: false, body: options.body });
        await new Promise((go) => setTimeout(go, asked.delay));
        try { return await real(url, options); } finally { asked.pending--; asked.explained = String(url).includes('explain=true'); }
    };"""

# Six runs that train, in a list that is refused the first two times.
SIX = """
    const lines = [{ event: 'began', epochs: 9 }, { event: 'epoch', epoch: 1, trainingLoss: 1, validationLoss: 2 },
        { event: 'epoch', epoch: 2, trainingLoss: .5, validationLoss: 1 }].map((line) => JSON.stringify(line) + '\\n').join('');
    const runs = [1, 2, 3, 4, 5, 6].map((n) => ({ name: 'run-' + n, state: 'running', files: ['events.jsonl'] }));
    let lists = 0;
    window.streams = [];
    window.EventSource = class extends EventTarget {
        static CLOSED = 2;
        readyState = 1;
        constructor(url) { super(); streams.push(url); }
        close() { this.readyState = 2; }
    };
    window.fetch = async (url) => {
        if (url !== '/api/runs') return new Response(lines + '{"event":"st');
        return ++lists <= 2 ? new Response('{"error":"256 requests wait already"}', { status: 429 }) : Response.json({ runs, canStop: false });
    };"""

class Page:
    def __init__(self, url, width=1280, height=900, dark=False, phone=False, script=WATCH):
        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},{height}", "--force-prefers-reduced-motion"):
            options.add_argument(flag)
        if dark: options.add_argument("--force-dark-mode"); options.add_argument("--blink-settings=preferredColorScheme=0")
        if phone: options.add_experimental_option("mobileEmulation", {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2, "touch": True}})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        if dark: self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        self.driver.get(url)
        self.js = self.driver.execute_script

    @property
    def canvas(self): return self.driver.find_element("id", "canvas")

    def draw(self, strokes):
        for stroke in strokes:
            actions = ActionBuilder(self.driver, mouse=PointerInput("mouse", "mouse"), duration=2)
            box = self.canvas.rect
            def at(p): return int(round(p[0] - box["width"] / 2)), int(round(p[1] - box["height"] / 2))
            actions.pointer_action.move_to(self.canvas, *at(stroke[0]))
            actions.pointer_action.pointer_down()
            for p in stroke[1:]: actions.pointer_action.move_to(self.canvas, *at(p))
            actions.pointer_action.pointer_up()
            actions.perform()

    def until(self, script, wait=8):
        """Whether what the script says comes true, and stays so for a moment."""
        end, since = time.time() + wait, None
        while time.time() < end:
            since = (since or time.time()) if self.js("return " + script) else None
            if since and time.time() - since > .06: return True
            time.sleep(.03)
        return False

    def text(self, id): return self.js("return document.getElementById(arguments[0])?.firstChild?.textContent ?? ''", id)

    def answer(self):
        """What the page says once the explanation, its last word, has come."""
        self.until("asked.pending === 0 && asked.explained")
        return self.text("answer")

    def ink(self):
        """How many points of the canvas are dark."""
        return self.js("""const c = document.getElementById('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] + d[i + 1] + d[i + 2] < 384; return n;""")

    def paste(self, name, data):
        self.js("""
            const bytes = Uint8Array.from(atob(arguments[1]), c => c.charCodeAt(0)), transfer = new DataTransfer();
            transfer.items.add(new File([bytes], arguments[0], { type: arguments[0].endsWith('png') ? 'image/png' : '' }));
            asked.explained = false;
            document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));""", name, base64.b64encode(data).decode())
        return self.answer()

    def keys(self, *keys): ActionChains(self.driver).send_keys(*keys).perform()
    def undo(self): ActionChains(self.driver).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    def clear(self): self.driver.find_element("id", "clear").click()
    def shot(self, folder, name):
        if folder: self.driver.save_screenshot(os.path.join(folder, name + ".png"))
    def quit(self, name):
        log = [e for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
        check(f"{name}: the console says nothing", not log, log[:3] or "")
        self.driver.quit()

def pgm(digit, bits):
    """A drawn digit as a PGM: 140 by 140, light paper of 90 %, ink of 10 %."""
    n, strokes = 140, [[(40 + 60 * u, 22 + 60 * v) for u, v in stroke] for stroke in DIGITS[digit]]
    def near(x, y, a, b):
        t = max(0, min(1, ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2)))
        return math.hypot(x - a[0] - t * (b[0] - a[0]), y - a[1] - t * (b[1] - a[1])) < 5
    most = 2 ** bits - 1
    levels = [int(most * (.1 if any(near(x, y, a, b) for s in strokes for a, b in zip(s, s[1:])) else .9)) for y in range(n) for x in range(n)]
    return f"P5\n# drawn\n{n} {n}\n{most}\n".encode() + b"".join(level.to_bytes(bits // 8, "big") for level in levels)

def drawing(a, rng):
    page = Page(a.url)
    size = page.canvas.size
    def one(digit): page.draw(place(DIGITS[digit], rng, size["width"] * .5, size["height"] * .5, size["height"] * .6))

    right, wrong = 0, []
    for i in range(a.count):
        digit = i % 10
        height = rng.uniform(.3, .85) * size["height"]
        x = rng.uniform(height * .4, size["width"] - height * .4); y = rng.uniform(height * .55, size["height"] - height * .55)
        page.draw(place(DIGITS[digit], rng, x, y, height))
        said = page.answer()
        right += said == str(digit)
        if said != str(digit):
            wrong.append((digit, said, round(height), round(x), round(y)))
            page.shot(a.shots, f"wrong-{i}")
        page.clear()
    check("of the drawn digits 99 % are read right", right >= a.count * .99, f"{right} of {a.count} {wrong or ''}".strip())

    right, wrong = 0, []
    for i in range(10):
        text = "".join(str(rng.randrange(10)) for _ in range(5))
        for k, c in enumerate(text):
            page.draw(place(DIGITS[int(c)], rng, size["width"] * (k + .7) / 5.4, size["height"] * .5, size["height"] * .42))
        said = page.answer()
        right += said == text
        if said != text: wrong.append((text, said))
        if i == 0: page.shot(a.shots, "light")
        page.clear()
    check("of ten drawn lines of five, nine are read right", right >= 9, f"{right} of 10 {wrong or ''}".strip())

    # The keyboard alone: a seven.
    page.driver.get(a.url)
    for presses in range(1, 10):
        page.keys(Keys.TAB)
        if page.js("return document.activeElement.id") == "canvas": break
    check("Tab comes to the canvas", page.js("return document.activeElement.id") == "canvas", f"{presses} times")
    page.keys(*[Keys.ARROW_LEFT] * 5)
    check("the pen that rests is told", page.until("document.getElementById('spoken')?.textContent.startsWith('Pen up, 43 % from the left')"), page.text("spoken"))
    up = page.ink()
    page.keys(" ")
    down = page.text("spoken")
    page.keys(*[Keys.ARROW_RIGHT] * 10)
    for _ in range(9): page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_LEFT)
    page.shot(a.shots, "keyboard")
    page.keys(" ")
    check("the pen that is set down and lifted is told", down.startswith("Pen down") and page.text("spoken").startswith("Pen up"), f"{down}; {page.text('spoken')}")
    check("the keyboard alone draws a 7", page.answer() == "7", page.text("answer"))
    page.undo()
    check("undo takes it away", page.text("answer") == "" and page.js("return document.getElementById('undo').disabled"), page.text("answer"))

    # Clear, while the service still reads and afterwards.
    page.js("asked.delay = 400"); one(3); page.clear(); time.sleep(1.5); page.js("asked.delay = 0")
    check("clear while the service reads leaves nothing", page.text("answer") == "" and page.ink() < 2000, page.text("answer"))
    page.undo()
    check("undo brings back what was cleared", page.answer() == "3", page.text("answer"))
    page.driver.find_element("tag name", "body").send_keys(Keys.ESCAPE)
    check("Escape clears", page.text("answer") == "" and page.js("return document.getElementById('clear').disabled"), page.text("answer"))

    # The map beside an answer is that answer's.
    page.draw(place(DIGITS[1], rng, size["width"] * .3, size["height"] * .5, size["height"] * .6)); page.answer()
    mapped = page.js("return !document.getElementById('why').hidden")
    page.js("""new MutationObserver(() => { if (document.getElementById('answer').firstChild?.textContent !== '1')
        window.late ??= !document.getElementById('why').hidden && document.getElementById('map').alt.endsWith(' 1'); })
        .observe(document.getElementById('bars'), { childList: true });""")
    page.draw(place(DIGITS[8], rng, size["width"] * .6, size["height"] * .5, size["height"] * .6))
    said = page.answer()
    check("an old map goes with its answer", mapped and page.js("return window.late === false"), f"1, then {said}")
    page.clear()

    # Two fingers: the second draws nothing.
    box = page.canvas.rect
    first, second = PointerInput("touch", "first"), PointerInput("touch", "second")
    actions = ActionBuilder(page.driver, mouse=first, duration=20)
    actions.devices.append(second)
    def at(finger, x, y): finger.create_pointer_move(duration=20, x=int(box["x"] + x * box["width"]), y=int(box["y"] + y * box["height"]))
    at(first, .3, .2); first.create_pointer_down(button=0); second.create_pause(); second.create_pause()
    at(first, .3, .4); at(second, .8, .8); first.create_pause(); second.create_pointer_down(button=0)
    at(first, .3, .6); at(second, .8, .7)
    first.create_pause(); second.create_pointer_up(button=0)
    at(first, .3, .8); second.create_pause(); first.create_pointer_up(button=0)
    actions.perform()
    said = page.answer()
    joined = page.js("""const c = document.getElementById('canvas'), d = c.getContext('2d').getImageData(c.width / 2, 0, c.width / 2, c.height).data;
        return d.some((level) => level < 128);""")
    check("a second finger does not join the stroke", said == "1" and not joined, f"{said}{', and ink where the second was' if joined else ''}")
    page.shot(a.shots, "two-fingers")
    page.clear()

    # Pictures: as the service reads them, and as the page shows them.
    with open(os.path.join(os.path.dirname(__file__), "../../docs/examples/three.png"), "rb") as f: three = f.read()
    check("three.png, pasted, is read as 3", page.paste("three.png", three) == "3", page.text("answer"))
    for bits in (8, 16):
        said, ink = page.paste("five.pgm", pgm(5, bits)), page.ink()
        check(f"a PGM of {bits} bits is read and shown", said == "5" and ink > 2000, f"{said}, {ink} dark points")
        one(1)
        check("a stroke on it leaves it there", ink > 2000 and page.ink() > ink + 1000, f"{page.ink() - ink} more")
    page.undo(); page.undo()
    check("undo brings back the picture before it", page.answer() == "5", page.text("answer"))
    red = page.js("""const c = document.createElement('canvas'), p = c.getContext('2d'); c.width = c.height = 100; p.fillStyle = '#fff'; p.fillRect(0, 0, 100, 100);
        p.strokeStyle = '#f00'; p.lineWidth = 9; p.lineJoin = 'round'; p.beginPath(); p.moveTo(25, 15); p.lineTo(75, 15); p.lineTo(45, 85); p.stroke();
        return c.toDataURL().split(',')[1];""")
    page.paste("red.png", base64.b64decode(red))
    page.draw([[(8, 8), (12, 8)]]); page.answer()
    sent = page.js("return asked.body.filter((level) => level === 76).length")
    check("red ink is sent as its brightness", sent > 2000, f"{sent} points of 76")
    page.quit("drawing")

def runs(a):
    url = a.url.rstrip("/") + "/runs"
    page = Page(url)
    check("/runs: the list", page.until("document.querySelectorAll('#list tbody tr').length >= 2"), f"{page.js('return document.querySelectorAll(`#list tbody tr`).length')} runs")
    page.js("for (const box of [...document.querySelectorAll('#list input')].slice(0, 2)) if (!box.checked) box.click()")
    check("/runs: four curves of two runs, in two charts", page.until("document.querySelectorAll('.chart svg').length === 2 && document.querySelectorAll('.chart path').length === 8"))
    page.js("for (const image of document.images) image.loading = 'eager'")
    check("/runs: every figure is there", page.until("document.images.length >= 14 && [...document.images].every((image) => image.naturalWidth > 0)"), f"{page.js('return document.images.length')} figures")
    check("/runs: the ROC curve is one of them", page.js("return document.querySelectorAll('img[src$=\"/roc.svg\"]').length === 2"))
    beside = "return ((a, b) => a.top === b.top && a.right < b.left)(...[...document.querySelectorAll('.card')].map((card) => card.getBoundingClientRect()))"
    check("/runs: the cards stand beside each other", page.js(beside))
    page.shot(a.shots, "light-runs")
    page.js("document.getElementById('cards').scrollIntoView()")
    page.shot(a.shots, "light-cards")
    page.js("document.querySelectorAll('#list input')[1].focus()")
    time.sleep(6)
    check("/runs: the list keeps the keyboard's place", page.js("return document.activeElement === document.querySelectorAll('#list input')[1]"))
    page.quit("/runs")

    page = Page(url, script=SIX)
    check("/runs: an error of the list is told", page.until("document.getElementById('status').textContent.includes('256 requests wait already')"), page.text("status"))
    page.shot(a.shots, "error-runs")
    check("/runs: it goes on trying", page.until("document.querySelectorAll('.card').length === 6", 15), page.text("status"))
    check("/runs: four of six runs are streamed", page.js("return streams.length") == 4, page.js("return streams.length"))
    check("/runs: the other two are read from their files", page.until("document.querySelectorAll('.chart path').length === 4", 12), page.js("return document.querySelectorAll('.chart path').length"))
    page.quit("/runs, with errors")

def looks(a, rng):
    for name, options in (("dark", dict(dark=True)), ("phone", dict(phone=True, width=390, height=844))):
        page = Page(a.url, **options)
        size = page.canvas.size
        page.draw(place(DIGITS[5], rng, size["width"] * .5, size["height"] * .5, size["height"] * .6))
        check(f"{name}: a 5 is read", page.answer() == "5", page.text("answer"))
        time.sleep(.3)
        page.shot(a.shots, name)
        page.driver.get(a.url.rstrip("/") + "/runs")
        page.until("document.querySelectorAll('#list tbody tr').length >= 2")
        page.js("for (const box of [...document.querySelectorAll('#list input')].slice(0, 2)) if (!box.checked) box.click()")
        page.until("document.querySelectorAll('.chart path').length === 8")
        check(f"{name}: /runs is no wider than the screen", page.js("return document.documentElement.scrollWidth <= innerWidth"))
        if a.shots: time.sleep(1.5)
        page.shot(a.shots, name + "-runs")
        page.js("document.getElementById('cards').scrollIntoView()")
        if a.shots: time.sleep(1)
        page.shot(a.shots, name + "-cards")
        page.quit(name)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url"); parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--shots", default=None); parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    if a.shots: os.makedirs(a.shots, exist_ok=True)
    rng = random.Random(a.seed)
    drawing(a, rng)
    runs(a)
    looks(a, rng)
    print(f"{len(failed)} failed" + "".join("\n  " + name for name in failed))
    return 1 if failed else 0

sys.exit(main())
