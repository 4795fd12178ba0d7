/* Thaw live curves on plotly.js: new points are added, nothing is drawn anew. */

const views = new WeakMap()

function library(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly)
  window.__thawPlotly =
    window.__thawPlotly ||
    new Promise((resolve, reject) => {
      const tag = document.createElement("script")
      tag.src = new URL(url, document.baseURI).href
      tag.onload = () => resolve(window.Plotly)
      tag.onerror = () => {
        window.__thawPlotly = null
        reject(new Error("plotly"))
      }
      document.head.appendChild(tag)
    })
  return window.__thawPlotly
}

const CHARTS = [
  { name: "loss", title: "Loss", note: "lower is better", lines: [[1, "Training"], [2, "Validation"]], format: ".3f", ticks: "~g" },
  { name: "accuracy", title: "Accuracy", note: "higher is better", lines: [[3, "Training"], [4, "Validation"]], format: ".1%", ticks: ".0%" },
  { name: "rate", title: "Learning rate", note: "", lines: [[5, "Learning rate"]], format: ".2e", ticks: "~e" },
]

function palette(root) {
  const css = getComputedStyle(root)
  const of = (name, otherwise) => css.getPropertyValue(name).trim() || otherwise
  const series = of("--st-chart-categorical-colors", "#0b6fa4,#c2570c").split(",")
  return {
    validation: series[0].trim(),
    training: (series[1] || series[0]).trim(),
    text: of("--st-text-color", "#1b2a33"),
    paper: of("--st-background-color", "#fff"),
    panel: of("--st-secondary-background-color", "#fff"),
    grid: of("--st-border-color", "#d5dee3"),
    font: of("--st-font", "sans-serif"),
  }
}

function layoutOf(view, chart) {
  const { colors, data } = view
  const axis = {
    gridcolor: colors.grid,
    zeroline: false,
    linecolor: colors.grid,
    tickfont: { size: 11.5 },
    automargin: true,
    fixedrange: false,
  }
  return {
    height: 270,
    margin: { l: 44, r: 12, t: 22, b: 36 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colors.font, color: colors.text, size: 12.5 },
    showlegend: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: colors.paper, bordercolor: colors.grid, font: { color: colors.text, family: colors.font } },
    modebar: { orientation: "h", bgcolor: "rgba(0,0,0,0)", color: colors.text, activecolor: colors.validation },
    dragmode: "zoom",
    xaxis: { ...axis, title: { text: "Epoch", standoff: 6, font: { size: 12 } }, range: [0.4, Math.max(2, data.epochs) + 0.6], tickformat: "d", hoverformat: "d", nticks: chart.name === "rate" ? 4 : 7 },
    yaxis: { ...axis, tickformat: chart.ticks, nticks: 6, ...(chart.name !== "accuracy" ? { rangemode: "tozero" } : {}), ...(chart.name === "accuracy" ? { range: [0, 1.03] } : {}) },
    ...marks(view, chart),
  }
}

function marks(view, chart) {
  const { colors, data } = view
  const shapes = []
  const annotations = []
  if (data.best) {
    shapes.push({ type: "line", x0: data.best, x1: data.best, yref: "paper", y0: 0, y1: 1, line: { color: colors.text, width: 1, dash: "dot" } })
    if (chart.name !== "rate")
      annotations.push({ x: data.best, yref: "paper", y: 1, yanchor: "bottom", xanchor: data.best > data.epochs * 0.75 ? "right" : "left", text: `best epoch ${data.best}`, showarrow: false, font: { size: 11.5, color: colors.text }, bgcolor: colors.paper })
  }
  if (chart.name === "accuracy" && data.majority) {
    shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: data.majority, y1: data.majority, line: { color: colors.text, width: 1, dash: "dash" }, opacity: 0.45 })
    annotations.push({ xref: "paper", x: 1, xanchor: "right", y: data.majority, yanchor: "bottom", text: "always the largest class", showarrow: false, font: { size: 11, color: colors.text }, opacity: 0.8 })
  }
  return { shapes, annotations }
}

