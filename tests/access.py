"""Reads finished pages as their strictest readers do: axe-core for people who see, hear or move otherwise, html-validate for the letter of HTML.

Both come from npm, pinned in tests/chromium/package.json; `make test-browser` and `make soak` put them into .venv/pages.
"""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / ".venv" / "pages" / "node_modules"

ASKED = """async () => {
  // A bar that stays in sight covers what is scrolled away; that nothing with the focus is covered, the keyboard's test sees.
  for (const bar of document.querySelectorAll('body *')) if (getComputedStyle(bar).position === 'sticky') bar.style.position = 'static';
  const found = await axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } });
  const why = node => [...node.any, ...node.all, ...node.none].map(check => check.message).slice(0, 1);
  const said = (law, node) => `${law.id}: ${node.target.join(' ')}: ${node.html.slice(0, 160)}: ${why(node)}`;
  return found.violations.flatMap(law => law.nodes.slice(0, 3).map(node => said(law, node)));
}"""

LAWS = {
    "root": True,
    "extends": ["html-validate:standard"],
    "rules": {
        "no-trailing-whitespace": "off",  # how a template breaks its lines is no matter of HTML
        "void-style": "off",
        "attribute-boolean-style": "off",  # WTForms writes them its own way
        "attribute-empty-style": "off",
        "no-implicit-button-type": "off",  # a button in a form submits: what ours do
        "require-sri": "off",  # sheets and scripts are our own
        "long-title": "off",
        "tel-non-breaking": "off",
    },
}


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, best practices and the size of targets included."""
    page.evaluate(_axe())
    return [str(each) for each in page.evaluate(ASKED)]


@cache
def _axe() -> str:
    path = MODULES / "axe-core" / "axe.min.js"
    assert path.is_file(), "make test-browser installs axe-core (npm)"
    return path.read_text(encoding="utf-8")


def faults(pages: Mapping[str, str]) -> list[str]:
    """What html-validate finds wrong with pages: name → HTML."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / ".htmlvalidate.json").write_text(json.dumps(LAWS), encoding="utf-8")
        names = {}
        for number, (name, html) in enumerate(pages.items()):
            path = folder / f"{number}.html"
            path.write_text(html, encoding="utf-8")
            names[str(path)] = name
        report = folder / "report.json"  # a pipe would be cut off at 64 kB
        command = [str(MODULES / ".bin" / "html-validate"), "--formatter", f"json={report}", str(folder / "*.html")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        found = json.loads(report.read_text(encoding="utf-8"))
    return [
        f"{names[file['filePath']]}:{fault['line']}: {fault['ruleId']}: {fault['message']} ({fault.get('selector')})"
        for file in found
        for fault in file["messages"]
    ]
