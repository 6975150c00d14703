// Cards drawn from a JSON text. Everything from data goes through textContent or setAttribute, never through markup.
// Elements are kept and updated in place, so that focus, hover and selection survive a tick.

const STYLE = `
:host { display: block; min-width: 0; }
* { box-sizing: border-box; }
.tile, .headlines { font: 400 14px/1.4 Roboto, system-ui, sans-serif; color: var(--mui-palette-text-primary); }
.tile { height: 100%; padding: 16px 18px 14px; display: flex; flex-direction: column; }
.framed { background: var(--mui-palette-background-paper); border: 1px solid var(--mui-palette-divider); border-radius: 12px; }
header { display: flex; align-items: baseline; gap: 8px; min-height: 28px; margin-bottom: 8px; }
h2 { font: 500 15px/1.3 Roboto, system-ui, sans-serif; margin: 0; white-space: nowrap; }
.note { color: var(--mui-palette-text-secondary); font-size: 12px; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tool { margin-left: auto; border: 0; background: none; color: var(--mui-palette-text-secondary); font: 500 11px/1 Roboto, sans-serif;
  letter-spacing: .04em; padding: 6px 8px; border-radius: 6px; cursor: pointer; opacity: .65; }
.tool:hover, .tool:focus-visible { opacity: 1; background: var(--mui-palette-action-hover); }
:focus-visible { outline: 2px solid var(--mui-palette-primary-main); outline-offset: 1px; }
.empty { color: var(--mui-palette-text-secondary); padding: 28px 0; text-align: center; }
bdi { unicode-bidi: isolate; }
.rows { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; gap: 2px; }
.row { display: grid; grid-template-columns: minmax(0, 1fr) auto auto; gap: 10px; align-items: center; width: 100%; position: relative;
  border: 0; background: none; color: inherit; font: inherit; text-align: start; padding: 6px 8px; border-radius: 6px; }
button.row { cursor: pointer; }
button.row:hover { background: var(--mui-palette-action-hover); }
.fill { position: absolute; inset: 3px auto 3px 0; border-radius: 5px; background: var(--tint); opacity: .2; transition: width .4s; }
.row[aria-pressed=true] .fill { opacity: .38; }
.row[aria-pressed=true] .name { font-weight: 500; }
.dimmed .row[aria-pressed=false] { opacity: .5; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; position: relative; }
.figure { font-variant-numeric: tabular-nums; white-space: nowrap; position: relative; }
.second { color: var(--mui-palette-text-secondary); font-size: 12px; font-variant-numeric: tabular-nums; text-align: end; white-space: nowrap; position: relative; min-width: 44px; }
.second:empty, .under span:empty { display: none; }
.headlines { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 16px; }
@media (max-width: 1240px) { .headlines { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
.headline { padding: 14px 18px 0; overflow: hidden; display: flex; flex-direction: column; min-height: 132px; position: relative; }
.label { color: var(--mui-palette-text-secondary); font-size: 13px; white-space: nowrap; }
.value { font: 500 27px/1.25 Roboto, system-ui, sans-serif; letter-spacing: -.01em; font-variant-numeric: tabular-nums; white-space: nowrap; margin-top: 2px; }
.value small { font-size: 15px; font-weight: 400; color: var(--mui-palette-text-secondary); letter-spacing: 0; }
.under { display: flex; gap: 6px; font-size: 12px; color: var(--mui-palette-text-secondary); min-height: 18px; white-space: nowrap; }
.good { color: var(--mui-palette-success-main); font-weight: 500; } .bad { color: var(--mui-palette-error-main); font-weight: 500; }
svg { display: block; width: calc(100% + 36px); height: 34px; margin: auto -18px 0; }
.share { display: flex; height: 6px; border-radius: 3px; overflow: hidden; gap: 2px; margin: 6px 0 8px; }
.share i { display: block; transition: flex-grow .4s; min-width: 3px; }
.scroll { overflow-x: auto; margin: 0 -4px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: start; font-weight: 500; color: var(--mui-palette-text-secondary); font-size: 12px; padding: 4px; white-space: nowrap; }
td { padding: 6px 4px; border-top: 1px solid var(--mui-palette-divider); white-space: nowrap; max-width: 320px; overflow: hidden; text-overflow: ellipsis; }
.end { text-align: end; font-variant-numeric: tabular-nums; }
a { color: var(--mui-palette-primary-main); text-decoration: none; } a:hover { text-decoration: underline; }
.pill { border-radius: 10px; padding: 1px 8px; font-size: 12px; background: var(--mui-palette-action-selected); }
.pill.good { background: color-mix(in srgb, var(--mui-palette-success-main) 14%, transparent); }
.pill.bad { background: color-mix(in srgb, var(--mui-palette-error-main) 14%, transparent); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 4px; margin: -4px -8px 0; }
.legend button { border: 0; background: none; font: inherit; font-size: 12px; color: inherit; display: flex; align-items: center; gap: 6px; padding: 4px 8px; border-radius: 6px; cursor: pointer; max-width: 220px; }
.legend button:hover { background: var(--mui-palette-action-hover); }
.legend button[aria-pressed=true] { background: var(--mui-palette-action-selected); }
.legend i { width: 9px; height: 9px; border-radius: 3px; flex: none; background: var(--tint); }
.legend b { font-weight: 500; font-variant-numeric: tabular-nums; }
@media (max-width: 600px) { .headlines { grid-template-columns: 1fr 1fr; gap: 10px; } .headline { padding: 12px 12px 0; min-height: 118px; }
  .value { font-size: 22px; } .value small { font-size: 12px; } svg { width: calc(100% + 24px); margin-inline: -12px; } .tile { padding: 14px 12px; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`;

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) { made.className = className; }
  parent?.append(made);
  return made;
}

