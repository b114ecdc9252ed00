"use strict";
// What belongs together is highlighted while the pointer is over one of it, and stays so after a click.
(() => {
  const links = JSON.parse(document.getElementById("links").textContent);
  const linked = (id) => links[id] || [];
  let held = null;

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
      if (section !== own && first) first.scrollIntoView({ block: "center", inline: "center" });
    }
  }

  const graph = document.querySelector("#operations .scroll");
  graph.scrollLeft = (graph.scrollWidth - graph.clientWidth) / 2; // layers are centered

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
