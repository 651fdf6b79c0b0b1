"""Drives Chromium (playwright) over the report of a run folder, and fails where a control does not do what it says.

    python viewer.py RUN [--screenshots FOLDER]

CHROMIUM names the browser; without it, /usr/bin/chromium if there is one, else playwright's own.
"""

import gzip
import importlib.util
import os
import re
import struct
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

RUN = Path(sys.argv[1]).resolve()
SCREENSHOTS = Path(sys.argv[3]) if len(sys.argv) > 3 else None
STAGE = "#viewer .stage"
PICTURE = f"{STAGE} canvas[role=img]"


def volume(path):
    """Values of a NIfTI file (axes to R, A and S) as a function of the index [z, y, x] of axes to S, P and L."""
    raw = gzip.decompress(path.read_bytes())
    nx, ny = struct.unpack("<hh", raw[42:46])
    kind = struct.unpack("<h", raw[70:72])[0]
    slope, shift = struct.unpack("<ff", raw[112:120])
    code, size = {4: ("<h", 2), 16: ("<f", 4), 512: ("<H", 2)}[kind]
    start = int(struct.unpack("<f", raw[108:112])[0])

    assert struct.unpack("<f", raw[280:284])[0] > 0 and struct.unpack("<f", raw[300:304])[0] > 0, "axes to R and A"

    def at(z, y, x):
        y, x = ny - 1 - y, nx - 1 - x
        value = struct.unpack_from(code, raw, start + size * ((z * ny + y) * nx + x))[0]
        return value * (slope or 1) + shift

    return at


class Page:
    """The page in a browser of a kind, which must stay silent."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said = []
        # Chromium warns of frequent reads of pixels, which are made by this test and not by the page.
        ours = "willReadFrequently"
        self.page.on("console", lambda message: ours in message.text or self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked(request.url))
        self.page.goto((RUN / "report.html").as_uri())

    def asked(self, url):
        if url != (RUN / "report.html").as_uri() and not url.startswith("data:"):
            self.said.append(f"request of {url[:100]}")

    def ready(self):
        self.page.wait_for_selector("#viewer[data-ready]", timeout=60_000)
        return self

    def settle(self):
        """Waits until what was asked for is drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, key):
        self.page.locator(STAGE).press(key)
        self.settle()

    def click(self, name):
        self.page.locator("#viewer").get_by_role("button", name=name, exact=True).click()
        self.settle()

    def pixels(self, number=0):
        """The pixels of a picture, as one text."""
        return self.page.locator(PICTURE).nth(number).evaluate("(canvas) => canvas.toDataURL()")

    def pixel(self, number, x, y):
        """Red, green and blue at a part of the width and the height of a picture."""
        script = """(canvas, [x, y]) => Array.from(canvas.getContext("2d")
            .getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3))"""
        return self.page.locator(PICTURE).nth(number).evaluate(script, [x, y])

    def text(self, selector, number=0):
        return self.page.locator(selector).nth(number).inner_text()

    def reading(self, number):
        """The value beside the name of a picture."""
        return float(self.text(f"{STAGE} .reading", number).split()[0].replace("\u2212", "-"))

    def drag(self, start, end, number=0, button="left", shift=False):
        """Drags over a picture, between parts of its width and height."""
        box = self.page.locator(PICTURE).nth(number).bounding_box()
        at = lambda part: (box["x"] + part[0] * box["width"], box["y"] + part[1] * box["height"])
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.move(*at(start))
        self.page.mouse.down(button=button)
        self.page.mouse.move(*at(end), steps=4)
        self.page.mouse.up(button=button)
        if shift:
            self.page.keyboard.up("Shift")
        self.page.mouse.move(0, 0)
        self.settle()

    def screenshot(self, name):
        if SCREENSHOTS:
            SCREENSHOTS.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def end(self):
        assert not self.said, self.said
        self.context.close()


