// A page of cards drawn from JSON texts. Everything from data goes through textContent or setAttribute, never through markup.
// Elements are kept and updated in place, so that focus, hover and selection survive a tick.

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

// The paths of a line and of what is below it. Where a point is null there is a gap; a point by itself is a dot.
function spark(points) {
  const top = Math.max(...points), width = 100, height = 30;
  const runs = [];
  points.forEach((value, index) => {
    if (value == null) { return; }
    if (index === 0 || points[index - 1] == null) { runs.push([]); }
    runs.at(-1).push([(index * width / (points.length - 1)).toFixed(1), (top > 0 ? height - 2 - value / top * (height - 6) : height - 2).toFixed(1)]);
  });
  const lines = runs.map((run) => run.map((at) => at.join()).join(" L"));
  const areas = runs.map((run, index) => `M${run[0][0]},${height} L${lines[index]} L${run.at(-1)[0]},${height} Z`);
  return [lines.map((line, index) => `M${line}${runs[index].length === 1 ? " h0" : ""}`).join(" "), areas.join(" ")];
}

// A link to another view of this page: followed without loading it anew, unless the browser is asked for another tab.
// One to a card of this page, as #stock, shows that.
function view_link(parent, className, model) {
  const link = element("a", className, parent);
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) { return; }
    event.preventDefault();
    if (show_card(link.hash)) { return; }
    model.send_msg({go: link.search});
  });
  return link;
}

const cards_by_hash = new Map();

function show_card(hash) {
  const card = cards_by_hash.get(hash);
  if (card == null) { return false; }
  card.tabIndex = -1;
  card.scrollIntoView({block: "center"}); card.focus({preventScroll: true});
  return true;
}

// The orders behind a figure: those of the page's own link, with some values chosen. A name alone is left out: the figure
// does not obey that filter.
function behind(pairs) {
  const query = new URLSearchParams(location.search);
  query.set("page", "orders");
  for (const [name] of pairs) { query.delete(name); }
  for (const [name, value] of pairs) { if (value !== undefined) { query.append(name, value); } }
  return `?${query}`;
}

function behind_link(parent, model) {
  const link = view_link(parent, "behind", model);
  write(link, "→");
  const aim = () => { link.href = behind(link.pairs ?? []); };
  for (const event of ["pointerenter", "focus", "click"]) { link.addEventListener(event, aim, true); }
  link.aim = (pairs, name) => {
    link.hidden = pairs == null;
    link.pairs = pairs ?? [];
    link.setAttribute("aria-label", `Orders behind ${name}`); link.title = "The orders behind this figure";
    aim();
  };
  return link;
}

function headline_parts(model) {
  const card = element("section", "headline framed");
  const parts = {label: element("div", "label", card), value: element("div", "value", card), under: element("div", "under", card)};
  parts.main = element("span", "", parts.value);
  parts.small = element("small", "", parts.value);
  parts.change = element("span", "", parts.under);
  parts.note = element("span", "", parts.under);
  parts.unfiltered = element("div", "unfiltered", card);
  parts.behind = behind_link(card, model);
  card.parts = parts;
  return card;
}

function fill_headline(card, item) {
  const {label, value, main, small, under, change, note, unfiltered} = card.parts;
  card.id = `headline-${item.key}`;
  write(label, item.label); write(main, item.value); write(small, item.small);
  value.title = item.exact; value.dataset.exact = item.exact;
  card.setAttribute("aria-label", `${item.label}: ${item.exact}${item.change ? `, ${item.change} ${item.note}` : ""}${item.unfiltered ? `, ${item.unfiltered}` : ""}`);
  write(change, item.change); change.className = item.tone ?? ""; write(note, item.note); under.title = item.note ?? "";
  write(unfiltered, item.unfiltered);
  card.parts.behind.aim(item.orders, item.label);
  if (item.share) {
    const bar = card.parts.share ??= element("div", "share", card);
    keyed(bar, item.share, () => element("i"), (part, {size, color}) => { part.style.flexGrow = size; part.style.background = color; });
  }
  const points = item.spark ?? [];
  if (card.parts.points === JSON.stringify(points)) { return; }
  card.parts.points = JSON.stringify(points);
  card.parts.svg?.remove();
  if (points.length < 2 || points.every((point) => point == null)) { return; }
  const space = "http://www.w3.org/2000/svg";
  const svg = card.parts.svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 30"); svg.setAttribute("preserveAspectRatio", "none"); svg.setAttribute("aria-hidden", "true");
  const [line, area] = spark(points);
  for (const [path, paint] of [[area, "fill:var(--mui-palette-primary-main);opacity:.10"], [line, "fill:none;stroke:var(--mui-palette-primary-main);stroke-width:1.5;stroke-linecap:round;vector-effect:non-scaling-stroke;opacity:.8"]]) {
    const shape = document.createElementNS(space, "path");
    shape.setAttribute("d", path); shape.setAttribute("style", paint); svg.append(shape);
  }
  card.append(svg);
}

