// While a lesson is written, shows what somebody has learned already. Without this file the preview shows it.
// What is typed is looked up and not kept.

const PAUSE_MS = 500;
const MIN_CHARS = 20;

const telling = document.querySelector("form.telling[data-alike]");
const alike = telling?.querySelector(".alike");
let pause = 0;
let looking = null;
let shown = "";

async function lookAlike() {
  const told = new URLSearchParams();
  for (const name of ["learned", "happened"]) told.set(name, telling.elements[name].value.slice(0, 2000));
  looking?.abort();
  looking = new AbortController();
  try {
    const response = await fetch(`${telling.dataset.alike}?${told}`, { signal: looking.signal });
    const fragment = response.ok ? await response.text() : shown;
    if (fragment === shown) return;
    shown = fragment;
    alike.replaceChildren(...new DOMParser().parseFromString(fragment, "text/html").body.childNodes);
  } catch {
    // Stopped by the next look, or the server is away: what is shown stays.
  }
}

telling?.addEventListener("input", (event) => {
  clearTimeout(pause);
  const { learned, happened } = telling.elements;
  const told = learned.value.trim() || happened.value.trim();
  if ([learned, happened].includes(event.target) && told.length >= MIN_CHARS) pause = setTimeout(lookAlike, PAUSE_MS);
});
