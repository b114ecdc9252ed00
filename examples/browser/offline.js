// Keeps the page's files, so that it works without a network after its first visit.
const NAME = "digits-1";
const FILES = ["./", "page.mjs", "model/index.mjs", "model/penstock_model.mjs", "model/digits.wasm"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)));
  self.skipWaiting();
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
});
