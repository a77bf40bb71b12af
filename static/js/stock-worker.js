// Keeps what is saved on the shelves until the shop has answered, and sends it again when the line is back. Each entry is kept before it is
// sent, under the key that its form was given; the shop does nothing twice for one key, so sending once more is always safe.
"use strict";
const HOME = new URL(self.registration.scope).pathname;
const STORE = "stock";
const PATIENCE_MS = 12_000;
const PAGE_LIVES_MS = 12 * 3_600_000; // the page as it was seen last, with colleagues' names, is not kept longer than a working day
const SAVES = new RegExp(`^${HOME}/[0-9]+$`);
let lostAt = 0, isOld = false;

// ── What is kept ──────────────────────────────────────────────────────────────────────────────────────────────────────

const opened = () =>
  new Promise((resolve, reject) => {
    const asked = indexedDB.open(STORE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("entries", { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

const inStore = async (mode, deed) => {
  const store = await opened();
  return new Promise((resolve, reject) => {
    const work = store.transaction("entries", mode);
    const asked = deed(work.objectStore("entries"));
    work.oncomplete = () => (store.close(), resolve(asked.result));
    work.onabort = work.onerror = () => (store.close(), reject(work.error));
  });
};

const keep = (entry) => inStore("readwrite", (entries) => entries.put(entry));
const forget = (entry) => inStore("readwrite", (entries) => entries.delete(entry.key));
const kept = async (me) => (await inStore("readonly", (entries) => entries.getAll())).filter((entry) => entry.me === me).sort((a, b) => a.at - b.at);

// ── Sending ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const post = (entry) =>
  fetch(entry.path, {
    method: "POST",
    body: new URLSearchParams(entry.body),
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });

// The session may have changed since the page was drawn: its token with it.
const renew = async (entry) => {
  const answer = await fetch(`${HOME}/token`, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!isJson(answer)) return false; // signed out
  const { token, me } = await answer.json();
  if (me !== entry.me) return false; // somebody else's session: what is kept waits for its owner
  const fields = new URLSearchParams(entry.body);
  fields.set("csrf_token", token);
  entry.body = fields.toString();
  return true;
};

const isJson = (answer) => (answer.headers.get("Content-Type") || "").startsWith("application/json");

// The shop's answer: JSON when it was saved, a page when a person has to look, null when there was none and the entry stays.
const send = async (entry) => {
  try {
    let answer = await post(entry);
    lostAt = 0;
    if (answer.status === 400 && (await renew(entry))) answer = await post(entry);
    if (answer.redirected || answer.status >= 500 || answer.status === 400 || answer.status === 429) return null;
    return answer;
  } catch {
    lostAt = Date.now();
    return null;
  }
};

const read = (path, body) => {
  const fields = new URLSearchParams(body);
  return { key: `${path} ${fields.get("once")}`, me: fields.get("me") || "", path, body, at: Date.now(), refused: 0 };
};

const save = async (request) => {
  const entry = read(new URL(request.url).pathname, await request.text());
  await keep(entry);
  const answer = await send(entry);
  if (answer) await forget(entry);
  else if (self.registration.sync) self.registration.sync.register(STORE).catch(() => {});
  if (answer && !isJson(answer)) return answer;
  return Response.redirect(answer ? (await answer.json()).href : `${HOME}#item-${entry.path.split("/").pop()}`, 303);
};

let sending = null;
const sendAll = (me) => {
  sending ??= (async () => {
    let sent = 0, isReached = false;
    for (const entry of await kept(me)) {
      if (entry.refused) continue;
      const answer = await send(entry);
      isReached = answer !== null;
      if (!isReached) break;
      if (isJson(answer)) {
        await forget(entry);
        sent += 1;
      } else await keep({ ...entry, refused: answer.status });
    }
    return { sent, isReached };
  })().finally(() => (sending = null));
  return sending;
};

// ── The page without a line ───────────────────────────────────────────────────────────────────────────────────────────

const shelves = async (request) => {
  const cache = await caches.open(STORE);
  try {
    if (Date.now() - lostAt < 5_000) throw new Error("the line was lost a moment ago");
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.type === "opaqueredirect") await cache.delete(HOME); // signed out
    else if (answer.ok && !new URL(request.url).search) await cache.put(HOME, answer.clone());
    if (answer.status < 500) {
      isOld = false;
      return answer;
    }
  } catch {
    // as it was seen last
  }
  const page = await cache.match(HOME);
  isOld = true;
  return page && Date.now() - Date.parse(page.headers.get("Date")) < PAGE_LIVES_MS ? page : Response.error();
};

const file = async (request) => {
  const cache = await caches.open(STORE);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.delete(request, { ignoreSearch: true }); // an older version of it
    await cache.put(request, answer.clone());
  }
  return answer;
};

const learn = async (paths) => {
  const cache = await caches.open(STORE);
  await Promise.all(paths.map((path) => file(new Request(path)).catch(() => null)));
  const page = await fetch(HOME, { redirect: "manual" }).catch(() => null);
  if (page && page.ok) await cache.put(HOME, page);
};

// ── What reaches it ───────────────────────────────────────────────────────────────────────────────────────────────────

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, searchParams } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === "POST" && SAVES.test(pathname)) event.respondWith(save(request));
  else if (request.method === "GET" && pathname === HOME && request.mode === "navigate") event.respondWith(shelves(request));
  else if (request.method === "GET" && pathname.startsWith("/static/") && searchParams.has("v")) event.respondWith(file(request));
});
self.addEventListener("sync", (event) => {
  if (event.tag === STORE)
    event.waitUntil(
      (async () => {
        const every = await inStore("readonly", (entries) => entries.getAll());
        for (const me of new Set(every.map((entry) => entry.me))) await sendAll(me);
        for (const page of await self.clients.matchAll()) page.postMessage("sent");
      })(),
    );
});
self.addEventListener("message", (event) => {
  const { deed, me, paths, key } = event.data;
  event.waitUntil(
    (async () => {
      const done = deed === "send" ? await sendAll(me) : {};
      if (deed === "learn") await learn(paths);
      if (deed === "forget") await forget({ key });
      event.ports[0].postMessage({ ...done, entries: await kept(me), isOld });
    })(),
  );
});