function headlines(root, content, model) {
  if (root.body == null) {
    root.head = element("div", "head", root);
    root.title_text = element("h1", "", root.head);
    root.note = element("p", "", root.head);
    root.body = element("div", "headlines", root);
  }
  write(root.title_text, content.title); write(root.note, content.subtitle);
  keyed(root.body, content.rows, () => headline_parts(model), fill_headline);
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
    root.tool.setAttribute("aria-label", `Download ${content.called ?? content.title} as CSV`);
    root.tool.addEventListener("click", () => model.send_msg({csv: true}));
  }
  write(root.empty, content.empty); root.empty.hidden = !content.empty;
}

function pressable(item, model, className, tag = "button") {
  const made = element(item.key === null || item.fixed ? "div" : tag, className);
  if (made.tagName === "BUTTON") { made.type = "button"; made.addEventListener("click", () => model.send_msg({pick: item.key})); }
  return made;
}

const measures_chosen = new Map();  // by the name of the card, while the page lives

// A card as the measure shows it that was chosen: of the others the content has what differs from the first.
function by_measure(content, measure) {
  if (measure == null || measure === content.measures[0]) { return content; }
  const rows = new Map([...content.rows, ...content.more].map((row) => [row.key, row]));
  return {...content, called: content.title, title: measure.title, note: measure.note,
    rows: measure.rows.map(([key, figure, second, width]) => ({...rows.get(key), figure, second, width}))};
}

// The switch of a card that has several measures, in its heading.
function measure_switch(root, content, measure, model) {
  const measures = content.rows.length ? content.measures : [];
  if (root.unit == null) {
    root.unit = element("span", "unit", root.head);  // where nothing can be pressed
    root.measure = element("select", "measure", root.head);
    root.title_text.after(root.unit, root.measure);
    root.measure.addEventListener("change", () => { measures_chosen.set(model.card, root.measure.value); bars(root, root.content, model); });
  }
  root.measure.setAttribute("aria-label", `Measure of ${content.title}`);
  root.measure.hidden = measures.length < 2;
  keyed(root.measure, measures, () => element("option"), (option, {key, label}) => { option.value = key; write(option, label); });
  if (measure) { root.measure.value = measure.key; }
  write(root.unit, measure?.label);
}

