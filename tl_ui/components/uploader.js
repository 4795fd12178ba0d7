/* Thaw uploader: pick or drop, pack lazily into a tar, send in chunks, resume. */

const BLOCK = 512
const JUNK = /(^|\/)(\.|__MACOSX(\/|$)|Thumbs\.db$|desktop\.ini$)/i
const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i
const PICTURE = /\.(jpe?g|png|webp|bmp|gif|tiff?)$/i
const REMEMBER = "thaw.upload"
const RETRY_S = [1, 2, 4, 8, 15, 30]

const views = new WeakMap()
// Uploads live outside the drawing, so they go on while another page is open.
const running = (window.__thawUploads = window.__thawUploads || new Map())

/* ---- tar ------------------------------------------------------------------------------- */

const encoder = new TextEncoder()

function header(name, size, mtime, type) {
  const block = new Uint8Array(BLOCK)
  const put = (text, at, width) => block.set(encoder.encode(text).subarray(0, width), at)
  const octal = (value, width) => Math.floor(value).toString(8).padStart(width - 1, "0") + "\0"
  put(name, 0, 100)
  put(octal(0o644, 8), 100, 8)
  put(octal(0, 8), 108, 8)
  put(octal(0, 8), 116, 8)
  if (size < 8 ** 11) put(octal(size, 12), 124, 12)
  else {
    // base-256, for a file of 8 GiB or more
    block[124] = 0x80
    for (let i = 0, rest = size; i < 8; i++, rest = Math.floor(rest / 256)) block[135 - i] = rest % 256
  }
  put(octal(Math.max(0, mtime / 1000), 12), 136, 12)
  put("        ", 148, 8)
  put(type, 156, 1)
  put("ustar\0" + "00", 257, 8)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(sum.toString(8).padStart(6, "0") + "\0 ", 148, 8)
  return block
}

function paxRecord(path) {
  // "LENGTH path=VALUE\n", where LENGTH counts itself
  const body = encoder.encode(` path=${path}\n`).length
  let length = body + 1
  while (String(length).length + body !== length) length = String(length).length + body
  return encoder.encode(`${length} path=${path}\n`)
}

const padded = (size) => Math.ceil(size / BLOCK) * BLOCK
const plain = (path) => path.length <= 100 && /^[\x20-\x7e]*$/.test(path)

function headOf(entry, index) {
  const { path, file } = entry
  const own = header(plain(path) ? path : `entry-${index}`, file.size, file.lastModified, "0")
  if (plain(path)) return own
  const record = paxRecord(path)
  const all = new Uint8Array(BLOCK + padded(record.length) + BLOCK)
  all.set(header(`pax-${index}`, record.length, file.lastModified, "x"), 0)
  all.set(record, BLOCK)
  all.set(own, BLOCK + padded(record.length))
  return all
}

/** A tar that exists only as arithmetic: `slice` makes the bytes asked for. */
function tarOf(entries) {
  const starts = new Float64Array(entries.length + 1)
  entries.forEach((entry, i) => {
    const extra = plain(entry.path) ? 0 : BLOCK + padded(paxRecord(entry.path).length)
    starts[i + 1] = starts[i] + extra + BLOCK + padded(entry.file.size)
  })
  const size = starts[entries.length] + 2 * BLOCK
  const find = (at) => {
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle] <= at) low = middle
      else high = middle - 1
    }
    return low
  }
  return {
    size,
    slice(from, to) {
      const parts = []
      for (let at = from, i = find(from); at < to; i++) {
        const end = i < entries.length ? starts[i + 1] : size
        const stop = Math.min(to, end)
        parts.push(...pieces(entries[i], i, at - starts[i], stop - starts[i]))
        at = stop
      }
      return new Blob(parts)
    },
  }
}

function pieces(entry, index, from, to) {
  if (!entry) return [new Uint8Array(to - from)] // the two empty blocks at the end
  const head = headOf(entry, index)
  const fileEnd = head.length + entry.file.size
  const parts = []
  if (from < head.length) parts.push(head.subarray(from, Math.min(to, head.length)))
  const a = Math.max(from, head.length)
  const b = Math.min(to, fileEnd)
  if (a < b) parts.push(entry.file.slice(a - head.length, b - head.length))
  const pad = to - Math.max(from, fileEnd)
  if (pad > 0) parts.push(new Uint8Array(pad))
  return parts
}

/* ---- sending --------------------------------------------------------------------------- */

async function digest(text) {
  if (!crypto.subtle) return weakDigest(text) // plain http to another machine
  const bytes = await crypto.subtle.digest("SHA-256", encoder.encode(text))
  return [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, "0")).join("").slice(0, 32)
}

