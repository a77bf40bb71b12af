// A page prints well by itself (Ctrl+P); where scripts run, a button says so.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