function write(node, text) {
  text = text ?? "";
  if (node.textContent !== text) { node.textContent = text; }
}

// Keeps one child per key in the order of `items`; `make` builds a child, `fill` brings it up to date.
function keyed(parent, items, make, fill) {
  const known = parent.known ??= new Map();
  const wanted = new Set(items.map((item) => item.key));
  for (const [key, child] of known) { if (!wanted.has(key)) { child.remove(); known.delete(key); } }
  items.forEach((item, position) => {
    let child = known.get(item.key);
    if (child == null) { child = make(item); known.set(item.key, child); }
    if (parent.children[position] !== child) { parent.insertBefore(child, parent.children[position] ?? null); }
    fill(child, item);
  });
}

function spark(points) {
  const top = Math.max(...points), width = 100, height = 30;
  const at = points.map((value, index) => [index * width / (points.length - 1), top > 0 ? height - 2 - value / top * (height - 6) : height - 2]);
  const line = at.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" L");
  return [`M${line}`, `M0,${height} L${line} L${width},${height} Z`];
}

function headline_parts() {
  const card = element("section", "headline framed");
  const parts = {label: element("div", "label", card), value: element("div", "value", card), under: element("div", "under", card)};
  parts.main = element("span", "", parts.value);
  parts.small = element("small", "", parts.value);
  parts.change = element("span", "", parts.under);
  parts.note = element("span", "", parts.under);
  card.parts = parts;
  return card;
}

function fill_headline(card, item) {
  const {label, value, main, small, change, note} = card.parts;
  card.id = `headline-${item.key}`;
  write(label, item.label); write(main, item.value); write(small, item.small);
  value.title = item.exact; value.dataset.exact = item.exact;
  card.setAttribute("aria-label", `${item.label}: ${item.exact}${item.change ? `, ${item.change}` : ""}`);
  write(change, item.change); change.className = item.tone ?? ""; write(note, item.note);
  if (item.share) {
    const bar = card.parts.share ??= element("div", "share", card);
    keyed(bar, item.share, () => element("i"), (part, {size, color}) => { part.style.flexGrow = size; part.style.background = color; });
  }
  const points = item.spark ?? [];
  if (card.parts.points === JSON.stringify(points)) { return; }
  card.parts.points = JSON.stringify(points);
  card.parts.svg?.remove();
  if (points.length < 2) { return; }
  const space = "http://www.w3.org/2000/svg";
  const svg = card.parts.svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 30"); svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("aria-hidden", "true");
  const [line, area] = spark(points);
  for (const [path, paint] of [[area, "fill:var(--mui-palette-primary-main);opacity:.10"], [line, "fill:none;stroke:var(--mui-palette-primary-main);stroke-width:1.5;vector-effect:non-scaling-stroke;opacity:.8"]]) {
    const shape = document.createElementNS(space, "path");
    shape.setAttribute("d", path); shape.setAttribute("style", paint); svg.append(shape);
  }
  card.append(svg);
}

function headlines(root, content) {
  root.className = "headlines";
  keyed(root, content.rows, headline_parts, fill_headline);
}

