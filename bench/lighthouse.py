"""`make lighthouse`: Google's Lighthouse on the pages that sell, as on a middling telephone on a slow line, against the shop as `make run` starts it.

Prints the four marks of each page and every audit that costs something. The basket holds a bag of rice.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.running import running_shop

ROOT = Path(__file__).resolve().parents[1]
LIGHTHOUSE = ROOT / ".venv" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
CHROMIUM = "/usr/bin/chromium"
PAGES = {"home": "/", "shelves": "/products/", "product": "/products/baishui-gongmi", "cart": "/cart/"}
MARKS = ("performance", "accessibility", "best-practices", "seo")


def main() -> int:
    """Measure, print, and say by the exit code whether every mark is 100."""
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse")
    parser.add_argument("--url", help="a shop that runs already")
    parser.add_argument("--language", choices=("zh-CN", "en"), default="zh-CN")
    asked = parser.parse_args()
    if asked.url:
        return measure(asked.url, asked.language)
    with running_shop() as shop:
        return measure(shop.url, asked.language)


def measure(url: str, language: str) -> int:
    """Every page of the shop at `url`."""
    cookie = fill_basket(url)
    is_full = True
    print(f"{'':10}" + "".join(f"{mark:>16}" for mark in MARKS))
    for name, path in PAGES.items():
        report = run(url + path, {"Cookie": cookie, "Accept-Language": language})
        marks = [round(100 * (report["categories"][mark]["score"] or 0)) for mark in MARKS]
        is_full = is_full and all(mark == 100 for mark in marks)
        print(f"{name:10}" + "".join(f"{mark:>16}" for mark in marks))
        for audit_id, audit in sorted(report["audits"].items()):
            weighs = any(ref["id"] == audit_id and ref["weight"] for mark in MARKS for ref in report["categories"][mark]["auditRefs"])
            if weighs and audit["score"] is not None and audit["score"] < 1:
                print(f"{'':10}  {audit_id}: {audit['score']} {audit.get('displayValue', '')}")
    return 0 if is_full else 1


def fill_basket(url: str) -> str:
    """Put a bag of rice in; returns the cookie."""
    browser = requests.Session()
    page = browser.get(f"{url}/products/baishui-gongmi", timeout=20).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    typed = {"csrf_token": token.group(1), "sku": "rice-baishui-5k", "quantity": "1"}
    answer = browser.post(f"{url}/cart/lines", typed, timeout=20)
    assert answer.status_code == 200, answer.status_code
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def run(url: str, headers: dict[str, str]) -> dict[str, dict]:  # type: ignore[type-arg]
    """One page, with Lighthouse's own idea of a telephone."""
    assert LIGHTHOUSE.is_file(), "make lighthouse installs it (npm)"
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        flags = "--headless=new --no-sandbox --disable-gpu --disable-quic --disable-background-networking"
        command = [LIGHTHOUSE, url, "--quiet", "--output=json", f"--output-path={report}", f"--chrome-flags={flags}"]
        command += [f"--extra-headers={json.dumps(headers)}", "--form-factor=mobile", "--disable-storage-reset"]
        subprocess.run(command, check=True, env={"CHROME_PATH": CHROMIUM, "PATH": os.environ["PATH"], "HOME": folder})
        return json.loads(report.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