def values_are_those_of_the_files(page):
    at = [volume(RUN / name) for name in ["truth.nii.gz", "fdk/volume.nii.gz", "sirt/volume.nii.gz"]]
    index = [10, 12, 14]
    for move in [None, "ArrowUp", "PageUp", "ArrowDown"]:
        if move:
            page.press(move)
            index[0] = min(max(index[0] + {"ArrowUp": 1, "PageUp": 10, "ArrowDown": -1}[move], 0), 19)
        for number, value in enumerate(at):
            assert abs(page.reading(number) - value(*index)) < 4, (move, number, page.reading(number), value(*index))
    # The left edge is the patient's right, the first column; the last row of an axial slice is posterior.
    page.page.locator(PICTURE).first.click(position={"x": 2, "y": 2})
    page.page.mouse.move(0, 0)
    page.settle()
    assert abs(page.reading(1) - at[1](index[0], 0, 0)) < 4
    page.press("c")
    page.page.locator(PICTURE).first.click(position={"x": 2, "y": 2})
    page.page.mouse.move(0, 0)
    page.settle()
    assert abs(page.reading(2) - at[2](19, 0, 0)) < 4, "the upper edge of a coronal slice is superior"
    page.press("a")


def slices_scroll(page):
    before, place = page.pixels(), page.text("#viewer .slider output")
    page.page.locator(PICTURE).first.hover()
    for _ in range(4):
        page.page.mouse.wheel(0, -100)
        page.settle()
    page.page.mouse.move(0, 0)
    assert page.pixels() != before and page.text("#viewer .slider output") != place
    page.page.get_by_label("axial slice").fill("10")
    page.settle()
    assert page.page.get_by_label("axial slice").input_value() == "10"


def windows_change_greys(page):
    before, bar = page.pixels(), page.text("#viewer .color-bar")
    page.click("Bone")
    assert page.pixels() != before and page.text("#viewer .color-bar").split() == ["\u2212500", "1300", "HU"]
    page.press("1")
    assert page.pixels() == before and page.text("#viewer .color-bar") == bar
    page.drag((0.3, 0.3), (0.6, 0.6), button="right")
    assert page.text("#viewer .color-bar") != bar
    page.click("Object")


def zoom_and_pan(page):
    before = page.pixels()
    page.press("+")
    larger = page.pixels()
    page.drag((0.5, 0.5), (0.7, 0.7), button="middle")
    assert len({before, larger, page.pixels()}) == 3
    page.press("0")
    assert page.pixels() == before


def comparisons(page):
    page.press("b")
    page.press(" ")
    one, name = page.pixels(), page.text(f"{STAGE} figcaption b")
    page.press(" ")
    assert page.pixels() != one and page.text(f"{STAGE} figcaption b") != name
    page.screenshot("blink")
    page.press("w")
    inside = page.pixel(0, 0.75, 0.5)
    page.drag((0.5, 0.1), (0.9, 0.1))
    assert page.pixel(0, 0.75, 0.5) != inside, "the divider has passed this pixel"
    page.screenshot("swipe")
    page.press("d")
    page.screenshot("difference")
    red, green, blue = page.pixel(0, 0.3, 0.3)
    assert red == green == blue, "the truth stays grey"
    coloured = [page.pixel(1, x / 20, y / 20) for x in range(20) for y in range(20)]
    assert any(r > b + 30 for r, _, b in coloured) and any(b > r + 30 for r, _, b in coloured)
    assert page.text("#viewer .color-bar").startswith("\u2212")
    page.press("u")
    names = [page.text(f"{STAGE} figcaption b", k) for k in range(page.page.locator(f"{STAGE} figcaption b").count())]
    assert "siren: uncertainty" in names and "siren: |error|" in names and "fdk: |error|" in names, names
    page.screenshot("uncertainty")
    page.press("m")


