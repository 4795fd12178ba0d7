/* Thaw network blocks: one card per layer group, toggled by click or keyboard in free choice. */

const FLAKE = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 2v20M3.3 7l17.4 10M20.7 7 3.3 17M12 6l2.2-2.2M12 6 9.8 3.8M12 18l2.2 2.2M12 18l-2.2 2.2M6.8 9 3.9 8.3M6.8 9l.7-2.9M17.2 15l2.9.7M17.2 15l-.7 2.9M17.2 9l2.9-.7M17.2 9l-.7-2.9M6.8 15l-2.9.7M6.8 15l.7 2.9"/></svg>'
const DROP = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3.2s6.2 6.6 6.2 11.2a6.2 6.2 0 0 1-12.4 0C5.8 9.8 12 3.2 12 3.2Z"/><path d="M9 14.6a3.1 3.1 0 0 0 2.6 3"/></svg>'

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

function card(block, index, free, last, scratch) {
  const state = block.trains ? (scratch ? "Trains from scratch" : last ? "New, trains" : "Trains") : "Frozen"
  const tag = free && !last ? "button" : "div"
  const node = document.createElement(tag)
  node.className = `block ${block.trains ? "warm" : "cold"}`
  if (tag === "button") {
    node.type = "button"
    node.setAttribute("aria-pressed", String(block.trains))
    node.dataset.index = String(index)
  }
  node.innerHTML = `${glyph(block.output)}<span class="state">${block.trains ? DROP : FLAKE}<span></span></span><strong></strong><span class="knows"></span><span class="size"><span class="bar" aria-hidden="true"><i style="width:${Math.max(1.5, block.share * 100)}%"></i></span><span class="share"></span></span>`
  node.querySelector(".state span").textContent = state
  node.querySelector("strong").textContent = block.title
  node.querySelector(".knows").textContent = block.knows
  node.querySelector(".share").textContent = `${short(block.parameters)} parameters (${percent(block.share)})`
  return node
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const root = parentElement.querySelector(".net")
  if (!root || !data) return
  const { blocks, free, scratch } = data
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
    item.append(card(block, index, free, index === blocks.length - 1, scratch))
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
    const next = card(blocks[index], index, free, false, scratch)
    button.replaceWith(next)
    next.focus()
  }
  root.replaceChildren(list)
  if (keep !== null) {
    const again = root.querySelector(`[data-index="${keep}"]`)
    if (again) again.focus()
  }
}
