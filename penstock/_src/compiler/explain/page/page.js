"use strict";
// What belongs together is highlighted while the pointer is over one of it, and stays so after a click.
(() => {
  const links = JSON.parse(document.getElementById("links").textContent);
  const linked = (id) => (links[id] || "").split(" ").filter(Boolean);
  let held = null;

  // Within a notebook the page is light or dark as the notebook is, whose theme the system's does not tell.
  function followFrame() {
    for (let around = window.frameElement; around; around = around.parentElement) {
      const color = around.ownerDocument.defaultView.getComputedStyle(around).backgroundColor;
      const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
      if (!color.startsWith("rgb") || alpha < 0.5) continue;
      const brightness = 0.3 * red + 0.6 * green + 0.1 * blue;
      document.documentElement.dataset.theme = brightness < 128 ? "dark" : "light";
      return;
    }
  }
  followFrame();

  // An element, its neighbors, and the source lines of the operations among them; of a line also its operations' kernels.
  function related(id) {
    const found = new Set([id, ...linked(id)]);
    if (id[0] === "t") for (const other of linked(id)) for (const one of linked(other)) found.add(one);
    for (const one of [...found]) {
      if (one[0] !== "o") continue;
      for (const other of linked(one)) if (other[0] === "s" || id[0] === "s") found.add(other);
    }
    for (const one of [...found]) {
      if (one[0] !== "k" && one[0] !== "h") continue;
      for (const other of linked(one)) if (other[0] === "t") found.add(other);
    }
    return found;
  }

  function show(id) {
    const found = id === null ? new Set() : related(id);
    document.body.classList.toggle("selecting", id !== null);
    for (const item of document.querySelectorAll(".item")) item.classList.toggle("on", found.has(item.id));
    for (const path of document.querySelectorAll("path")) {
      path.classList.toggle("on", found.has(path.dataset.from) && found.has(path.dataset.to));
    }
    return found;
  }

  // Scrolls each column but the one that was clicked to the first that is highlighted.
  function reveal(item) {
    const own = item.closest("section");
    for (const section of document.querySelectorAll("section")) {
      const first = section.querySelector(".item.on");
      const inline = section.id === "operations" ? "center" : "start";
      if (section !== own && first) first.scrollIntoView({ block: "center", inline });
    }
  }

  const graph = document.querySelector("#operations .scroll");
  if (graph) graph.scrollLeft = (graph.scrollWidth - graph.clientWidth) / 2; // layers are centered

  for (const item of document.querySelectorAll(".item")) {
    item.addEventListener("mouseenter", () => { if (held === null) show(item.id); });
    item.addEventListener("mouseleave", () => { if (held === null) show(null); });
    item.addEventListener("click", () => {
      held = held === item.id ? null : item.id;
      show(held);
      if (held !== null) reveal(item);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { held = null; show(null); }
  });
})();
