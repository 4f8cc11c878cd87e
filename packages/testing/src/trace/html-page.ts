import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pageStyle } from './page-style.ts'
import type { Trace, TraceHeader } from './trace-event.ts'

/**
 * The trace as one HTML page that needs nothing else: a space-time diagram with a lane for each node, messages as arrows,
 * faults as bands, a scrub bar, a filter, and for each event the chain of what led to it. Open it from disk. Good for some
 * 50,000 events; beyond that it gets slow, not wrong.
 *
 * How the page's code gets there: page/*.ts are ordinary modules, type-checked against the DOM by a project of their own
 * and compiled into dist. A page opened from disk can't load modules, so what tsc made of them is joined here into one, in
 * the order of {@link modules}, without the imports that this makes needless. Nothing is bundled, minified or evaluated
 * from functions' source text, and what ships is what the tests of the page ran. It reads dist: from src it can't run.
 *
 * Data never becomes code: the trace stands in a JSON block in which no `<` is left, what is shown of it is escaped or
 * set as text, and the page's policy lets the browser run this one script by its hash and fetch nothing at all.
 *
 * @example
 * await writeFile('run.html', traceHtml(trace))
 */
export function traceHtml(trace: Trace): string {
  const code = joinedModules()
  const policy = [
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(code).digest('base64')}'`,
  ]
  const { header } = trace
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`${header.name} · seed ${header.seed}`)}</title>
<style>${pageStyle}</style>
</head>
<body>
${headerHtml(header)}
${bodyHtml}
<script type="application/json" id="trace">${jsonForScript({ header, events: trace.events })}</script>
<script type="module">${code}</script>
</body>
</html>
`
}

/** Compiled modules, each after the ones that it imports. */
const modules = [
  './causes.js',
  './spans.js',
  './page/page-model.js',
  './page/time-window.js',
  './page/event-filter.js',
  './page/theme.js',
  './page/layout.js',
  './page/draw-lanes.js',
  './page/draw-time.js',
  './page/pick-event.js',
  './page/elements.js',
  './page/details.js',
  './page/controls.js',
  './page/main.js',
]

let joined: string | undefined

function joinedModules(): string {
  joined ??= modules
    .map((path) => readFileSync(new URL(path, import.meta.url), 'utf8'))
    .map((text) => text.replaceAll(/^import [^;]*;$|^export \{\};$|^\/\/# sourceMappingURL=.*$/gm, ''))
    .map((text) => text.replaceAll(/^export (?=function|const|class)/gm, '').trim())
    .join('\n')
  return joined
}

/** In a script element only `<` can end or change anything; inside JSON strings its escape means the same. */
function jsonForScript(value: object): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

function headerHtml({ name, seed, hash, replay, failure, nodes }: TraceHeader): string {
  const verdict =
    failure === undefined
      ? '<p class="verdict passed">No invariant failed</p>'
      : `<p class="verdict failed"><b>${escapeHtml(failure.invariant)}</b> <span>${escapeHtml(failure.message)}</span></p>`
  return `<header>
<div class="what"><h1>${escapeHtml(name)}</h1>${verdict}</div>
<dl>
<div><dt>seed</dt><dd>${seed}</dd></div>
<div><dt>hash</dt><dd>${escapeHtml(hash)}</dd></div>
<div><dt>nodes</dt><dd>${nodes.length}</dd></div>
<div><dt>events</dt><dd id="total"></dd></div>
<div><dt>virtual time</dt><dd id="length"></dd></div>
</dl>
<div class="replay"><code id="replay" tabindex="0">${escapeHtml(replay)}</code><button id="copy" type="button">Copy</button></div>
</header>`
}

const bodyHtml = `<div class="tools" role="toolbar" aria-label="What is shown">
<input id="filter" type="search" placeholder="Filter by node, kind or caption  ( / )" aria-label="Filter" autocomplete="off" spellcheck="false">
<div id="kinds" role="group" aria-label="Kinds of events"></div>
<output id="shown" aria-live="polite"></output>
<div class="zoom" role="group" aria-label="Zoom">
<button id="failure" type="button" title="Go to the failure (f)" hidden>Failure</button>
<button id="out" type="button" title="Zoom out (-)" aria-label="Zoom out">−</button>
<button id="in" type="button" title="Zoom in (+)" aria-label="Zoom in">+</button>
<button id="whole" type="button" title="Whole run (0)">Whole run</button>
</div>
</div>
<main>
<section class="diagram" aria-label="Space-time diagram">
<div id="scrub" tabindex="0" role="slider" aria-label="Moment" aria-valuemin="0"><canvas></canvas></div>
<div id="axis"><canvas></canvas></div>
<div id="scroll"><div id="lanes"><canvas id="canvas" tabindex="0" role="img" aria-label="Events of every node over time. Arrow keys move, plus and minus zoom, n and p go from event to event."></canvas><div id="labels"></div></div></div>
<div id="tip" role="tooltip" hidden></div>
</section>
<aside id="details" aria-label="Details"></aside>
</main>
<noscript>This page draws the trace with a script.</noscript>`

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
