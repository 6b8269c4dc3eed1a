// The page works without this file; it only makes the keyboard quicker.
document.addEventListener("keydown", (event) => {
  const box = document.querySelector('input[name="q"][type="search"]');
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing) {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (event.key === "Escape" && typing === box) {
    box.blur();
  }
});