function tracesOf(view, chart) {
  const { colors, rows } = view
  const xs = rows.map((row) => row[0])
  const traces = chart.lines.map(([column, name]) => {
    const color = name === "Training" ? colors.training : colors.validation
    return {
      type: "scatter",
      mode: rows.length > 60 ? "lines" : "lines+markers",
      name,
      x: xs,
      y: rows.map((row) => row[column]),
      line: { color, width: name === "Training" ? 2 : 2.6, dash: name === "Training" ? "5px,3px" : "solid" },
      marker: { color, size: 5.5, symbol: name === "Training" ? "diamond" : "circle" },
      hovertemplate: `%{y:${chart.format}}`,
    }
  })
  const now = view.data.step
  if (chart.name !== "accuracy") {
    const column = chart.name === "loss" ? 1 : 2
    traces.push({
      type: "scatter",
      mode: "markers",
      name: "This batch",
      x: now ? [now[0]] : [],
      y: now ? [now[column]] : [],
      marker: { size: 9, symbol: "circle-open", color: chart.name === "loss" ? colors.training : colors.validation, line: { width: 2 } },
      hoverinfo: "skip",
    })
  }
  return traces
}

const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"], toImageButtonOptions: { filename: "thaw-curves", scale: 2 } }

function build(root) {
  root.innerHTML = `<p class="thaw-key" aria-hidden="true"><span class="thaw-dash">Training</span><span class="thaw-solid">Validation</span></p>
    <div class="thaw-grid">${CHARTS.map((chart) => `<figure class="thaw-chart thaw-${chart.name}"><figcaption>${chart.title} <small>${chart.note}</small></figcaption><div class="thaw-plot"></div></figure>`).join("")}</div>
    <p class="thaw-words"></p>`
  return { root, rows: [], data: null, mark: "", plots: [...root.querySelectorAll(".thaw-plot")], drawn: false, queue: Promise.resolve(), look: "" }
}

/** Take the new rows in; false when some between are missing. */
function take(view, data) {
  view.data = data
  if (data.mark !== view.mark) {
    view.mark = data.mark
    view.rows = []
    view.drawn = false
  }
  if (data.start > view.rows.length) return false
  view.rows = view.rows.slice(0, data.start).concat(data.rows)
  return true
}

async function draw(view) {
  const { root, plots } = view
  view.colors = palette(root)
  root.style.setProperty("--thaw-train", view.colors.training)
  root.style.setProperty("--thaw-val", view.colors.validation)
  root.querySelector(".thaw-words").textContent = view.data.sentence
  const look = JSON.stringify(view.colors)
  const fresh = !view.drawn || look !== view.look
  for (let i = 0; i < CHARTS.length; i++) {
    const chart = CHARTS[i]
    const plot = plots[i]
    plot.parentElement.setAttribute("aria-label", `${chart.title} per epoch. ${view.data.sentence}`)
    const traces = tracesOf(view, chart)
    if (!view.drawn) await window.Plotly.newPlot(plot, traces, layoutOf(view, chart), CONFIG)
    else if (fresh) {
      const { xaxis, yaxis } = plot.layout
      const layout = layoutOf(view, chart)
      layout.xaxis.range = xaxis.range
      if (!yaxis.autorange) layout.yaxis.range = yaxis.range
      await window.Plotly.react(plot, traces, layout, CONFIG)
    } else {
      const update = { x: traces.map((trace) => trace.x), y: traces.map((trace) => trace.y), mode: traces.map((trace) => trace.mode) }
      const layout = marks(view, chart)
      if (view.epochs !== view.data.epochs) layout["xaxis.range"] = layoutOf(view, chart).xaxis.range
      await window.Plotly.update(plot, update, layout)
    }
  }
  view.drawn = true
  view.look = look
  view.epochs = view.data.epochs
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const root = parentElement.querySelector(".thaw-curves")
  if (!root || !data) return
  let view = views.get(root)
  if (!view) {
    view = build(root)
    views.set(root, view)
  }
  const complete = take(view, data)
  if (!complete) setTriggerValue("gap", Date.now())
  view.queue = view.queue
    .then(() => library(data.url))
    .then(() => root.isConnected && draw(view))
    .catch(() => {
      root.querySelector(".thaw-words").textContent = `${data.sentence} (The chart library could not be loaded; reload the page to see the curves.)`
    })
  return () => {
    view.plots.forEach((plot) => window.Plotly && window.Plotly.purge(plot))
    views.delete(root)
  }
}
