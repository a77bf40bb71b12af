// A page that waits looks again every few seconds and changes where it stands, so that nothing jumps and the focus stays. Without scripts the browser loads all of it anew.
"use strict";
(() => {
  const seconds = Number(document.currentScript.dataset.seconds);
  const parts = (page) => [...page.querySelectorAll('#main [role="status"]')];

  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.redirected || !page.querySelector('script[src*="js/renew.js"]')) return location.reload();
      const fresh = parts(page);
      parts(document).forEach((part, at) => {
        if (fresh[at] && fresh[at].innerHTML !== part.innerHTML && !part.contains(document.activeElement)) part.replaceChildren(...fresh[at].childNodes);
      });
    } catch {
      // The line is down: the next look may find it up.
    }
    setTimeout(look, seconds * 1000);
  };
  setTimeout(look, seconds * 1000);
})();
