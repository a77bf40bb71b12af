// Shows what the telephone keeps because there was no line (stock-worker.js keeps and sends it), and asks that it be sent. Without script the forms of
// the shelves are plain forms.
"use strict";
(async () => {
  const box = document.getElementById("kept");
  if (!box || !navigator.serviceWorker) return;
  const words = box.dataset, me = words.me, said = box.lastElementChild;

  // A page that comes from the telephone's own store must not use a key twice for two changes.
  for (const form of document.querySelectorAll(".stock-form"))
    form.elements.once.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  const isNew = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register(words.worker, { scope: words.scope, updateViaCache: "none" });
  const worker = (await navigator.serviceWorker.ready).active;
  const ask = (deed, more) =>
    new Promise((resolve) => {
      const line = new MessageChannel();
      line.port1.onmessage = (event) => resolve(event.data);
      worker.postMessage({ deed, me, ...more }, [line.port2]);
    });

  const send = async () => {
    show(await ask("list"));
    const answer = await ask("send");
    show(answer);
    if (answer.sent || (answer.isReached && answer.isOld)) tell(answer.sent);
    if (answer.entries.some((entry) => !entry.refused)) setTimeout(send, 20_000);
  };

  // The figures have changed: the page is fetched anew, unless somebody is in the middle of a row.
  const tell = (count) => {
    const isBusy = [...document.querySelectorAll(".stock-item [open] form")].some((form) => form.count.value || form.querySelector('[name="change"]:checked'));
    if (!isBusy) return location.reload();
    if (count) said.append(line(words.sent.replace("{n}", count)), link(words.again, () => location.reload()));
    box.hidden = false;
  };

  const show = ({ entries, isOld }) => {
    const waiting = entries.filter((entry) => !entry.refused);
    said.replaceChildren();
    for (const row of document.querySelectorAll("[data-kept]")) delete row.dataset.kept;
    if (isOld) {
      const drawn = new Date(document.querySelector('.stock-form [name="at"]').value * 1000);
      said.append(line(words.old.replace("{when}", drawn.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }))));
      for (const flash of document.querySelectorAll(".flashes")) flash.remove(); // said once already
    }
    if (waiting.length) said.append(line(words.waiting.replace("{n}", waiting.length)));
    for (const entry of entries) {
      const fields = new URLSearchParams(entry.body);
      const row = document.getElementById(`item-${entry.path.split("/").pop()}`);
      if (entry.refused) refused(entry, fields, row);
      else if (row) unsent(fields, row);
    }
    box.hidden = !said.hasChildNodes();
  };

  const unsent = (fields, row) => {
    const figure = row.querySelector(".stock-count b"), seen = row.querySelector('[name="seen"]');
    seen.dataset.drawn ??= seen.value;
    const before = Number(row.dataset.kept ?? seen.dataset.drawn), count = Number(fields.get("count"));
    const after = !fields.get("count") ? before + Number(fields.get("change")) : ({ more: before + count, less: before - count }[fields.get("way")] ?? count);
    row.dataset.kept = seen.value = figure.textContent = after; // what comes next has seen this figure, and it will be there before it
    row.querySelector(".stock-age > span").textContent = words.unsent;
    row.classList.add("is-kept");
  };

  const refused = (entry, fields, row) => {
    const what = row ? row.querySelector(".stock-what b").textContent : "";
    const again = link(words.look, () => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = entry.path;
      fields.set("csrf_token", document.querySelector('[name="csrf_token"]').value);
      for (const [name, value] of fields) form.append(hidden(name, value));
      document.body.append(form);
      form.submit();
    });
    said.append(line(words.refused.replace("{what}", what)), again);
  };

  const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
  const link = (text, deed) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button is-quiet", textContent: text });
    button.addEventListener("click", deed);
    return button;
  };
  function hidden(name, value) {
    return Object.assign(document.createElement("input"), { type: "hidden", name, value });
  }

  const files = () =>
    [
      ...[...document.querySelectorAll('link[rel="stylesheet"]')].map((sheet) => sheet.href),
      ...[...document.querySelectorAll("script[src], .stock-item img, .stock-products img")].map((part) => part.src),
      ...[...document.querySelectorAll("use")].map((part) => new URL(part.href.baseVal.split("#")[0], location).href),
    ].filter((path) => new URL(path).pathname.startsWith("/static/"));

  addEventListener("online", send);
  navigator.serviceWorker.addEventListener("message", (event) => event.data === "sent" && document.querySelector(".is-kept") && location.reload()); // a page drawn since then says it already
  document.querySelector('.coop-foot form')?.addEventListener("submit", () => caches.delete("stock"));
  if (isNew) ask("learn", { paths: [...new Set(files())] });
  send();
})();
