// Shows what comes out of a template while it is written. Without this script a button does the same.

const WAIT = 400

const form = document.querySelector("form[data-preview]")
const shown = document.getElementById("preview")

let timer
let turn = 0

/** Asks the server and shows its answer, unless something newer was asked meanwhile. */
async function show() {
  const mine = ++turn
  const body = new URLSearchParams(new FormData(form))
  body.set("part", "preview")
  try {
    const response = await fetch(form.dataset.preview, { method: "POST", body, credentials: "same-origin" })
    const answer = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("preview")
    if (mine === turn && answer) shown.replaceChildren(...answer.childNodes)
  } catch {
    // What is shown stays until the server can be asked again.
  }
}

/** Shows the field that goes with what the preview is for. */
function choose() {
  const chosen = form.elements.on.value
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== chosen
}

if (form && shown) {
  choose()
  form.addEventListener("input", () => {
    choose()
    clearTimeout(timer)
    timer = setTimeout(show, WAIT)
  })
}
