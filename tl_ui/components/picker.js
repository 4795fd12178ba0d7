/* Thaw picture picker: a page of thumbnails to select from, by mouse, touch or keyboard.

The browser shows a selection at once and tells the studio as fast as that can follow: changes not
yet acknowledged are kept and sent again together, so that no click is lost while a page is drawn. */

const TICK = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m6 12.5 4 4 8-9"/></svg>'
const LENS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4.5 9.5v-5h5M14.5 4.5h5v5M19.5 14.5v5h-5M9.5 19.5h-5v-5"/></svg>'
const LINK = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M10 14a4 4 0 0 0 6 .5l2.5-2.5a4 4 0 0 0-5.7-5.7L11.5 7.6M14 10a4 4 0 0 0-6-.5L5.5 12a4 4 0 0 0 5.7 5.7l1.3-1.3"/></svg>'
const GRACE_MS = 4000 // after which a change that nobody acknowledged is told again

const views = new WeakMap()
// Changes outlive the drawing: who leaves the page at once after a click finds it told on coming back.
const untold = (window.__thawPicks = window.__thawPicks || new Map())

const node = (tag, className, text = "") => {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text) made.textContent = text
  return made
}

class Picker {
  constructor(root) {
    this.root = root
    this.me = `${Date.now()}-${Math.round(Math.random() * 1e9)}` // acknowledgements name it
    this.seq = 1
    this.open = null // changes not acknowledged yet: id -> {on, seq}
    this.waiting = 0 // number of the last message that is under way
    this.anchor = null
    this.here = 0 // place of the picture that Tab leads to
    this.on = new Set()
    this.pictures = []
    this.build()
  }