def profile(page):
    page.drag((0.1, 0.5), (0.9, 0.5), shift=True)
    assert page.page.locator("#viewer .profile > svg path").count() == 4
    assert "mm long" in page.text("#viewer .profile figcaption")
    page.screenshot("profile")
    page.press("Escape")
    assert page.page.locator("#viewer .profile").is_hidden()


def planes(page):
    page.press("x")
    assert page.page.locator(PICTURE).count() == 12
    letters = page.text(f"{STAGE} .tile-row")
    assert all(letter in letters for letter in "RLAPSI")
    page.screenshot("planes")
    page.press("a")
    page.page.locator("#viewer .seen").get_by_text("sirt").click()
    page.settle()
    assert page.page.locator(PICTURE).count() == 3
    page.page.locator("#viewer .seen").get_by_text("sirt").click()
    page.settle()


def phone(browser):
    page = Page(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).ready()
    width = page.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} pixels wide on a phone of 390"
    page.page.locator(PICTURE).first.tap(position={"x": 30, "y": 30})
    page.settle()
    assert page.text("#viewer .position").startswith("x = \u2212")
    page.screenshot("phone")
    page.end()


def dark(browser):
    page = Page(browser, color_scheme="dark").ready()
    page.screenshot("dark")
    color = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in color.strip("rgb()").split(",")) < 150, color
    page.end()


def without_script_and_on_paper(browser):
    plain = Page(browser, java_script_enabled=False)
    assert plain.page.locator("#viewer").is_hidden() and plain.page.locator("#images img").first.is_visible()
    plain.end()
    page = Page(browser).ready()
    assert page.page.locator("#images").is_hidden()
    page.page.emulate_media(media="print")
    assert page.page.locator("#viewer").is_hidden() and page.page.locator("#images img").first.is_visible()
    page.end()


def contents_lead_somewhere(browser):
    page = Page(browser).ready()
    links = page.page.locator("nav.contents a")
    shown = [links.nth(k) for k in range(links.count()) if links.nth(k).is_visible()]
    assert len(shown) > 5, [link.inner_text() for link in shown]
    for link in shown:
        target = page.page.locator(link.get_attribute("href"))
        assert target.count() == 1 and target.is_visible(), link.inner_text()
    page.end()


def paper(browser):
    """Two to four pages, folds closed."""
    page = Page(browser).ready()
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.page.pdf(prefer_css_page_size=True)))
    assert 2 <= sheets <= 4, f"{sheets} pages"
    page.end()


def no_barriers(browser):
    """No finding of axe, where the package axe-playwright-python brings it; no id given twice."""
    found = importlib.util.find_spec("axe_playwright_python")
    axe = (Path(found.origin).parent / "axe.min.js").read_text() if found else None
    for scheme in ["light", "dark"]:
        page = Page(browser, color_scheme=scheme, bypass_csp=True).ready()
        twice = """(() => { const all = Array.from(document.querySelectorAll("[id]"), (e) => e.id);
            return all.length - new Set(all).size; })()"""
        assert page.page.evaluate(twice) == 0, "an id is given once"
        if axe:
            page.page.evaluate(axe)
            findings = page.page.evaluate("axe.run()")["violations"]
            assert not findings, [(f["id"], f["help"], f["nodes"][0]["html"][:200]) for f in findings]
        page.end()
    print("axe:", "no finding" if axe else "not installed, skipped")


def main():
    chromium = os.environ.get("CHROMIUM") or ("/usr/bin/chromium" if Path("/usr/bin/chromium").exists() else None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = Page(browser, viewport={"width": 1400, "height": 1000}).ready()
        page.screenshot("wide")
        for step in [values_are_those_of_the_files, slices_scroll, windows_change_greys, zoom_and_pan, comparisons,
                     profile, planes]:
            step(page)
            print(f"passed: {step.__name__}")
        page.end()
        steps = [phone, dark, without_script_and_on_paper, contents_lead_somewhere, paper, no_barriers]
        for step in steps:
            step(browser)
            print(f"passed: {step.__name__}")
        browser.close()


main()