function weakDigest(text) {
  let out = ""
  for (let seed = 1; seed <= 4; seed++) {
    let hash = Math.imul(0x811c9dc5, seed * 2 + 1)
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
      hash ^= hash >>> (11 + seed)
    }
    out += (hash >>> 0).toString(16).padStart(8, "0")
  }
  return out
}

const address = (id) => new URL(`api/upload/${id}`, document.baseURI).href

function request(method, job, body, headers, onSent) {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest()
    job.xhr = xhr
    xhr.open(method, address(job.id))
    xhr.setRequestHeader("X-Thaw", "1")
    for (const [name, value] of Object.entries(headers || {})) xhr.setRequestHeader(name, value)
    if (onSent) xhr.upload.onprogress = (event) => onSent(event.loaded)
    xhr.onload = () => {
      let answer = {}
      try {
        answer = JSON.parse(xhr.responseText || "{}")
      } catch {
        answer = {}
      }
      resolve({ status: xhr.status, answer, offset: Number(xhr.getResponseHeader("Upload-Offset")) })
    }
    xhr.onerror = xhr.onabort = () => resolve({ status: 0, answer: {} })
    xhr.send(body)
  })
}

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

async function send(job, chunk) {
  job.state = "sending"
  job.problem = ""
  let failures = 0
  const first = await request("HEAD", job)
  if (first.status === 200) job.offset = first.offset
  else if (first.status) return stopped(job, first.answer.message || "The studio refused the upload.")
  job.resumed = job.offset > 0
  while (job.offset < job.size && job.state === "sending") {
    const end = Math.min(job.offset + chunk, job.size)
    job.sent = 0
    const got = await request(
      "PUT",
      job,
      job.source.slice(job.offset, end),
      {
        "Content-Type": "application/octet-stream",
        "Upload-Offset": String(job.offset),
        "Upload-Length": String(job.size),
        "Upload-Name": encodeURIComponent(job.name),
        "Upload-Kind": job.kind,
      },
      (sent) => {
        job.sent = sent
        changed(job)
      },
    )
    if (job.state !== "sending") return
    if (got.status === 200) {
      job.offset = got.answer.offset
      failures = 0
    } else if (got.status === 409) {
      if (got.answer.offset === job.offset) await wait(1) // another tab is sending this chunk
      job.offset = got.answer.offset
      if (++failures > 30) return stopped(job, "Another tab is sending the same pictures.")
    } else if (got.status === 0 || got.status >= 520 || got.status === 502 || got.status === 503) {
      if (failures >= RETRY_S.length)
        return stopped(job, "The connection was lost, or a file was changed while it was read.")
      job.problem = "The connection was lost. Trying again…"
      changed(job)
      await wait(RETRY_S[failures++])
      const where = await request("HEAD", job)
      if (where.status === 200) {
        job.offset = where.offset
        job.problem = ""
      }
    } else {
      const { message, hint } = got.answer
      return stopped(job, [message || `The studio answered ${got.status}.`, hint].filter(Boolean).join(" "))
    }
    job.sent = 0
    changed(job)
  }
  if (job.state !== "sending") return
  job.state = "done"
  forget()
  changed(job)
}

function stopped(job, problem) {
  job.state = "stopped"
  job.problem = problem
  changed(job)
}

function changed(job) {
  if (job.listener) job.listener()
}

function remember(job) {
  try {
    localStorage.setItem(REMEMBER, JSON.stringify({ id: job.id, name: job.name, kind: job.kind }))
  } catch {
    /* private window: resuming still works when the same files are chosen */
  }
}

function forget() {
  try {
    localStorage.removeItem(REMEMBER)
  } catch {
    /* nothing was remembered */
  }
}

/* ---- picking --------------------------------------------------------------------------- */

const clean = (path) => path.replace(/^\/+/, "")

function fromInput(files) {
  return [...files].map((file) => ({ path: clean(file.webkitRelativePath || file.name), file }))
}

async function fromDrop(items) {
  const roots = [...items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean)
  const found = []
  const walk = async (entry) => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
      found.push({ path: clean(entry.fullPath), file })
      return
    }
    const reader = entry.createReader()
    for (;;) {
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
      if (!batch.length) return
      for (const child of batch) await walk(child)
    }
  }
  for (const root of roots) await walk(root)
  return { entries: found, folders: roots.some((root) => root.isDirectory) }
}

