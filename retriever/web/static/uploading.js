// Files dropped on the form are sent one by one, and each gets its row as soon as it is read. Without this file the
// form sends them all and shows the same rows.

const handing = document.querySelector("form.handing");
const drop = handing?.querySelector(".drop");
const report = document.querySelector(".report");

function rowOf(words) {
  const row = document.createElement("li");
  row.className = "waiting";
  row.textContent = words;
  return row;
}

function sumUp() {
  const count = (state) => report.querySelectorAll(`.sent li${state}`).length;
  const numbers = [":not(.waiting)", ".read", ".unchanged", ".skipped", ".failed"].map(count);
  const sum = report.querySelector(".sum");
  sum.textContent = sum.dataset.sum.replaceAll("{}", () => numbers.shift());
}

async function send(file, hasMore) {
  const row = rowOf(handing.dataset.asking.replace("{}", file.name));
  report.hidden = false;
  report.querySelector("ul").append(row);
  const form = new FormData();
  form.set("csrf_token", handing.elements.csrf_token.value);
  form.append("files", file);
  if (hasMore) form.set("more", "yes");
  try {
    const response = await fetch(`${handing.action}?part`, { method: "POST", body: form });
    if (!response.ok) throw new Error(response.statusText);
    row.replaceWith(...new DOMParser().parseFromString(await response.text(), "text/html").body.children);
  } catch {
    row.className = "failed";
    row.textContent = `${file.name}: ${handing.dataset.failed}`;
  }
  sumUp();
}

async function sendAll(files) {
  const all = [...files];
  for (const [number, file] of all.entries()) await send(file, number < all.length - 1);
}

if (handing) {
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
    });
  }
  drop.addEventListener("drop", (event) => sendAll(event.dataTransfer.files));
  handing.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { files } = handing.elements;
    await sendAll(files.files);
    files.value = "";
  });
}