  build() {
    this.head = node("div", "head")
    this.count = node("p", "count")
    this.count.setAttribute("role", "status")
    this.hint = node("p", "mouse")
    this.keys = node("p", "mouse")
    this.touch = node("p", "touch")
    this.head.append(this.count, this.hint, this.keys, this.touch)
    this.list = node("ul")
    this.dialog = node("dialog")
    this.root.replaceChildren(this.head, this.list, this.dialog)
    this.list.addEventListener("click", (event) => this.clicked(event))
    this.list.addEventListener("dblclick", (event) => this.doubled(event))
    this.list.addEventListener("keydown", (event) => this.pressed(event))
    this.list.addEventListener("focusin", (event) => this.focused(event))
    this.list.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault())
  }

  /* ---- what the studio says ------------------------------------------------------------- */

  take(component) {
    this.send = component.setStateValue
    const { data } = component
    const key = data.pictures.map((one) => [one.id, one.label, one.part, one.group, one.caption].join()).join()
    this.words = data.words
    if (!this.open) this.adopt(data.slot)
    this.elsewhere = data.elsewhere
    if (data.ack && data.ack.from === this.me) {
      for (const [id, change] of this.open) if (change.seq <= data.ack.seq) this.open.delete(id)
      if (data.ack.seq >= this.waiting) this.waiting = 0
    }
    this.on = new Set(data.pictures.filter((one) => one.marked).map((one) => one.id))
    for (const [id, change] of this.open) change.on ? this.on.add(id) : this.on.delete(id)
    this.pictures = data.pictures
    if (key !== this.key) this.draw(key)
    this.show()
    if (this.open.size && !this.waiting) this.tell()
  }

  adopt(slot) {
    if (!untold.has(slot)) untold.set(slot, new Map())
    this.open = untold.get(slot)
    for (const change of this.open.values()) change.seq = this.seq
  }

  tell() {
    if (!this.open.size || this.waiting) return
    this.waiting = this.seq
    const changes = [...this.open].map(([id, change]) => [id, change.on ? 1 : 0])
    this.send("changes", { from: this.me, seq: this.seq, changes })
    const told = this.waiting
    setTimeout(() => {
      if (this.waiting !== told || !this.root.isConnected) return
      this.waiting = 0
      this.seq += 1 // the same again, as a new message
      for (const change of this.open.values()) change.seq = this.seq
      this.tell()
    }, GRACE_MS)
  }

  /* ---- drawing -------------------------------------------------------------------------- */

  draw(key) {
    const focused = this.root.querySelector("button.one:focus")
    const kept = focused ? Number(focused.dataset.id) : null
    this.key = key
    this.anchor = null
    this.list.setAttribute("aria-label", this.words.list)
    this.list.replaceChildren(...this.pictures.map((one, place) => this.cell(one, place)))
    const again = this.pictures.findIndex((one) => one.id === kept)
    this.here = Math.max(0, again)
    this.rove()
    if (again >= 0) this.buttons()[again].focus()
    if (this.dialog.open) this.dialog.close()
  }

  cell(one, place) {
    const item = node("li")
    const button = node("button", "one")
    button.type = "button"
    button.dataset.id = String(one.id)
    button.dataset.place = String(place)
    button.title = one.path
    const image = node("img")
    image.loading = "lazy"
    image.decoding = "async"
    image.width = image.height = 160
    image.alt = ""
    image.src = `thumb/${one.digest}/160.jpg`
    image.onerror = () => button.classList.add("broken")
    const tick = node("span", "tick")
    tick.innerHTML = TICK
    const frame = node("span", "frame")
    frame.append(image, tick)
    const label = node("span", "label", one.label)
    const part = node("span", "part", one.part)
    const name = node("span", "name", one.caption || one.name)
    const line = node("span", "line")
    line.append(label, part)
    button.append(frame, line, name)
    if (one.group) {
      const link = node("span", "link")
      link.innerHTML = LINK
      link.title = this.words.group
      frame.append(link)
    }
    const large = node("button", "large")
    large.type = "button"
    large.tabIndex = -1
    large.dataset.place = String(place)
    large.setAttribute("aria-label", `${this.words.large}: ${one.name}`)
    large.title = this.words.large
    large.innerHTML = LENS
    item.append(button, large)
    return item
  }

  show() {
    this.buttons().forEach((button) => {
      button.setAttribute("aria-pressed", String(this.on.has(Number(button.dataset.id))))
    })
    const here = this.pictures.reduce((n, one) => n + (this.on.has(one.id) ? 1 : 0), 0)
    const all = here + this.elsewhere
    const { none, one, many, page } = this.words
    let said = all === 0 ? none : (all === 1 ? one : many).replace("{n}", this.digits(all))
    if (all > here && all > 0) said += ` ${page.replace("{n}", this.digits(here))}`
    if (this.count.textContent !== said) this.count.textContent = said
    this.hint.textContent = this.words.hint
    this.keys.textContent = this.words.keys
    this.touch.textContent = this.words.touch
    if (this.dialog.open) this.pressedInDialog()
  }

  digits(n) {
    return String(n).replace(/\B(?=(\d{3})+$)/g, ",")
  }

  /* ---- selecting ------------------------------------------------------------------------ */

  buttons() {
    return [...this.list.querySelectorAll("button.one")]
  }

  change(places, on) {
    this.seq += 1
    for (const place of places) {
      const { id } = this.pictures[place]
      if (this.on.has(id) === on) continue
      on ? this.on.add(id) : this.on.delete(id)
      this.open.set(id, { on, seq: this.seq })
    }
    this.show()
    this.tell()
  }

  toggle(place) {
    this.anchor = place
    this.change([place], !this.on.has(this.pictures[place].id))
  }

  range(to) {
    const from = this.anchor === null ? this.here : this.anchor
    const on = this.anchor === null || this.on.has(this.pictures[this.anchor].id)
    const [first, last] = from < to ? [from, to] : [to, from]
    if (this.anchor === null) this.anchor = from
    this.change(Array.from({ length: last - first + 1 }, (_, i) => first + i), on)
  }

  everything(on) {
    this.change(this.pictures.map((_, place) => place), on)
  }

  clicked(event) {
    const large = event.target.closest("button.large")
    if (large) return this.enlarge(Number(large.dataset.place))
    const button = event.target.closest("button.one")
    if (!button) return
    const place = Number(button.dataset.place)
    if (event.shiftKey) this.range(place)
    else this.toggle(place)
    this.here = place
    this.rove()
  }

  doubled(event) {
    const button = event.target.closest("button.one")
    if (button && !event.shiftKey) this.enlarge(Number(button.dataset.place)) // two clicks undid each other
  }

  /* ---- keyboard ------------------------------------------------------------------------- */

  focused(event) {
    const button = event.target.closest("button.one")
    if (!button) return
    this.here = Number(button.dataset.place)
    this.rove()
  }

  rove() {
    this.buttons().forEach((button, place) => { button.tabIndex = place === this.here ? 0 : -1 })
  }

  columns() {
    const tops = this.buttons().map((button) => button.getBoundingClientRect().top)
    const wrapped = tops.findIndex((top) => Math.abs(top - tops[0]) > 4)
    return wrapped < 0 ? tops.length : wrapped
  }

  pressed(event) {
    const button = event.target.closest("button.one")
    if (!button) return
    const { key } = event
    const last = this.pictures.length - 1
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns(), ArrowUp: -this.columns() }
    let to = null
    if (key in moves) to = Math.min(last, Math.max(0, this.here + moves[key]))
    else if (key === "Home") to = 0
    else if (key === "End") to = last
    if (to !== null && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.shiftKey) this.extend(to)
      this.buttons()[to].focus()
    } else if (key === " ") event.shiftKey ? this.range(this.here) : this.toggle(this.here)
    else if (key === "Enter") this.enlarge(this.here)
    else if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "a") this.everything(true)
    else if (key === "Escape") this.everything(false)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  extend(to) {
    if (this.anchor === null) this.anchor = this.here
    if (!this.on.has(this.pictures[this.anchor].id)) this.change([this.anchor], true)
    this.range(to)
  }

  /* ---- one picture, large --------------------------------------------------------------- */

  enlarge(place) {
    this.dialog.replaceChildren()
    const image = node("img")
    const about = node("div", "about")
    const title = node("p", "title")
    title.id = "picker-title"
    const facts = node("dl")
    about.append(title, facts)
    const bar = node("div", "bar")
    const make = (word, act, className = "") => {
      const button = node("button", className, word)
      button.type = "button"
      button.onclick = act
      bar.append(button)
      return button
    }
    const back = make(this.words.back, () => go(at - 1))
    this.choose = make(this.words.select, () => { this.toggle(at); this.pressedInDialog() }, "choose")
    const on = make(this.words.next, () => go(at + 1))
    make(this.words.close, () => this.dialog.close(), "close")
    let at = place
    const go = (to) => {
      if (to < 0 || to >= this.pictures.length) return
      at = to
      const one = this.pictures[at]
      image.src = `picture/${one.digest}`
      image.alt = `${one.label}: ${one.name}`
      title.textContent = one.name
      facts.replaceChildren(...one.facts.map(([word, value]) => {
        const pair = node("div")
        pair.append(node("dt", "", word), node("dd", "", value))
        return pair
      }))
      back.disabled = at === 0
      on.disabled = at === this.pictures.length - 1
      this.inDialog = one.id
      this.pressedInDialog()
    }
    this.dialog.setAttribute("aria-labelledby", title.id)
    this.dialog.append(image, about, bar)
    this.dialog.onkeydown = (event) => {
      if (event.key === "ArrowLeft") go(at - 1)
      else if (event.key === "ArrowRight") go(at + 1)
      else return event.stopPropagation()
      event.preventDefault()
      event.stopPropagation()
    }
    this.dialog.onclick = (event) => event.target === this.dialog && this.dialog.close()
    this.dialog.onclose = () => {
      this.inDialog = null
      const button = this.buttons()[at]
      if (button) button.focus()
    }
    go(place)
    this.dialog.showModal()
    this.choose.focus()
  }

  pressedInDialog() {
    if (!this.choose || this.inDialog === null) return
    const on = this.on.has(this.inDialog)
    this.choose.setAttribute("aria-pressed", String(on))
    this.choose.textContent = on ? this.words.selected : this.words.select
  }
}

export default function (component) {
  const { parentElement, data } = component
  const root = parentElement.querySelector(".picker")
  if (!root || !data) return
  let view = views.get(root)
  if (!view) {
    view = new Picker(root)
    views.set(root, view)
  }
  view.take(component)
}
