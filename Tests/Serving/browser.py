#!/usr/bin/env python3
"""Draws digits on the page of `trainer serve` as a person would, in headless Chromium, and counts what is read right.

    python3 Tests/Serving/browser.py URL [--mnist FOLDER] [--count 100] [--shots FOLDER]

Needs selenium (PyPI), chromium and chromium-driver (Debian). Digits are strokes written down here, each with another size,
slant, place and shake (seeded); pointer events move along them. Then: the keyboard alone draws a digit, undo and clear work, a picture
is pasted, and pictures of the page are taken light, dark and as on a phone.
"""
import argparse, base64, json, math, os, random, sys, time
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.keys import Keys

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

class Page:
    def __init__(self, url, width=1280, height=900, dark=False, phone=False):
        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},{height}", "--force-prefers-reduced-motion"):
            options.add_argument(flag)
        if dark: options.add_argument("--force-dark-mode"); options.add_argument("--blink-settings=preferredColorScheme=0")
        if phone: options.add_experimental_option("mobileEmulation", {"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2, "touch": True}})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        if dark: self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.driver.get(url)
        self.canvas = self.driver.find_element("id", "canvas")

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

    def answer(self, wait=6):
        """What the page says once the explanation, its last word, has come."""
        end = time.time() + wait
        while time.time() < end:
            text = self.driver.execute_script("const a = document.getElementById('answer'); return document.getElementById('why').hidden ? '' : (a.firstChild ? a.firstChild.textContent : '')")
            if text: return text
            time.sleep(.03)
        return self.driver.find_element("id", "answer").text

    def clear(self): self.driver.find_element("id", "clear").click()
    def shot(self, path): self.driver.save_screenshot(path)

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url"); parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--shots", default=None); parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    rng = random.Random(a.seed)
    page = Page(a.url)
    size = page.canvas.size
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
            if a.shots: page.shot(os.path.join(a.shots, f"wrong-{i}.png"))
        page.clear()
    print(f"drawn digits read right: {right} of {a.count}", wrong)

    # A line of digits.
    lines = 0
    for i in range(10):
        text = "".join(str(rng.randrange(10)) for _ in range(5))
        for k, c in enumerate(text):
            page.draw(place(DIGITS[int(c)], rng, size["width"] * (k + .7) / 5.4, size["height"] * .5, size["height"] * .42))
        said = page.answer()
        lines += said == text
        if said != text: print("  line", text, "read", said)
        if i == 0 and a.shots: page.shot(os.path.join(a.shots, "light.png"))
        page.clear()
    print(f"drawn lines of five read right: {lines} of 10")

    # Keyboard alone: a seven.
    keys = lambda *k: ActionChains(page.driver).send_keys(*k).perform()
    page.driver.execute_script("document.getElementById('canvas').focus()")
    keys(*[Keys.ARROW_LEFT] * 5); keys(" "); keys(*[Keys.ARROW_RIGHT] * 10)
    for _ in range(9): keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_LEFT)
    keys(" ")
    print("keyboard alone drew a 7, read:", page.answer())
    keys(Keys.CONTROL, "z")
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    print("after undo:", repr(page.driver.find_element("id", "answer").text))
    # A pasted picture.
    with open("docs/examples/three.png", "rb") as f: data = base64.b64encode(f.read()).decode()
    page.driver.execute_script("""
        const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0)), transfer = new DataTransfer();
        transfer.items.add(new File([bytes], 'three.png', { type: 'image/png' }));
        document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));""", data)
    print("pasted three.png, read:", page.answer())
    page.driver.find_element("tag name", "body").send_keys(Keys.ESCAPE)
    print("after Escape:", repr(page.driver.find_element("id", "answer").text))
    log = [e for e in page.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
    print("messages of the console:", len(log), log[:3])
    page.driver.quit()
    if a.shots:
        for name, options in (("dark", dict(dark=True)), ("phone", dict(phone=True, width=390, height=844))):
            page = Page(a.url, **options)
            size = page.canvas.size
            page.draw(place(DIGITS[5], rng, size["width"] * .5, size["height"] * .5, size["height"] * .6))
            page.answer(); time.sleep(.3)
            page.shot(os.path.join(a.shots, name + ".png"))
            page.driver.get(a.url.rstrip("/") + "/runs"); time.sleep(1.5)
            page.shot(os.path.join(a.shots, name + "-runs.png"))
            page.driver.quit()
        page = Page(a.url.rstrip("/") + "/"); page.driver.get(a.url.rstrip("/") + "/runs"); time.sleep(1.5)
        page.shot(os.path.join(a.shots, "light-runs.png")); page.driver.quit()
    return 0 if right >= a.count * .99 else 1

sys.exit(main())