function heading(root, content, model) {
  if (root.head == null) {
    root.head = element("header", "", root);
    root.title_text = element("h2", "", root.head);
    root.note = element("span", "note", root.head);
    root.body = element("div", "", root);
    root.empty = element("div", "empty", root);
  }
  write(root.title_text, content.title); write(root.note, content.note); root.note.title = content.note ?? "";
  if (content.csv && root.tool == null) {
    root.tool = element("button", "tool", root.head);
    root.tool.type = "button"; write(root.tool, "CSV");
    root.tool.setAttribute("aria-label", `Download ${content.title} as CSV`);
    root.tool.addEventListener("click", () => model.send_msg({csv: true}));
  }
  write(root.empty, content.empty); root.empty.hidden = !content.empty;
}

function pressable(item, model, className, tag = "button") {
  const made = element(item.key === null || item.fixed ? "div" : tag, className);
  if (made.tagName === "BUTTON") { made.type = "button"; made.addEventListener("click", () => model.send_msg({pick: item.key})); }
  return made;
}

function bars(root, content, model) {
  root.className = "tile framed";
  heading(root, content, model);
  root.list ??= element("div", "rows", root.body);
  root.list.classList.toggle("dimmed", content.rows.some((row) => row.selected));
  keyed(root.list, content.rows, (item) => {
    const row = pressable(item, model, "row");
    row.parts = {fill: element("span", "fill", row), name: element("bdi", "name", row), figure: element("span", "figure", row), second: element("span", "second", row)};
    return row;
  }, (row, item) => {
    const {fill, name, figure, second} = row.parts;
    fill.style.width = `${Math.max(0, Math.min(100, item.width))}%`;
    row.style.setProperty("--tint", item.color ?? "var(--mui-palette-primary-main)");
    write(name, item.name); write(figure, item.figure); write(second, item.second);
    row.title = `${item.name}\n${item.exact}`; row.dataset.exact = item.exact; row.dataset.name = item.name;
    if (row.tagName === "BUTTON") { row.setAttribute("aria-pressed", String(Boolean(item.selected))); row.setAttribute("aria-label", `${item.name}: ${item.exact}. Filter by it`); }
  });
}

function legend(root, content, model) {
  root.className = "tile";
  heading(root, content, model);
  root.list ??= element("div", "legend", root.body);
  keyed(root.list, content.rows, (item) => {
    const chip = pressable(item, model, "");
    element("i", "", chip);
    chip.parts = {name: element("bdi", "name", chip), figure: element("b", "", chip)};
    return chip;
  }, (chip, item) => {
    chip.style.setProperty("--tint", item.color);
    write(chip.parts.name, item.name); write(chip.parts.figure, item.figure);
    chip.title = item.exact; chip.dataset.exact = item.exact; chip.dataset.name = item.name;
    if (chip.tagName === "BUTTON") { chip.setAttribute("aria-pressed", String(Boolean(item.selected))); }
  });
}

function fill_cell(cell, value) {
  const {text, title, tone, link} = typeof value === "object" && value !== null ? value : {text: value};
  let inner = cell.firstElementChild;
  const kind = link ? "A" : tone ? "SPAN" : "BDI";
  if (inner?.tagName !== kind) { cell.replaceChildren(); inner = element(kind, "", cell); }
  if (link) { inner.href = link; inner.target = "_blank"; inner.rel = "noopener"; }
  if (tone) { inner.className = `pill ${tone}`; }
  write(inner, String(text ?? "–")); cell.title = title ?? String(text ?? "");
}

function table(root, content, model) {
  root.className = "tile framed";
  heading(root, content, model);
  if (root.grid == null) {
    root.grid = element("table", "", element("div", "scroll", root.body));
    root.top = element("tr", "", element("thead", "", root.grid));
    root.rows = element("tbody", "", root.grid);
  }
  root.grid.hidden = content.rows.length === 0;
  root.grid.setAttribute("aria-label", content.title);
  keyed(root.top, content.columns.map((column) => ({...column, key: column.name})), () => element("th"), (cell, column) => {
    cell.scope = "col"; cell.className = column.number ? "end" : ""; write(cell, column.name);
  });
  keyed(root.rows, content.rows, () => element("tr"), (row, item) => {
    keyed(row, item.cells.map((value, index) => ({key: index, value})), () => element("td"), (cell, {key, value}) => {
      cell.className = content.columns[key].number ? "end" : ""; fill_cell(cell, value);
    });
  });
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv;charset=utf-8"}));
  link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const KINDS = {headlines, bars, legend, table};

function render({model, el}) {
  element("style", "", el).textContent = STYLE;
  el.style.height = "100%";
  const root = element("div", "", el);
  const draw = () => { if (model.content) { KINDS[model.kind](root, JSON.parse(model.content), model); } };
  model.on("content", draw);
  model.on("msg:custom", (event) => { const data = event.data ?? event; if (data.csv) { save(data.name, data.csv); } });
  draw();
}

export default {render};
