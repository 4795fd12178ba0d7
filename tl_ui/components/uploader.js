/* Thaw uploader: pick, drop, paste or record; pack lazily into a tar, send in chunks, resume. */

const views = new WeakMap()
// Uploads live outside the drawing, so they go on while another page is open.
const running = (window.__thawUploads = window.__thawUploads || new Map())
// So do pictures that were gathered and not yet brought in; by slot, as uploads.
const gathered = (window.__thawGathered = window.__thawGathered || new Map())

const amount = (bytes) =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} KB`
const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`

const BODY = `
<div class="zone">
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 15V4m0 0 4 4m-4-4L8 8M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3"/></svg>
  <p class="lead">Drop a zip, a folder or pictures here</p>
  <p class="hint">One folder per class, its name is the class; or a table of labels beside the pictures. Your pictures stay on this machine.</p>
  <div class="row">
    <button type="button" class="main" data-do="zip">Choose a zip</button>
    <button type="button" data-do="folder">Choose a folder</button>
    <button type="button" data-do="class" aria-expanded="false">Single pictures or webcam</button>
  </div>
</div>
<form class="classes" hidden></form>
<div class="work" hidden>
  <p class="what"></p>
  <div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-label="Upload"><i></i></div>
  <div class="row between"><span class="how"></span>
    <span class="row"><button type="button" class="main" data-do="again" hidden>Go on</button>
    <button type="button" data-do="cancel">Cancel</button></span></div>
</div>
<p class="said" role="status" aria-live="polite"></p>
<input type="file" class="pick-zip" accept=".zip,.tar,.tgz,.tar.gz,.tar.bz2,.tar.xz,application/zip" hidden>
<input type="file" class="pick-folder" webkitdirectory multiple hidden>
<input type="file" class="pick-files" multiple hidden>`

const ASKED = "Every picture in them is answered, in any folders. Your pictures stay on this machine."

function build(root, component) {
  const box = document.createElement("div")
  box.className = "box"
  box.innerHTML = BODY
  root.appendChild(box)
  const asking = component.data.mode === "ask" // pictures without classes, to be answered
  const $ = (query) => box.querySelector(query)
  const view = { box, $, component }
  $(".pick-files").accept = ACCEPT
  if (asking) {
    $(".hint").textContent = ASKED
    $("[data-do=class]").hidden = true
  }
  const say = (text, bad) => {
    $(".said").textContent = text
    $(".said").classList.toggle("bad", Boolean(bad))
  }
  view.say = say
  const job = () => running.get(view.component.data.slot)

  view.start = async (entries, kind, name, back) => {
    const sized = distinct(entries.filter(({ path }) => !JUNK.test(path)))
    if (!sized.length) return say("There is no file in that folder.", true)
    const source = kind === "zip" ? sized[0].file : tarOf(sized)
    const { slot, chunk, limit, mode } = view.component.data
    if (source.size > limit)
      return say(`${amount(source.size)} is more than one upload may be (${amount(limit)}).`, true)
    if (source.size === 0) return say("That file is empty.", true)
    const id = await digest(JSON.stringify([...(asking ? [mode] : []), kind, sized.map(({ path, file }) => [path, file.size, file.lastModified])]))
    const next = { id, slot, kind, name, mode, source, size: source.size, offset: 0, sent: 0, files: sized.length, back, state: "sending" }
    next.listener = () => draw(view)
    running.set(slot, next)
    remember(next)
    say("")
    draw(view)
    send(next, chunk)
  }

  const { slot } = component.data
  if (!gathered.has(slot)) gathered.set(slot, new Map())
  view.panel = gather($(".classes"), gathered.get(slot), {
    known: () => view.component.data.classes || [],
    least: () => (view.component.data.mode === "add" ? 1 : 2),
    say,
    choose: () => $(".pick-files").click(),
    bring: (entries, name, back) => {
      openClasses(false)
      view.start(entries, "class", name, () => {
        back()
        openClasses(true)
      })
    },
  })

  const openClasses = (open) => {
    $(".classes").hidden = !open
    $("[data-do=class]").setAttribute("aria-expanded", String(open))
    if (open) view.panel.focus()
    else view.panel.close()
  }

  // Loose files: with a table they are a set, without one their class is asked for.
  const loose = (entries) => {
    const pictures = entries.filter(({ path }) => PICTURE.test(path))
    if (asking && pictures.length)
      return view.start(pictures, "folder", pictures.length === 1 ? pictures[0].file.name : "Pictures")
    const tables = entries.filter(({ path }) => TABLE.test(path))
    if (!pictures.length && tables.length)
      return say("That is a table without its pictures. Give both together, or a folder that holds both.", true)
    if (!pictures.length) return say("That is neither a zip, nor a folder, nor pictures.", true)
    if (tables.length) return view.start([...pictures, ...tables], "folder", tables[0].file.name)
    openClasses(true)
    view.panel.take(pictures.map(({ file }) => file))
  }
  const took = (entries, folders) => {
    if (!entries.length) return say("Nothing was chosen.", true)
    if (folders) return view.start(entries, "folder", entries[0].path.split("/")[0])
    if (entries.length === 1 && ARCHIVE.test(entries[0].path)) return view.start(entries, "zip", entries[0].file.name)
    loose(entries)
  }

  const actions = {
    zip: () => $(".pick-zip").click(),
    folder: () => $(".pick-folder").click(),
    class: () => openClasses($(".classes").hidden),
    camera: () => view.panel.camera(),
    bring: () => view.panel.bring(),
    cancel: async () => {
      const now = job()
      if (!now) return
      now.state = "cancelled"
      if (now.xhr) now.xhr.abort()
      running.delete(view.component.data.slot)
      forget()
      draw(view)
      if (now.back) now.back()
      say("The upload was cancelled; nothing was changed.")
      await request("DELETE", now)
    },
    again: () => job() && send(job(), view.component.data.chunk),
  }
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]")
    if (button && !button.disabled) actions[button.dataset.do]()
  })
  const picked = (query, then) => {
    $(query).onchange = (event) => {
      const files = fromInput(event.target.files)
      event.target.value = ""
      if (files.length) then(files)
    }
  }
  picked(".pick-zip", (files) => took(files, false))
  picked(".pick-folder", (files) => took(files, true))
  picked(".pick-files", loose)

  const busy = () => Boolean(job()) && job().state === "sending"
  view.pasted = (event) => {
    if (!box.getClientRects().length || busy()) return // folded away, or at work
    const files = fromClipboard(event.clipboardData)
    const typing = /^(INPUT|TEXTAREA)$/.test(event.composedPath()[0].tagName || "")
    if (!files.length || (typing && event.clipboardData.getData("text/plain"))) return
    event.preventDefault()
    loose(files.map((file) => ({ path: file.name, file })))
  }
  document.addEventListener("paste", view.pasted)
  view.leave = () => {
    document.removeEventListener("paste", view.pasted)
    view.panel.close()
  }
  drops(view, took, busy)
  if (view.panel.some()) openClasses(true)
  return view
}

