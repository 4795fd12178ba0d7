/* Gathering: pictures class by class, chosen, dropped, pasted or from the webcam, until they go. */

const MOST_THUMBS = 24 // shown of a class
const MOST_CHIPS = 12

const GATHERING = `
<p class="lead">Single pictures, class by class</p>
<div class="row start">
  <label>Name of the class <input type="text" name="label" maxlength="80" autocomplete="off" list="known"></label>
  <datalist id="known"></datalist>
  <button type="submit">Choose its pictures</button>
  <button type="button" data-do="camera" aria-expanded="false">Use the webcam</button>
</div>
<div class="chips" role="group" aria-label="Classes that are there" hidden></div>
<p class="hint keys">Or drop pictures here, or paste them: <kbd></kbd></p>
<div class="camera" hidden></div>
<ul class="list"></ul>
<div class="row start"><button type="button" class="main" data-do="bring" disabled>Bring in these pictures</button><span class="why"></span></div>`

/**
 * @param form   The panel's form, empty.
 * @param hooks  known() gives the classes that are there; least() how many classes are needed;
 *               say(text, bad); choose() opens the chooser; bring(entries, name, back), where
 *               back() gives the pictures back when they could not go.
 * @param classes  Map of class -> [{ file, recording, url }], kept while other pages are open.
 */
function gather(form, classes, hooks) {
  form.innerHTML = GATHERING
  const $ = (query) => form.querySelector(query)
  const input = $("[name=label]")
  let pending = []
  let camera = null
  $("kbd").textContent = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ V" : "Ctrl V"

  const named = () => {
    const label = safeClass(input.value)
    if (label) return label
    input.focus()
    hooks.say("Type the name of the class first.", true)
    return ""
  }
  const add = (label, items) => {
    classes.set(label, [...(classes.get(label) || []), ...items])
    list()
  }
  const take = (files) => {
    const label = safeClass(input.value)
    if (!label) {
      pending = [...pending, ...files]
      input.focus()
      $("[type=submit]").textContent = `Put ${count(pending.length, "picture", "pictures")} into it`
      return hooks.say(`Which class ${pending.length === 1 ? "is this picture" : `are these ${pending.length} pictures`} of? Type its name.`, false)
    }
    pending = []
    $("[type=submit]").textContent = "Choose its pictures"
    add(label, files.map((file) => ({ file, recording: "" })))
    if (!camera) {
      input.value = ""
      input.focus()
    }
    hooks.say("")
  }

  const forgetItem = (item) => {
    if (item.url) URL.revokeObjectURL(item.url)
    item.url = ""
  }
  const remove = (label, item) => {
    forgetItem(item)
    const rest = classes.get(label).filter((one) => one !== item)
    if (rest.length) classes.set(label, rest)
    else classes.delete(label)
    list()
  }
  const thumb = (label, item, i) => {
    const button = document.createElement("button")
    button.type = "button"
    button.className = "thumb"
    button.title = "Remove"
    button.setAttribute("aria-label", `Remove picture ${i + 1} of ${label}`)
    const image = document.createElement("img")
    image.alt = ""
    image.decoding = "async"
    image.src = item.url = item.url || URL.createObjectURL(item.file)
    image.onerror = () => image.remove() // a kind this browser does not show
    button.append(image)
    button.onclick = () => remove(label, item)
    return button
  }
  const rowOf = (label, items) => {
    const row = document.createElement("li")
    const head = document.createElement("div")
    const text = document.createElement("span")
    text.textContent = `${label}: ${count(items.length, "picture", "pictures")}`
    const drop = document.createElement("button")
    drop.type = "button"
    drop.textContent = "Remove"
    drop.setAttribute("aria-label", `Remove ${label}`)
    drop.onclick = () => {
      items.forEach(forgetItem)
      classes.delete(label)
      list()
    }
    head.append(text, drop)
    const strip = document.createElement("div")
    strip.className = "strip"
    const from = Math.max(0, items.length - MOST_THUMBS) // the newest: they are what one looks for
    items.slice(0, from).forEach(forgetItem)
    strip.append(...items.slice(from).map((item, i) => thumb(label, item, from + i)))
    if (from) {
      const more = document.createElement("span")
      more.textContent = `and ${from.toLocaleString()} before`
      strip.prepend(more)
    }
    row.append(head, strip)
    return row
  }
  let waiting = false
  const list = () => {
    if (waiting) return // many shots, one drawing
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      $(".list").replaceChildren(...[...classes].map(([label, items]) => rowOf(label, items)))
      const bring = $("[data-do=bring]")
      const total = [...classes.values()].reduce((sum, items) => sum + items.length, 0)
      bring.disabled = classes.size < hooks.least()
      bring.textContent = total ? `Bring in ${count(total, "picture", "pictures")}` : "Bring in these pictures"
      $(".why").textContent = !bring.disabled || !total ? "" : "One more class is needed: type its name above."
    })
  }

  const toggleCamera = () => {
    const button = $("[data-do=camera]")
    if (camera) return camera.close()
    button.setAttribute("aria-expanded", "true")
    $(".camera").hidden = false
    hooks.say("")
    camera = openWebcam($(".camera"), {
      ready: () => Boolean(named()),
      shot: (file, recording) => {
        const label = safeClass(input.value)
        if (label) add(label, [{ file, recording }])
        hooks.say("")
      },
      say: hooks.say,
      closed: () => {
        camera = null
        $(".camera").hidden = true
        button.setAttribute("aria-expanded", "false")
      },
    })
  }
  const bring = () => {
    const entries = [...classes].flatMap(([label, items]) =>
      items.map(({ file, recording }) => ({ path: [label, recording, file.name].filter(Boolean).join("/"), file })),
    )
    const name = classes.size === 1 ? [...classes.keys()][0] : count(classes.size, "class", "classes")
    const gone = [...classes]
    if (camera) camera.close()
    for (const [, items] of gone) items.forEach(forgetItem)
    classes.clear()
    list()
    hooks.bring(entries, name, () => {
      for (const [label, items] of gone) add(label, items.map(({ file, recording }) => ({ file, recording })))
    })
  }

  form.onsubmit = (event) => {
    event.preventDefault()
    if (!named()) return
    if (pending.length) return take(pending.splice(0))
    hooks.choose()
  }
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-class]")
    if (!chip) return
    input.value = chip.dataset.class
    hooks.say("")
    if (pending.length) take(pending.splice(0))
  })
  return {
    take,
    bring,
    camera: toggleCamera,
    close: () => camera && camera.close(),
    some: () => classes.size > 0,
    focus: () => input.focus(),
    known() {
      const names = hooks.known()
      $("datalist").replaceChildren(...names.map((name) => new Option(name)))
      const chips = $(".chips")
      chips.hidden = !names.length || names.length > MOST_CHIPS
      chips.replaceChildren(
        ...names.slice(0, MOST_CHIPS).map((name) => {
          const chip = document.createElement("button")
          chip.type = "button"
          chip.dataset.class = name
          chip.textContent = name
          return chip
        }),
      )
      list()
    },
  }
}
