/** The style sheet of the trace page. The canvases take their colours from the same variables. */
export const pageStyle: string = `
:root {
  --paper: #fcfcfa; --panel: #f5f5f1; --ink: #1c2126; --soft: #68707a; --faint: #d9dad5; --lane: #c3c6c4;
  --message: #3d6fb6; --quiet: #8d969f; --life: #2e8b62; --doubt: #b5760e; --bad: #c8323c; --accent: #7a3fc4;
  --band: rgba(214, 126, 20, .13); --down: rgba(200, 50, 60, .10); --mark: rgba(122, 63, 196, .10);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --panel: #1a1e22; --ink: #e4e6e3; --soft: #949ca4; --faint: #2c3238; --lane: #434a51;
    --message: #6fa3e8; --quiet: #6b747d; --life: #58c08f; --doubt: #e0a33e; --bad: #f2666d; --accent: #c39bff;
    --band: rgba(224, 150, 50, .15); --down: rgba(242, 102, 109, .14); --mark: rgba(195, 155, 255, .14);
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body {
  display: flex; flex-direction: column; color: var(--ink); background: var(--paper);
  font: 13px/1.45 system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif;
}
code, dd, time, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', 'Liberation Mono', monospace; }
button, input { font: inherit; color: inherit; }
button {
  padding: 3px 10px; border: 1px solid var(--faint); border-radius: 6px; background: var(--paper); cursor: pointer;
}
button:hover { border-color: var(--soft); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 28px; padding: 14px 20px 12px; }
.what { flex: 1 1 320px; min-width: 0; }
h1 { margin: 0; font-size: 19px; font-weight: 650; letter-spacing: -.01em; }
.verdict { margin: 1px 0 0; overflow-wrap: anywhere; }
.passed { color: var(--life); }
.failed b { color: var(--bad); }
.failed span { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 0; }
dt { color: var(--soft); font-size: 11px; }
dd { margin: 0; font-size: 12px; }
.replay {
  display: flex; align-items: center; gap: 4px; max-width: 100%; padding: 3px 3px 3px 11px;
  border: 1px solid var(--faint); border-radius: 8px; background: var(--panel);
}
.replay code { overflow-x: auto; white-space: pre; font-size: 12px; padding: 3px 6px 3px 0; }
.replay code::before { content: '$ '; color: var(--soft); }
.tools {
  display: flex; flex-wrap: wrap; align-items: center; gap: 8px 14px; padding: 8px 20px;
  border-block: 1px solid var(--faint);
}
#filter { flex: 0 1 270px; padding: 4px 10px; border: 1px solid var(--faint); border-radius: 6px; background: var(--paper); }
#kinds { display: flex; flex: 1 1 300px; flex-wrap: wrap; gap: 4px; }
#kinds button { display: flex; align-items: center; gap: 5px; padding: 1px 8px 1px 6px; border-radius: 20px; font-size: 12px; }
#kinds button::before { content: ''; width: 7px; height: 7px; border-radius: 50%; background: var(--dot); }
#kinds small { color: var(--soft); font-variant-numeric: tabular-nums; }
button[aria-pressed='false'] { opacity: .5; text-decoration: line-through; }
#shown { color: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.zoom { display: flex; gap: 4px; }
#failure { color: var(--bad); }
main { display: flex; flex: 1; min-height: 0; }
.diagram { position: relative; display: flex; flex: 1; flex-direction: column; min-width: 0; }
#scrub { height: 48px; border-bottom: 1px solid var(--faint); background: var(--panel); cursor: grab; touch-action: none; }
#scrub:active { cursor: grabbing; }
#scrub:focus-visible, #canvas:focus-visible { outline-offset: -2px; }
#scroll { flex: 1; min-height: 0; overflow: hidden auto; }
#lanes { position: relative; }
#axis { border-bottom: 1px solid var(--faint); }
canvas { display: block; width: 100%; }
#canvas { touch-action: pan-y; cursor: crosshair; }
#labels span, #labels button { position: absolute; left: 20px; transform: translateY(-50%); white-space: nowrap; }
#labels span { color: var(--soft); font-size: 11px; font-weight: 650; letter-spacing: .04em; }
#labels button {
  width: 112px; overflow: hidden; padding: 1px 6px; margin-left: -6px; border-color: transparent; background: none;
  text-align: left; text-overflow: ellipsis; font-size: 12px;
}
#labels button:hover { border-color: var(--faint); }
#tip {
  position: absolute; z-index: 1; max-width: 380px; padding: 5px 10px; border-radius: 6px; pointer-events: none;
  color: var(--paper); background: var(--ink); font-size: 12px; overflow-wrap: anywhere;
}
aside { flex: 0 0 340px; overflow: auto; padding: 14px 18px 20px; border-left: 1px solid var(--faint); background: var(--panel); }
h2 { margin: 18px 0 6px; font-size: 12px; font-weight: 650; color: var(--soft); }
h2:first-child { margin-top: 0; }
aside p { margin: 0 0 6px; overflow-wrap: anywhere; }
.caption { font-size: 15px; line-height: 1.35; }
.soft { color: var(--soft); font-size: 12px; }
aside ol, aside ul { margin: 0; padding: 0; list-style: none; }
aside li button {
  display: grid; grid-template-columns: 12px 1fr auto; gap: 0 8px; width: calc(100% + 16px); margin-left: -8px; padding: 4px 8px;
  border-color: transparent; background: none; text-align: left; font-size: 12px;
}
aside li button:hover, aside li button[aria-current] { border-color: var(--faint); background: var(--paper); }
li i { width: 7px; height: 7px; margin-top: 6px; border-radius: 50%; background: var(--dot); }
li b { font-weight: 600; }
li time { color: var(--soft); font-size: 11px; }
li em { grid-column: 2 / 4; font-style: normal; color: var(--soft); overflow-wrap: anywhere; }
kbd {
  padding: 0 5px; border: 1px solid var(--faint); border-radius: 4px; background: var(--paper); font: inherit; font-size: 11px;
}
.keys { display: grid; grid-template-columns: auto 1fr; gap: 4px 12px; font-size: 12px; color: var(--soft); }
@media (max-width: 820px) { main { flex-direction: column; } aside { flex: 0 0 38%; border: 0; border-top: 1px solid var(--faint); } }
`
