/* Sending: chunks, the offset asked for first, patience with a lost connection. */

const REMEMBER = "thaw.upload"
const RETRY_S = [1, 2, 4, 8, 15, 30]

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
    localStorage.setItem(REMEMBER, JSON.stringify({ id: job.id, slot: job.slot, name: job.name, kind: job.kind }))
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
