/* Thaw landing: moves the page to where it stands, once for every order. */

const PAUSE_MS = 300 // lets what is below be drawn first: it may be longer than what was there
const calm = matchMedia("(prefers-reduced-motion: reduce)")
let obeyed = 0

export default function ({ parentElement, data }) {
  const order = data ? data.order : 0
  if (!order || order === obeyed) return
  obeyed = order
  setTimeout(() => {
    const place = parentElement.querySelector(".place")
    if (place) place.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" })
  }, PAUSE_MS)
}
