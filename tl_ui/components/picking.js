/* Picking: what the browser hands over, from choosers, drops and the clipboard, as named files. */

const JUNK = /(^|\/)(\.|__MACOSX(\/|$)|Thumbs\.db$|desktop\.ini$)/i
const ARCHIVE = /\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$/i
const ENDINGS = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff", "heic", "heif", "avif", "dcm", "dicom", "mpo"]
const PICTURE = new RegExp(`\\.(${ENDINGS.join("|")})$`, "i")
const TABLE = /\.(csv|tsv|xlsx)$/i
const ACCEPT = ["image/*", ...ENDINGS.map((one) => `.${one}`), ".csv", ".tsv", ".xlsx"].join(",")

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

/** Pictures of the clipboard; browsers call all of them image.png. */
function fromClipboard(data) {
  const files = [...(data ? data.items : [])]
    .filter((item) => item.kind === "file")
    .map((item) => item.getAsFile())
    .filter((file) => file && (file.type.startsWith("image/") || PICTURE.test(file.name)))
  return files.map((file, i) => {
    if (!/^image\.\w+$/.test(file.name)) return file
    const ending = (file.type.split("/")[1] || "png").replace("jpeg", "jpg")
    return new File([file], `pasted ${stamp()}${i ? ` ${i + 1}` : ""}.${ending}`, { type: file.type })
  })
}

function distinct(entries) {
  const seen = new Set()
  const tried = new Map()
  return entries.map(({ path, file }) => {
    let name = path
    let number = tried.get(path) || 1
    while (seen.has(name)) name = path.replace(/(\.[^./]*)?$/, ` (${++number})$1`)
    tried.set(path, number)
    seen.add(name)
    return { path: name, file }
  })
}

const safeClass = (text) => text.trim().replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").replace(/^\.+/, "").slice(0, 80)

/** The moment by this machine's clock: 2026-11-26 17.15.02 */
function stamp() {
  const now = new Date()
  const two = (n) => String(n).padStart(2, "0")
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-")
  return `${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(".")}`
}
