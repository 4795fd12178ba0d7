/* Thaw network blocks: one card per layer group, toggled by click or keyboard in free choice. */

const FLAKE = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2v20M3.3 7l17.4 10M20.7 7 3.3 17M12 6l2.2-2.2M12 6 9.8 3.8M12 18l2.2 2.2M12 18l-2.2 2.2M6.8 9 3.9 8.3M6.8 9l.7-2.9M17.2 15l2.9.7M17.2 15l-.7 2.9M17.2 9l2.9-.7M17.2 9l-.7-2.9M6.8 15l-2.9.7M6.8 15l.7 2.9"/></svg>'
const DROP = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3.2s6.2 6.6 6.2 11.2a6.2 6.2 0 0 1-12.4 0C5.8 9.8 12 3.2 12 3.2Z"/><path d="M9 14.6a3.1 3.1 0 0 0 2.6 3"/></svg>'

const EYE = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z"/><circle cx="12" cy="12" r="2.9"/></svg>'
const SUM = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M5 9.5h14M5 14.5h14"/></svg>'

const short = (n) => (n >= 1e6 ? `${(n / 1e6).toFixed(1)}\u00a0M` : n >= 1e3 ? `${(n / 1e3).toFixed(n >= 1e5 ? 0 : 1)}\u00a0k` : String(n))
const percent = (share) => (share > 0 && share < 0.01 ? "<\u00a01\u00a0%" : `${Math.round(share * 100)}\u00a0%`)

/** A glyph: as tall as the map is wide in pixels, as thick as it has channels. */
function glyph(output) {
  const map = output.length === 3
  const side = map ? output[1] : 1
  const channels = output[0] || 1
  const high = map ? Math.max(10, Math.min(44, 8 + 6 * Math.log2(side))) : 10
  const wide = Math.max(5, Math.min(34, 3 * Math.log2(channels)))
  return `<svg class="glyph" viewBox="0 0 64 50" aria-hidden="true"><rect x="${32 - wide / 2}" y="${25 - high / 2}" width="${wide}" height="${high}" rx="3"/></svg>`
}

/** What a block does, in words and as an icon; "read" = the head sees what it gives. */
function role(block, index, { count, scratch, probe }) {
  const last = index === count - 1
  if (probe && last) return { words: "New, solved", icon: SUM, read: false }
  const read = probe === "deep-probe" || (probe === "exact-head" && index === count - 2)
  if (!block.trains) return { words: "Frozen", icon: FLAKE, read }
  return { words: scratch ? "Trains from scratch" : last ? "New, trains" : "Trains", icon: DROP, read }
}

function card(block, index, how) {
  const last = index === how.count - 1
  const { words, icon, read } = role(block, index, how)
  const tag = how.free && !last ? "button" : "div"
  const node = document.createElement(tag)
  node.className = `block ${block.trains ? "warm" : "cold"}${read ? " read" : ""}`
  if (tag === "button") {
    node.type = "button"
    node.setAttribute("aria-pressed", String(block.trains))
    node.dataset.index = String(index)
  }
  node.innerHTML = `${glyph(block.output)}<span class="state">${icon}<span></span></span><strong></strong><span class="knows"></span><span class="size"><span class="bar" aria-hidden="true"><i style="width:${Math.max(1.5, block.share * 100)}%"></i></span><span class="share"></span></span>${read ? `<span class="tap">${EYE}<span></span></span>` : ""}`
  node.querySelector(".state span").textContent = words
  if (read) node.querySelector(".tap span").textContent = "Read by the head"
  node.querySelector("strong").textContent = block.title
  node.querySelector(".knows").textContent = block.knows
  const wider = last && how.probe === "deep-probe" // its size is not that of the network's own head
  node.querySelector(".share").textContent = wider ? "sees what every block sees" : `${short(block.parameters)} parameters (${percent(block.share)})`
  if (wider) node.querySelector(".bar").remove()
  return node
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const root = parentElement.querySelector(".net")
  if (!root || !data) return
  const { blocks } = data
  const how = { ...data, count: blocks.length }
  const focused = root.querySelector("[data-index]:focus")
  const keep = focused ? focused.dataset.index : null
  const list = document.createElement("ol")
  list.setAttribute("aria-label", "The network from the picture to the answer")
  const end = (text) => {
    const item = document.createElement("li")
    item.className = "end"
    item.textContent = text
    return item
  }
  list.append(end("Picture"))
  blocks.forEach((block, index) => {
    const item = document.createElement("li")
    item.append(card(block, index, how))
    list.append(item)
  })
  list.append(end("Answer"))
  list.onclick = (event) => {
    const button = event.target.closest("[data-index]")
    if (!button) return
    const index = Number(button.dataset.index)
    blocks[index].trains = !blocks[index].trains
    setTriggerValue(
      "chosen",
      blocks.map((block, i) => (block.trains ? i : -1)).filter((i) => i >= 0),
    )
    const next = card(blocks[index], index, how)
    button.replaceWith(next)
    next.focus()
  }
  root.replaceChildren(list)
  if (keep !== null) {
    const again = root.querySelector(`[data-index="${keep}"]`)
    if (again) again.focus()
  }
}
