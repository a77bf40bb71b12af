// Suggestions beneath the search while somebody types (ARIA combobox with a list). Without script the shelves answer the same question.
for (const input of document.querySelectorAll(".search input[name=q]")) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `${input.id}-list`;
  list.role = "listbox";
  list.ariaLabel = input.labels[0]?.textContent ?? "";
  list.hidden = true;
  input.form.append(list);
  input.autocomplete = "off";
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) {
    input.setAttribute(name, value);
  }
  let waiting, asked = "", at = -1, going;

  const shut = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (to) => {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = to;
    const option = list.children[at];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const marked = (text, hits) => {
    const line = document.createElement("span");
    let from = 0;
    for (const [start, end] of hits) {
      const mark = document.createElement("mark");
      const letters = [...text];
      mark.textContent = letters.slice(start, end).join("");
      line.append(letters.slice(from, start).join(""), mark);
      from = end;
    }
    line.append([...text].slice(from).join(""));
    return line;
  };
  const draw = (found) => {
    list.replaceChildren(...found.map((thing, number) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${number}`;
      option.role = "option";
      option.setAttribute("aria-selected", "false");
      option.dataset.href = thing.href;
      const note = document.createElement("small");
      note.textContent = thing.note;
      option.append(marked(thing.text, thing.hits), note);
      return option;
    }));
    at = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  const ask = async () => {
    const words = input.value.trim();
    if (words === asked) return;
    asked = words;
    going?.abort();
    if (!words) return shut();
    going = new AbortController();
    try {
      const answer = await fetch(`/suggest?q=${encodeURIComponent(words)}`, { signal: going.signal });
      if (answer.ok && document.activeElement === input) draw(await answer.json());
    } catch { /* slow or broken lines: the button still works */ }
  };

  input.addEventListener("input", (event) => {
    if (event.isComposing) return; // pinyin is still being typed into characters
    clearTimeout(waiting);
    waiting = setTimeout(ask, 160);
  });
  input.addEventListener("compositionend", () => ask());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "Escape" && count) shut();
    else if (event.key === "ArrowDown" && count) choose((at + 1) % count);
    else if (event.key === "ArrowUp" && count) choose(at <= 0 ? count - 1 : at - 1);
    else if (event.key === "Enter" && count && at >= 0) location.assign(list.children[at].dataset.href);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", shut);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the field keeps the focus until the click is done
    const option = event.target.closest("[data-href]");
    if (option && event.button === 0) location.assign(option.dataset.href);
  });
}
