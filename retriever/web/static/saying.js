// A reader's word about a lesson counts without leaving the answer. Without this file the form leads back to it.

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.saying");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const told = new FormData(form, event.submitter);
  const says = event.submitter.value.replace("not:", "");
  try {
    const response = await fetch(`${form.action}?part`, { method: "POST", body: told });
    if (!response.ok) throw new Error(response.statusText);
    const now = new DOMParser().parseFromString(await response.text(), "text/html").body.firstElementChild;
    now.elements.next.value = told.get("next");
    form.replaceWith(now);
    now.querySelector(`button[value$="${says}"]`).focus();
  } catch {
    const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "says" });
    hidden.value = event.submitter.value;
    form.append(hidden);
    form.submit();
  }
});
