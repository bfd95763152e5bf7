#!/usr/bin/env python3
"""Keys a review with the keyboard alone, in headless Chromium, and takes the answers in.

    trainer forms read --template T --accept 0.99 --output RESULTS SCANS
    python3 Tests/Forms/review.py RESULTS --trainer .build/debug/trainer [--truth truth.csv] [--shots DIR]

With --truth every field is keyed as it is there, else the reader's guess is taken. The browser is closed and opened again half way:
nothing that was keyed may be lost. Needs chromium, chromium-driver and selenium.
"""
import argparse, csv, json, subprocess, sys, tempfile, time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def browser(profile, downloads, dark=False):
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--window-size=1000,800"):
        options.add_argument(flag)
    if dark: options.add_argument("--force-dark-mode")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


def press(driver, *keys):
    chain = ActionChains(driver)
    for key in keys: chain.send_keys(key)
    chain.perform()


def control(driver, key):
    ActionChains(driver).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--trainer", required=True)
    parser.add_argument("--truth")
    parser.add_argument("--shots")
    parser.add_argument("--person", default="anna")
    args = parser.parse_args()
    results = Path(args.results).resolve()
    truth = {}
    if args.truth:
        truth = {(r["file"], r["field"]): r["value"] for r in csv.DictReader(open(args.truth))}
    work = Path(tempfile.mkdtemp())
    downloads = work / "downloads"
    downloads.mkdir()
    seconds, keyed = [], 0
    for page in sorted(results.glob("review*.html")):
        driver = browser(work / "profile", downloads)
        driver.get(page.as_uri())
        press(driver, args.person, Keys.ENTER)
        items = driver.execute_script("return data.items")
        if args.shots:
            Path(args.shots).mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(f"{args.shots}/review.png")
        for index, item in enumerate(items):
            start = time.time()
            if index == len(items) // 2 and index > 0:
                driver.quit()
                driver = browser(work / "profile", downloads)
                driver.get(page.as_uri())
                assert driver.execute_script("return state.at") == index, "what was keyed is lost"
            value = truth.get((item["file"], item["field"]), item["guesses"][0] if item["guesses"] else None)
            if value is None:
                press(driver, Keys.ESCAPE)
            else:
                control(driver, "a")
                press(driver, value if value else Keys.BACKSPACE, Keys.ENTER)
                if driver.execute_script("return state.at") == index: press(driver, Keys.ENTER)  # as written
            assert driver.execute_script("return state.at") == index + 1, item
            seconds.append(time.time() - start)
            keyed += 1
        control(driver, "s")
        time.sleep(1)
        problems = [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]
        assert not problems, problems
        driver.quit()
        if args.shots:
            driver = browser(work / "dark", downloads, dark=True)
            driver.get(page.as_uri())
            press(driver, "x", Keys.ENTER)
            driver.save_screenshot(f"{args.shots}/review-dark.png")
            driver.quit()
    answers = sorted(str(p) for p in downloads.glob("*.json"))
    subprocess.run([args.trainer, "forms", "merge", str(results), *answers], check=True)
    open_fields = json.loads((results / "summary.json").read_text())
    assert open_fields["review"] == 0 and open_fields["differs"] == 0, open_fields
    print(f"{keyed} fields keyed by keyboard alone, none lost; every field is decided")


if __name__ == "__main__":
    main()