function drops(view, took, busy) {
  const { box, $, say } = view
  const over = (on) => {
    $(".zone").classList.toggle("over", on)
    $(".classes").classList.toggle("over", on)
  }
  let depth = 0
  box.ondragenter = (event) => {
    event.preventDefault()
    depth++
    over(true)
  }
  box.ondragover = (event) => event.preventDefault()
  box.ondragleave = () => {
    depth = Math.max(0, depth - 1)
    if (!depth) over(false)
  }
  box.ondrop = async (event) => {
    event.preventDefault()
    depth = 0
    over(false)
    if (busy()) return say("One upload is running; cancel it first.", true)
    say("Reading the folder…")
    try {
      const { entries, folders } = await fromDrop(event.dataTransfer.items)
      say("")
      took(entries, folders)
    } catch {
      say("The browser could not read what was dropped. Use the buttons instead.", true)
    }
  }
}

function draw(view) {
  const { $, component } = view
  const job = running.get(component.data.slot)
  const busy = Boolean(job) && job.state !== "done" && job.state !== "cancelled"
  $(".zone").hidden = busy
  if (busy) {
    $(".classes").hidden = true
    view.panel.close()
  }
  $(".work").hidden = !busy
  if (job && job.state === "done") {
    running.delete(component.data.slot)
    component.setTriggerValue("done", { upload_id: job.id, name: job.name, kind: job.kind, mode: job.mode })
    view.say(`${job.name} is here (${amount(job.size)}).`)
    return
  }
  if (!busy) return
  const at = Math.min(job.size, job.offset + (job.sent || 0))
  const share = job.size ? at / job.size : 0
  $(".what").textContent = job.kind === "zip" ? job.name : `${job.name}: ${count(job.files, "file", "files")}`
  $(".bar i").style.transform = `scaleX(${share})`
  $(".bar").setAttribute("aria-valuenow", String(Math.round(share * 100)))
  $(".how").textContent = `${amount(at)} of ${amount(job.size)} (${Math.floor(share * 100)} %)${job.resumed ? ", going on where it stopped" : ""}`
  $("[data-do=again]").hidden = job.state !== "stopped"
  if (job.problem) view.say(job.problem, true)
  else if ($(".said").classList.contains("bad")) view.say("")
}

async function offerResume(view) {
  let left = null
  try {
    left = JSON.parse(localStorage.getItem(REMEMBER) || "null")
  } catch {
    left = null
  }
  if (!left || (left.slot && left.slot !== view.component.data.slot) || running.get(view.component.data.slot)) return
  const where = await request("HEAD", { id: left.id })
  if (where.status !== 200 || !where.offset) return forget()
  const what = left.kind === "folder" ? "the same folder" : left.kind === "class" ? "the same pictures" : "the same file"
  view.say(`The upload of ${left.name} stopped after ${amount(where.offset)}. Choose ${what} again and it goes on from there.`)
}

export default function (component) {
  const root = component.parentElement.querySelector(".up")
  let view = views.get(root)
  if (!view) {
    view = build(root, component)
    views.set(root, view)
    const job = running.get(component.data.slot)
    if (job) job.listener = () => draw(view)
    else offerResume(view)
  }
  view.component = component
  view.panel.known()
  draw(view)
  return () => {
    const job = running.get(component.data.slot)
    if (job) job.listener = null
    view.leave()
    views.delete(root)
  }
}
