// Asking, made quicker: every page works without this file.
// While one types, the nearest lessons open in a panel under the box. They lie over the page, so nothing moves; an
// answer that comes late is dropped; and the server keeps nothing of what is typed, only of what is asked.

const PAUSE_MS = 140;
const MIN_CHARS = 3;

const form = document.querySelector("form.search");
const box = form?.elements.q;
const asked = box?.value.trim() ?? "";
const known = new Map();
let panel = null;
let timer = 0;
let running = null;

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]");
const nearLinks = () => [...(panel?.querySelectorAll("a.near") ?? [])];
const cardLinks = () => [...document.querySelectorAll("main .card .title, main .row .title")];
const isOpen = () => panel !== null && !panel.hidden;

function address() {
  return `${form.dataset.near}?${new URLSearchParams(new FormData(form))}`;
}

function close() {
  clearTimeout(timer);
  running?.abort();
  if (panel) panel.hidden = true;
}

function show(fragment) {
  if (!panel) {
    panel = document.createElement("div");
    panel.className = "panel";
    form.after(panel);
  }
  if (panel.dataset.shown !== fragment) {
    panel.replaceChildren(...new DOMParser().parseFromString(fragment, "text/html").body.childNodes);
    panel.dataset.shown = fragment;
  }
  panel.hidden = false;
}

async function look() {
  const place = address();
  running?.abort();
  if (known.has(place)) return show(known.get(place));
  running = new AbortController();
  try {
    const response = await fetch(place, { signal: running.signal, headers: { Accept: "text/html" } });
    if (!response.ok) return close();
    known.set(place, await response.text());
    if (document.activeElement === box && place === address()) show(known.get(place));
  } catch (fault) {
    if (fault.name !== "AbortError") close();
  }
}

function typed() {
  clearTimeout(timer);
  const text = box.value.trim();
  if (text.length < MIN_CHARS || text === asked) close();
  else timer = setTimeout(look, PAUSE_MS);
}

// Arrows go from the box into the panel, or into the answer, and back.
function move(event) {
  const step = event.key === "ArrowDown" ? 1 : -1;
  const links = isOpen() ? nearLinks() : cardLinks();
  const at = links.indexOf(document.activeElement);
  const isInBox = document.activeElement === box;
  if ((at < 0 && !isInBox) || (isInBox && step < 0)) return;
  const next = links[at + step];
  if (!next && !(at === 0 && step < 0)) return;
  event.preventDefault();
  (next ?? box).focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const isInPanel = panel?.contains(event.target);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event);
  else if (event.key === "Escape" && isOpen()) {
    event.preventDefault();
    box.focus();
    close();
  } else if (event.key === "/" && !isTyping(event.target)) {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (isInPanel && event.key.length === 1 && event.key !== " ") box.focus();
}

if (box) {
  box.addEventListener("input", typed);
  form.addEventListener("submit", close);
  document.addEventListener("keydown", pressed);
  document.addEventListener("focusin", (event) => {
    if (!form.parentElement.contains(event.target)) close();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!form.parentElement.contains(event.target)) close();
  });
  // Coming back finds the page as it was left, without a panel from before.
  addEventListener("pageshow", close);
}
