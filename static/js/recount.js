// Presses 更新市县 by itself when a region, an address or a way of sending was chosen, and changes the page where it stands. Without it the buttons do the same.
"use strict";
(() => {
  const main = document.getElementById("main");
  let waiting = null;

  const hide = () => main.querySelectorAll("[data-recount-button]").forEach((part) => (part.hidden = true));

  const recount = async (control) => {
    const form = control.form;
    const fields = new FormData(form);
    fields.append("act", control.dataset.recount);
    if (waiting) waiting.abort();
    waiting = new AbortController();
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, signal: waiting.signal });
      if (answer.redirected || !answer.headers.get("Content-Type").startsWith("text/html")) throw new Error("not this page");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("#main form[data-recounts]");
      if (!fresh) throw new Error("not this page");
      keep(form, fresh);
      const at = document.activeElement, id = at && at.id, name = at && at.name, value = at && at.value;
      main.replaceChildren(...page.getElementById("main").childNodes);
      hide();
      const back = (id && document.getElementById(id)) || [...main.querySelectorAll(`[name="${name}"]`)].find((one) => one.value === value);
      if (back) back.focus({ preventScroll: true });
      const sum = main.querySelector("[data-said]");
      const said = document.getElementById("recounted");
      if (said && sum) said.textContent = sum.dataset.said;
    } catch (trouble) {
      if (trouble.name !== "AbortError") form.requestSubmit(form.querySelector('button[name="act"][value="region"]') || undefined);
    }
  };

  // What was typed while the answer was on its way.
  const keep = (before, after) => {
    for (const field of before.querySelectorAll('input[type="text"][id], input[type="email"][id], input[type="tel"][id], textarea[id]')) {
      const twin = after.querySelector(`#${CSS.escape(field.id)}`);
      if (twin && twin.tagName === field.tagName) twin.value = field.value;
    }
  };

  main.addEventListener("change", (event) => {
    if (event.target.dataset.recount && event.target.form) recount(event.target);
  });
  hide();
})();