function bars(root, content, model) {
  root.className = "tile framed";
  root.content = content;
  const measure = content.measures?.find(({key}) => key === measures_chosen.get(model.card)) ?? content.measures?.[0];
  content = by_measure(content, measure);
  heading(root, content, model);
  if (measure) { measure_switch(root, root.content, measure, model); }
  root.list ??= element("div", "rows", root.body);
  root.list.classList.toggle("dimmed", content.rows.some((row) => row.selected));
  keyed(root.list, content.rows, (item) => {
    const line = element("div", "line"), row = line.row = pressable(item, model, "row");
    line.append(row);
    line.behind = behind_link(line, model);
    row.parts = {fill: element("span", "fill", row), name: element("bdi", "name", row), figure: element("span", "figure", row), second: element("span", "second", row)};
    return line;
  }, ({row, behind}, item) => {
    const {fill, name, figure, second} = row.parts;
    behind.aim(item.orders, item.name);
    fill.style.width = `${Math.max(0, Math.min(100, item.width))}%`;
    row.style.setProperty("--tint", item.color ?? "var(--mui-palette-primary-main)");
    write(name, item.name); write(figure, item.figure); write(second, item.second);
    row.title = `${item.name}\n${item.exact}`; row.dataset.exact = item.exact; row.dataset.name = item.name;
    if (row.tagName === "BUTTON") { row.setAttribute("aria-pressed", String(Boolean(item.selected))); }
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

function fill_cell(cell, value, model) {
  const {text, title, tone, link, go} = typeof value === "object" && value !== null ? value : {text: value};
  let inner = cell.firstElementChild;
  const kind = link || go ? "A" : tone ? "SPAN" : "BDI";
  if (inner?.tagName !== kind) { cell.replaceChildren(); inner = go ? view_link(cell, "", model) : element(kind, "", cell); }
  if (go) { inner.href = go; }
  if (link) { inner.href = link; inner.target = "_blank"; inner.rel = "noopener"; }
  if (tone) { inner.className = `pill ${tone}`; }
  write(inner, String(text ?? "–")); cell.title = title ?? String(text ?? "");
}

function table(root, content, model) {
  root.className = "tile framed";
  heading(root, content, model);
  if (root.grid == null) {
    root.grid = element("table", "", element("div", content.scrolls ? "scroll low" : "scroll", root.body));
    root.top = element("tr", "", element("thead", "", root.grid));
    root.rows = element("tbody", "", root.grid);
  }
  root.hidden = content.title === "";
  root.grid.hidden = content.rows.length === 0;
  root.grid.setAttribute("aria-label", content.title);
  keyed(root.top, content.columns.map((column) => ({...column, key: column.name})), () => element("th"), (cell, column) => {
    cell.scope = "col"; cell.className = column.number ? "end" : "";
    if (column.sort == null) { write(cell, column.name); return; }
    cell.link ??= view_link(cell, "sort", model);
    cell.link.href = column.go; cell.setAttribute("aria-sort", column.sort);
    write(cell.link, `${column.name}${{ascending: " ▲", descending: " ▼"}[column.sort] ?? ""}`);
  });
  keyed(root.rows, content.rows, () => element("tr"), (row, item) => {
    keyed(row, item.cells.map((value, index) => ({key: index, value})), () => element("td"), (cell, {key, value}) => {
      cell.className = content.columns[key].number ? "end" : content.columns[key].wide ? "text" : ""; fill_cell(cell, value, model);
    });
  });
}

// A heading and links beside it: to other views, or to a download.
function links(root, content, model) {
  root.className = "links";
  if (root.list == null) {
    root.head = element("div", "head", root);
    root.title_text = element("h1", "", root.head); root.note = element("p", "", root.head);
    root.list = element("nav", "chips", root);
  }
  root.head.hidden = !content.title;
  root.list.setAttribute("aria-label", content.label || content.title); // no two alike on a page
  root.list.hidden = content.rows.length === 0;
  write(root.title_text, content.title); write(root.note, content.subtitle);
  keyed(root.list, content.rows, (item) => item.go ? view_link(root.list, "chip", model) : element("a", "chip", root.list), (link, item) => {
    link.href = item.go ?? item.href; write(link, item.text); link.title = item.title;
    if (item.current) { link.setAttribute("aria-current", "true"); } else { link.removeAttribute("aria-current"); }
    if (item.href) { link.setAttribute("download", ""); }
  });
}

// What needs attention, each with its reason and a way to where more is said. Nothing is drawn where there is nothing.
function notices(root, content, model) {
  root.className = "notices";
  root.setAttribute("role", "status");
  root.closest(".stack").hidden = content.rows.length === 0;
  keyed(root, content.rows, (item) => {
    const row = element("div", "notice", root);
    row.parts = {text: element("bdi", "what", row), reason: element("bdi", "why", row)};
    row.link = item.go ? view_link(row, "tool", model) : element("button", "tool", row);
    row.link.setAttribute("aria-label", `${item.called}: ${item.key}`); write(row.link, item.called);
    if (!item.go) { row.link.type = "button"; row.link.addEventListener("click", () => model.send_msg({pick: item.key})); }
    return row;
  }, (row, item) => {
    if (item.go) { row.link.href = item.go; } write(row.parts.text, item.text); write(row.parts.reason, item.reason); row.title = item.title; });
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv;charset=utf-8"}));
  link.download = name; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Takes a tooltip away until the pointer moves again. Else Bokeh shows it over what is drawn next, which nobody points at.
function unpointed(figure) {
  for (const tool of Bokeh.index.find_one(figure)?.tool_views?.values() ?? []) {
    if (tool.model.type === "HoverTool") { tool._move_exit?.(); }
  }
}

// Columns go straight into the figure's source. Its ranges are the browser's: they follow the data until the viewer zooms.
// What all bars of a bucket share is sent once; a value that is not there is NaN to a chart.
function plot(slot, figure, {columns, buckets, span, empty}) {
  slot.hidden = empty;
  if (empty) { unpointed(figure); return; }
  for (const [name, values] of Object.entries(buckets ?? {})) { columns[name] = columns.bucket.map((place) => values[place]); }
  for (const [name, values] of Object.entries(columns)) { if (values.includes(null)) { columns[name] = values.map((value) => value ?? NaN); } }
  figure.renderers[0].data_source.data = columns;
  const before = slot.span;
  slot.span = span;
  if (before == null || JSON.stringify(before) === JSON.stringify(span)) { return; }
  unpointed(figure);
  // A preset moves with the clock, an hour at a time, but a viewer who zoomed has not asked for another span.
  if (span[0] - before[0] !== 3_600_000) { figure.reset.emit(); }
}

// What is drawn on a canvas obeys no style sheet: on paper, which is light, the axes of a dark page get the inks of a light one.
const INKED = [["below", "major_label_text_color"], ["below", "axis_label_text_color"], ["left", "major_label_text_color"],
  ["left", "axis_label_text_color"], ["center", "grid_line_color"]];

function on_paper(figures, inks) {
  let screen = [];
  const media = matchMedia("print");
  const paint = () => { for (const figure of figures) { Bokeh.index.find_one(figure)?.paint(); } };  // at once: print does not wait
  const begin = () => {
    if (screen.length) { return; }
    for (const [side, name] of INKED) {
      for (const part of figures.flatMap((figure) => figure[side])) {
        if (part[name] != null) { screen.push([part, name, part[name]]); part[name] = inks[name]; }
      }
    }
    paint();
  };
  const end = () => { for (const [part, name, ink] of screen) { part[name] = ink; } screen = []; paint(); };
  const changed = ({matches}) => { (matches ? begin : end)(); };
  media.addEventListener("change", changed); addEventListener("beforeprint", begin); addEventListener("afterprint", end);
  return () => { media.removeEventListener("change", changed); removeEventListener("beforeprint", begin); removeEventListener("afterprint", end); };
}

const KINDS = {links, notices, headlines, bars, legend, table};

// Places for all cards, in stacks on a grid; returns what draws each.
function laid_out(el, model) {
  const grid = element("div", "grid", el), draws = new Map(), figures = model.get_child("charts");
  for (const {span, cards} of model.stacks) {
    const stack = element("div", `stack ${span}`, grid);
    for (const {name, kind, chart} of cards) {
      const frame = chart ? element("div", "frame framed", stack) : stack;
      const root = element("div", "", frame);
      cards_by_hash.set(`#${name}`, root);
      const talk = {card: name, send_msg: (message) => model.send_msg({card: name, ...message})};
      if (kind === "notices") { stack.hidden = true; }  // until there is one
      draws.set(name, (content) => KINDS[kind](root, content, talk));
      if (chart) {
        const number = draws.figures ??= 0, slot = element("div", "chart", frame);
        draws.figures = number + 1;
        slot.append(figures[number]);
        slot.hidden = true;  // until there is something to draw: its axes would be those of 1970
        draws.set(chart, (content) => plot(slot, model.charts[number], content));
      }
    }
  }
  return draws;
}

function render({model, el}) {
  const draws = laid_out(el, model);
  const draw = (news) => {
    if (!news) { return; }
    for (const [name, content] of Object.entries(JSON.parse(news))) { draws.get(name)(content); }
  };
  // The first paint stays until there are figures to take its place.
  const set = ({figures, beside, waiting}) => {
    draw(figures); draw(beside);
    if (figures) { document.getElementById("first-paint")?.remove(); }
    if (beside && !el.came) { el.came = true; requestAnimationFrame(() => show_card(location.hash)); }
    if (waiting !== undefined) { el.setAttribute("aria-busy", String(waiting)); }
  };
  model.on("msg:custom", (event) => {
    const data = event.data ?? event;
    if (data.set) { set(data.set); }
    if (data.csv) { save(data.name, data.csv); }
  });
  model.on("remove", on_paper([...model.charts ?? []], model.inks));
  set(model);
  model.send_msg({drawn: model.version});
}

export default {render};
