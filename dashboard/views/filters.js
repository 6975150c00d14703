// The filters: per dimension a list that opens, to tick and to search. Everything from data goes through textContent.

const SHOWN = 200;  // A catalog may have thousands of cities: the list shows these, and finds the others by typing.
const SEARCHED_FROM = 9;

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) { made.className = className; }
  parent?.append(made);
  return made;
}

// One filter. `change` gets the values that are ticked; returns what shows other values or ticks.
function list(parent, change) {
  const root = element("details", "", parent), summary = element("summary", "", root), label = element("span", "label", summary);
  const names = element("bdi", "names", summary);
  const drop = element("div", "drop", root);
  const search = element("input", "search", drop), items = element("ul", "", drop), rest = element("p", "rest", drop);
  search.type = "search"; search.placeholder = "Find…";
  let values = [], chosen = [], shown = new Map();
  const ticks = () => {
    for (const [value, box] of shown) { box.checked = chosen.includes(value); }
    names.textContent = values.filter(([value]) => chosen.includes(value)).map(([, name]) => name).join(", ");
    root.classList.toggle("chosen", chosen.length > 0);
  };
  const draw = () => {
    items.replaceChildren(); shown = new Map();
    if (!root.open) { return; }
    const wanted = search.value.trim().toLowerCase();
    const found = values.filter(([, name]) => name.toLowerCase().includes(wanted));
    for (const [value, name] of found.slice(0, SHOWN)) {
      const row = element("label", "", element("li", "", items)), box = element("input", "", row);
      box.type = "checkbox";
      element("bdi", "", row).textContent = name;
      box.addEventListener("change", () => change(box.checked ? [...chosen, value] : chosen.filter((each) => each !== value)));
      shown.set(value, box);
    }
    rest.textContent = found.length > SHOWN ? `${found.length - SHOWN} more: type to find them` : found.length ? "" : "None of that name";
    ticks();
  };
  root.addEventListener("toggle", draw);
  root.name = "filter";  // one is open at a time
  search.addEventListener("input", draw);
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && root.open) { root.open = false; summary.focus(); } });
  return {
    offer(text, all) {
      label.textContent = text; search.setAttribute("aria-label", `Find in ${text}`); items.setAttribute("aria-label", text);
      values = all; search.hidden = all.length < SEARCHED_FROM;
      draw();
    },
    tick(some) { chosen = some; ticks(); },
  };
}

function render({model, el}) {
  const bar = element("div", "bar", el), toggle = element("button", "toggle", bar);
  const root = element("div", "filters", bar), lists = new Map(), groups = new Map();
  const buttons = element("div", "buttons", bar);
  // On a small screen the filters would push the figures off it: there they are shown when they are asked for.
  toggle.type = "button";
  toggle.addEventListener("click", () => toggle.setAttribute("aria-expanded", String(bar.classList.toggle("open"))));
  toggle.setAttribute("aria-expanded", "false");
  const elsewhere = (event) => {
    for (const open of root.querySelectorAll("details[open]")) { if (!event.composedPath().includes(open)) { open.open = false; } }
  };
  document.addEventListener("pointerdown", elsewhere, true);
  model.on("remove", () => document.removeEventListener("pointerdown", elsewhere, true));
  const button = (text, message) => {
    const made = element("button", "", buttons);
    made.type = "button"; made.textContent = text;
    made.addEventListener("click", () => model.send_msg(message));
    return made;
  };
  const clear = button("Clear filters", {clear: true});
  button("Figures as CSV", {save: true});
  let ticked = {};
  const offer = (choices) => {
    for (const {name, label, group, values} of JSON.parse(choices)) {
      if (!groups.has(group)) {
        const made = element("div", "group", root);
        made.setAttribute("role", "group"); made.setAttribute("aria-label", `Filters on ${group.toLowerCase()}`);
        groups.set(group, made);
      }
      if (!lists.has(name)) { lists.set(name, list(groups.get(group), (chosen) => model.send_msg({filter: name, values: chosen}))); }
      lists.get(name).offer(label, values);
    }
    tick();
  };
  const tick = () => {
    for (const [name, each] of lists) { each.tick(ticked[name] ?? []); }
    const used = Object.values(ticked).filter((values) => values.length > 0).length;
    clear.hidden = used === 0;
    toggle.textContent = used ? `Filters (${used})` : "Filters";
  };
  const set = ({choices, chosen, alone}) => {
    if (alone != null) { bar.classList.toggle("alone", alone); }
    if (chosen) { ticked = JSON.parse(chosen); }
    if (choices) { offer(choices); } else { tick(); }
  };
  model.on("msg:custom", (event) => { const data = event.data ?? event; if (data.set) { set(data.set); } });
  set(model);
  model.send_msg({drawn: model.version});
}

export default {render};
