"""A browser without scripts: it reads pages, fills in the forms it finds there and presses their buttons, as a visitor does.

What a form does not offer cannot be sent with it, so a test that walks through pages also shows that they can be walked through.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient

from tests.markup import Reader

HOST = "http://localhost"
_TOKEN = re.compile(r'<input[^>]* name="csrf_token"[^>]* value="([^"]+)"')


@dataclass
class Form:
    """One form with what stands in it."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    offered: dict[str, list[str]] = field(default_factory=dict)
    """Of radio buttons, ticks and lists: the values that can be chosen."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """(words, name, value), in the order of the page."""

    def values(self, name: str) -> list[str]:
        """What would be sent under a name."""
        return [value for its_name, value in self.fields if its_name == name]


@dataclass(frozen=True)
class Page:
    """What came back."""

    path: str
    status: int
    html: str
    headers: Mapping[str, str]

    @property
    def text(self) -> str:
        """Its words, with single spaces."""
        return self._read[0]

    @property
    def forms(self) -> tuple[Form, ...]:
        """Its forms, in their order."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[str, tuple[Form, ...]]:
        reader = _Reader(urlsplit(self.path).path)
        reader.feed(self.html)
        return " ".join(" ".join(reader.words).split()), tuple(reader.forms)

    @property
    def token(self) -> str:
        """What its forms carry against forgery; '' if it has none."""
        return found[1] if (found := _TOKEN.search(self.html)) else ""

    def form(self, action: str) -> Form:
        """The form that goes to an address beginning so."""
        found = [form for form in self.forms if form.action.startswith(action)]
        assert found, f"no form goes to {action}: {[form.action for form in self.forms]}"
        return found[0]


class Browser:
    """Opens pages, follows redirects within the shop, stops at its border."""

    def __init__(self, client: FlaskClient, language: str = "zh") -> None:
        self.client = client
        self.language = language
        self.page = Page("", 0, "", {})
        self._token = ""

    def open(self, path: str) -> Page:
        """Go to an address."""
        return self._went("GET", path, [])

    def press(self, action: str, button: str = "", typed: Mapping[str, str | None] | None = None) -> Page:
        """Fill in the form that goes to `action` and press the button whose words begin with `button`; '' sends it by its first.

        `typed`: name → text; for a radio button, tick or list one of its values, None for unticked.
        """
        form = self.page.form(action)
        fields = list(form.fields)
        for name, value in (typed or {}).items():
            known = [its_name for its_name, _ in form.fields] + list(form.offered)
            assert name in known, f"the form has no {name}: {known}"
            if name in form.offered and value is not None:
                assert value in form.offered[name], f"{name} offers {form.offered[name]}, not {value}"
            fields = [pair for pair in fields if pair[0] != name]
            if value is not None:
                fields.append((name, value))
        pressed = [found for found in form.buttons if found[0].startswith(button)] if button else form.buttons[:1]
        assert pressed or not button, f"no button says {button}: {form.buttons}"
        if pressed and pressed[0][1]:
            fields.append((pressed[0][1], pressed[0][2]))
        return self._went(form.method, form.action, fields)

    def send(self, path: str, fields: Mapping[str, str]) -> Page:
        """Post what no form offers, with the token of the last page that had one, as somebody with a tool of their own would."""
        return self._went("POST", path, [("csrf_token", self._token), *fields.items()])

    def _went(self, method: str, path: str, fields: list[tuple[str, str]]) -> Page:
        headers = {"Accept-Language": self.language, "Referer": HOST + "/"}
        body: dict[str, list[str]] = {}
        for name, value in fields:
            body.setdefault(name, []).append(value)
        response = self.client.open(path, method=method, data=body if method == "POST" else None, headers=headers)
        for _ in range(6):
            if response.status_code not in (301, 302, 303, 307, 308):
                break
            path = urljoin(HOST + path, response.headers["Location"])
            if not path.startswith(HOST + "/"):
                self.page = Page(path, response.status_code, "", dict(response.headers))
                return self.page
            path = path.removeprefix(HOST)
            response = self.client.get(path, headers=headers)
        html = response.get_data().decode("utf-8", "replace")  # a paper is shown as it is
        self.page = Page(path, response.status_code, html, dict(response.headers))
        self._token = self.page.token or self._token
        return self.page


class _Reader(Reader):
    """Words and forms of a page."""

    tags = frozenset({"form", "input", "button", "textarea", "select", "option"})

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.words: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: tuple[str, str] | None = None
        self._button_words: list[str] = []
        self._select = ""
        self._option: tuple[str | None, bool] | None = None
        self._chosen: str | None = None
        self._text: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value")
        if tag == "form":
            self._form = Form(given.get("action") or self.path, (given.get("method") or "get").upper())
            self.forms.append(self._form)
        if self._form is None or "disabled" in given:
            return
        if tag == "input" and name:
            self._read_input(name, value, given.get("type") or "text", "checked" in given)
        elif tag == "button":
            self._button, self._button_words = (name, value or ""), []
        elif tag == "textarea" and name:
            self._text = (name, [])
        elif tag == "select":
            self._select, self._chosen = name, None
            self._form.offered[name] = []
        elif tag == "option":
            self._option = (value, "selected" in given)

    def _read_input(self, name: str, value: str | None, kind: str, is_checked: bool) -> None:
        assert self._form is not None
        if kind in ("radio", "checkbox"):
            self._form.offered.setdefault(name, []).append(value or "on")
            if is_checked:
                self._form.fields.append((name, value or "on"))
        else:
            self._form.fields.append((name, value or ""))

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._button is not None:
            self._button_words.append(data)
        if self._text is not None:
            self._text[1].append(data)
        if self._option is not None and self._form is not None:
            value = self._option[0] if self._option[0] is not None else data.strip()
            self._form.offered[self._select].append(value)
            if self._option[1] or self._chosen is None:
                self._chosen = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._form is not None and self._text is not None:
            self._form.fields.append((self._text[0], "".join(self._text[1]).removeprefix("\r\n").removeprefix("\n")))
            self._text = None
        elif tag == "option":
            self._option = None
        elif tag == "select" and self._form is not None and self._select:
            self._form.fields.append((self._select, self._chosen or ""))
            self._select = ""
        elif tag == "button" and self._button is not None and self._form is not None:
            self._form.buttons.append((" ".join("".join(self._button_words).split()), *self._button))
            self._button = None
