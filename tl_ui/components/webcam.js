/* Webcam: shots in a row into a class. All shots of one recording carry its name. */

const SHOT_MS = 200
const SHOT_PX = 640 // longer side; networks look at far less
const MOST_SHOTS = 300 // in one recording
const BURST = 10
const SIGHT_MS = 1000 // how often it is checked that somebody can see that the camera is on
const SAME_MS = 2000 // shots closer than this belong to one recording, however they were taken

const WEBCAM = `
<div class="stage"><video autoplay playsinline muted aria-label="What the camera sees"></video><span class="red" hidden>REC</span></div>
<div class="row start">
  <button type="button" class="main" data-cam="hold">Hold to record</button>
  <button type="button" data-cam="burst">Take ${BURST}</button>
  <button type="button" data-cam="one">Take one</button>
  <select aria-label="Camera" hidden></select>
  <button type="button" data-cam="close">Close the camera</button>
</div>
<p class="hint">Shots taken in one go stay on one side of the division, because they look alike. So record every class several times: from another side, in other light, elsewhere.</p>`

function cameraProblem(err) {
  const name = err && err.name
  if (name === "NotAllowedError" || name === "SecurityError")
    return "The browser was not allowed to use the camera. Allow it beside the address of this page, then try again."
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return "No camera was found on this device. Choose, drop or paste pictures instead."
  if (name === "NotReadableError" || name === "AbortError")
    return "The camera does not answer; another program may be using it. Close that and try again."
  return "The camera could not be opened. Choose, drop or paste pictures instead."
}

/**
 * @param host   An empty element.
 * @param hooks  ready() says whether shots may be taken now; shot(file, recording) takes one;
 *               say(text, bad); closed().
 */
function openWebcam(host, hooks) {
  host.innerHTML = WEBCAM
  const video = host.querySelector("video")
  const choice = host.querySelector("select")
  const hold = host.querySelector("[data-cam=hold]")
  const canvas = document.createElement("canvas")
  let stream = null
  let timer = 0
  let left = 0
  let closed = false
  let watch = 0
  let recording = ""
  let number = 0
  let last = 0

  const halt = () => {
    if (stream) for (const track of stream.getTracks()) track.stop()
    stream = null
  }
  const stop = () => {
    clearInterval(timer)
    timer = 0
    host.querySelector(".red").hidden = true
    hold.textContent = "Hold to record"
  }
  const close = () => {
    if (closed) return
    closed = true
    clearInterval(watch)
    stop()
    halt()
    host.replaceChildren()
    hooks.closed()
  }

  const open = async (device) => {
    if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
      hooks.say("Browsers give the camera only to pages at localhost or over https. Open Thaw that way, or choose pictures instead.", true)
      return close()
    }
    const wanted = device ? { deviceId: { exact: device } } : { facingMode: { ideal: "environment" } }
    try {
      halt()
      const got = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...wanted, width: { ideal: 1280 }, height: { ideal: 720 } } })
      if (closed) return got.getTracks().forEach((track) => track.stop())
      stream = got
      stream.getVideoTracks()[0].onended = () => {
        if (closed) return
        hooks.say("The camera was switched off or unplugged. The shots taken so far are kept.", true)
        close()
      }
      video.srcObject = stream
      const facing = stream.getVideoTracks()[0].getSettings().facingMode
      video.classList.toggle("mirror", facing !== "environment")
      const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput")
      choice.hidden = cameras.length < 2
      choice.replaceChildren(...cameras.map((one, i) => new Option(one.label || `Camera ${i + 1}`, one.deviceId)))
      choice.value = stream.getVideoTracks()[0].getSettings().deviceId || ""
    } catch (err) {
      if (closed) return
      hooks.say(cameraProblem(err), true)
      close()
    }
  }

  const shoot = () => {
    if (closed || !video.videoWidth) return
    const scale = Math.min(1, SHOT_PX / Math.max(video.videoWidth, video.videoHeight))
    canvas.width = Math.round(video.videoWidth * scale)
    canvas.height = Math.round(video.videoHeight * scale)
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height)
    if (Date.now() - last > SAME_MS || !recording) {
      recording = `recording ${stamp()}`
      number = 0
    }
    last = Date.now()
    const mine = recording
    const name = `shot ${String(++number).padStart(3, "0")}.jpg`
    const at = Date.now()
    canvas.toBlob((blob) => blob && hooks.shot(new File([blob], name, { type: "image/jpeg", lastModified: at }), mine), "image/jpeg", 0.92)
  }
  const record = (shots) => {
    if (timer || !hooks.ready()) return
    left = shots
    host.querySelector(".red").hidden = shots === 1
    const next = () => {
      shoot()
      if (--left <= 0) stop()
    }
    timer = setInterval(next, SHOT_MS)
    next()
  }

  hold.onpointerdown = (event) => {
    hold.setPointerCapture(event.pointerId)
    record(MOST_SHOTS)
    if (timer) hold.textContent = "Recording…"
  }
  hold.onpointerup = hold.onpointercancel = hold.onlostpointercapture = stop
  hold.oncontextmenu = (event) => event.preventDefault() // a long touch
  hold.onkeydown = (event) => {
    if (![" ", "Enter"].includes(event.key)) return
    event.preventDefault()
    if (!event.repeat) record(MOST_SHOTS)
    if (timer) hold.textContent = "Recording…"
  }
  hold.onkeyup = (event) => [" ", "Enter"].includes(event.key) && stop()
  hold.onblur = stop
  host.onclick = (event) => {
    const button = event.target.closest("[data-cam]")
    if (!button) return
    if (button.dataset.cam === "one") record(1)
    if (button.dataset.cam === "burst") record(BURST)
    if (button.dataset.cam === "close") close()
  }
  choice.onchange = () => open(choice.value)
  watch = setInterval(() => {
    if (!document.hidden && host.getClientRects().length && (!host.checkVisibility || host.checkVisibility())) return
    hooks.say("The camera was closed because it was out of sight. The shots taken so far are kept.")
    close()
  }, SIGHT_MS)
  open("")
  return { close, stop }
}
