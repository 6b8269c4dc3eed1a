// Copies a lesson as Markdown. Without this file, or where there is no clipboard, the link shows the same text.

async function copy(event) {
  const link = event.target.closest("a.copy");
  if (!link || !navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const said = link.textContent;
  try {
    const response = await fetch(link.href);
    if (!response.ok) throw new Error(response.statusText);
    await navigator.clipboard.writeText(await response.text());
    link.textContent = link.dataset.copied;
    setTimeout(() => (link.textContent = said), 2000);
  } catch {
    location.assign(link.href);
  }
}

document.addEventListener("click", copy);
