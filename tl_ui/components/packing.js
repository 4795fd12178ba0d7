/* Packing: a tar that exists only as arithmetic, so that 12,000 files are one resumable upload. */

const BLOCK = 512

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