function distinct(entries) {
  const seen = new Set()
  return entries.map(({ path, file }) => {
    let name = path
    for (let i = 2; seen.has(name); i++) name = path.replace(/(\.[^./]*)?$/, ` (${i})$1`)
    seen.add(name)
    return { path: name, file }
  })
}

const safeClass = (text) => text.trim().replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").replace(/^\.+/, "").slice(0, 80)

/* ---- drawing --------------------------------------------------------------------------- */

const amount = (bytes) =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} KB`
const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`

const BODY = `
<div class="zone">
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 15V4m0 0 4 4m-4-4L8 8M4 15v3a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-3"/></svg>
  <p class="lead">Drop a zip or a folder here</p>
  <p class="hint">One folder per class, its name is the class. Nothing leaves this machine's studio.</p>
  <div class="row">
    <button type="button" class="main" data-do="zip">Choose a zip</button>
    <button type="button" data-do="folder">Choose a folder of class folders</button>
    <button type="button" data-do="class" aria-expanded="false">Pictures class by class</button>
  </div>
</div>
<form class="classes" hidden>
  <p class="lead">Pictures class by class</p>
  <div class="row">
    <label>Name of the class <input type="text" name="label" maxlength="80" autocomplete="off"></label>
    <button type="submit">Choose its pictures</button>
  </div>
  <ul class="list"></ul>
  <div class="row"><button type="button" class="main" data-do="bring" disabled>Bring in these pictures</button></div>
</form>
<div class="work" hidden>
  <p class="what"></p>
  <div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-label="Upload"><i></i></div>
  <div class="row between"><span class="how"></span>
    <span class="row"><button type="button" class="main" data-do="again" hidden>Go on</button>
    <button type="button" data-do="cancel">Cancel</button></span></div>
</div>
<p class="said" role="status" aria-live="polite"></p>
<input type="file" class="pick-zip" accept=".zip,.tar,.tgz,.tar.gz,application/zip" hidden>
<input type="file" class="pick-folder" webkitdirectory multiple hidden>
<input type="file" class="pick-files" accept="image/*" multiple hidden>`

function build(root) {
  const box = document.createElement("div")
  box.className = "box"
  box.innerHTML = BODY
  root.appendChild(box)
  const $ = (query) => box.querySelector(query)
  const view = { box, $, classes: new Map(), pending: [], component: null }
  const say = (text, bad) => {
    $(".said").textContent = text
    $(".said").classList.toggle("bad", Boolean(bad))
  }
  view.say = say
  const job = () => running.get(view.component.data.slot)

  view.start = async (entries, kind, name) => {
    const sized = distinct(entries.filter(({ path }) => !JUNK.test(path)))
    if (!sized.length) return say("There is no file in that folder.", true)
    const source = kind === "zip" ? sized[0].file : tarOf(sized)
    const { slot, chunk, limit } = view.component.data
    if (source.size > limit)
      return say(`${amount(source.size)} is more than one upload may be (${amount(limit)}).`, true)
    if (source.size === 0) return say("That file is empty.", true)
    const id = await digest(JSON.stringify([kind, sized.map(({ path, file }) => [path, file.size, file.lastModified])]))
    const next = { id, kind, name, source, size: source.size, offset: 0, sent: 0, files: sized.length, state: "sending" }
    next.listener = () => draw(view)
    running.set(slot, next)
    remember(next)
    say("")
    draw(view)
    send(next, chunk)
  }

  const takeFiles = (files) => {
    const label = safeClass($("[name=label]").value)
    if (!label) {
      view.pending = files
      $("[name=label]").focus()
      return say(`Type the name of the class for ${count(files.length, "picture", "pictures")}.`, false)
    }
    const had = view.classes.get(label) || []
    view.classes.set(label, [...had, ...files])
    view.pending = []
    $("[name=label]").value = ""
    $("[name=label]").focus()
    say("")
    list()
  }

  const list = () => {
    const items = [...view.classes].map(([label, files]) => {
      const item = document.createElement("li")
      const text = document.createElement("span")
      text.textContent = `${label}: ${count(files.length, "picture", "pictures")}`
      const remove = document.createElement("button")
      remove.type = "button"
      remove.textContent = "Remove"
      remove.setAttribute("aria-label", `Remove ${label}`)
      remove.onclick = () => {
        view.classes.delete(label)
        list()
      }
      item.append(text, remove)
      return item
    })
    $(".list").replaceChildren(...items)
    const bring = $("[data-do=bring]")
    bring.disabled = view.classes.size < 2
    bring.title = bring.disabled ? "Add at least two classes" : ""
  }

  const openClasses = (open) => {
    $(".classes").hidden = !open
    $("[data-do=class]").setAttribute("aria-expanded", String(open))
    if (open) $("[name=label]").focus()
  }

  const took = (entries, folders) => {
    if (!entries.length) return say("Nothing was chosen.", true)
    if (!folders && entries.length === 1 && ARCHIVE.test(entries[0].path))
      return view.start(entries, "zip", entries[0].file.name)
    if (!folders) {
      const pictures = entries.filter(({ path }) => PICTURE.test(path)).map(({ file }) => file)
      if (!pictures.length) return say("That is neither a zip, nor a folder, nor pictures.", true)
      openClasses(true)
      return takeFiles(pictures)
    }
    return view.start(entries, "folder", entries[0].path.split("/")[0])
  }

  const actions = {
    zip: () => $(".pick-zip").click(),
    folder: () => $(".pick-folder").click(),
    class: () => openClasses($(".classes").hidden),
    bring: () => {
      const entries = [...view.classes].flatMap(([label, files]) => files.map((file) => ({ path: `${label}/${file.name}`, file })))
      view.start(entries, "class", count(view.classes.size, "class", "classes"))
      view.classes.clear()
      list()
      openClasses(false)
    },
    cancel: async () => {
      const now = job()
      if (!now) return
      now.state = "cancelled"
      if (now.xhr) now.xhr.abort()
      running.delete(view.component.data.slot)
      forget()
      draw(view)
      say("The upload was cancelled; nothing was changed.")
      await request("DELETE", now)
    },
    again: () => job() && send(job(), view.component.data.chunk),
  }
  box.onclick = (event) => {
    const button = event.target.closest("[data-do]")
    if (button && !button.disabled) actions[button.dataset.do]()
  }
  $(".classes").onsubmit = (event) => {
    event.preventDefault()
    if (view.pending.length) return takeFiles(view.pending)
    if (!safeClass($("[name=label]").value)) {
      $("[name=label]").focus()
      return say("Type the name of the class first.", true)
    }
    $(".pick-files").click()
  }
  const picked = (query, then) => {
    $(query).onchange = (event) => {
      const files = fromInput(event.target.files)
      event.target.value = ""
      if (files.length) then(files)
    }
  }
  picked(".pick-zip", (files) => took(files, false))
  picked(".pick-folder", (files) => took(files, true))
  picked(".pick-files", (files) => takeFiles(files.map(({ file }) => file)))

  const zone = $(".zone")
  let depth = 0
  box.ondragenter = (event) => {
    event.preventDefault()
    depth++
    zone.classList.add("over")
  }
  box.ondragover = (event) => event.preventDefault()
  box.ondragleave = () => {
    depth = Math.max(0, depth - 1)
    if (!depth) zone.classList.remove("over")
  }
  box.ondrop = async (event) => {
    event.preventDefault()
    depth = 0
    zone.classList.remove("over")
    if (job() && job().state === "sending") return say("One upload is running; cancel it first.", true)
    say("Reading the folder…")
    try {
      const { entries, folders } = await fromDrop(event.dataTransfer.items)
      say("")
      took(entries, folders)
    } catch {
      say("The browser could not read what was dropped. Use the buttons instead.", true)
    }
  }
  return view
}

function draw(view) {
  const { $, component } = view
  const job = running.get(component.data.slot)
  const busy = Boolean(job) && job.state !== "done" && job.state !== "cancelled"
  $(".zone").hidden = busy
  if (busy) $(".classes").hidden = true
  $(".work").hidden = !busy
  if (job && job.state === "done") {
    running.delete(component.data.slot)
    component.setTriggerValue("done", { upload_id: job.id, name: job.name, kind: job.kind })
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
  if (!left || running.get(view.component.data.slot)) return
  const where = await request("HEAD", { id: left.id })
  if (where.status !== 200 || !where.offset) return forget()
  const what = left.kind === "folder" ? "the same folder" : left.kind === "class" ? "the same pictures" : "the same file"
  view.say(`The upload of ${left.name} stopped after ${amount(where.offset)}. Choose ${what} again and it goes on from there.`)
}

export default function (component) {
  const root = component.parentElement.querySelector(".up")
  let view = views.get(root)
  if (!view) {
    view = build(root)
    view.component = component
    views.set(root, view)
    const job = running.get(component.data.slot)
    if (job) job.listener = () => draw(view)
    else offerResume(view)
  }
  view.component = component
  draw(view)
  return () => {
    const job = running.get(component.data.slot)
    if (job) job.listener = null
    views.delete(root)
  }
}
