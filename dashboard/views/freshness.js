// When the figures are from, the seconds to the next tick, a pause, and a watch over the connection. The countdown runs here:
// it costs the server nothing.

const STYLE = `
:host { display: block; }
div { display: flex; align-items: center; gap: 8px; font: 400 13px/1 Roboto, system-ui, sans-serif; color: var(--mui-palette-text-secondary);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
i { width: 8px; height: 8px; border-radius: 50%; background: var(--mui-palette-success-main); flex: none; }
.paused i { background: var(--mui-palette-text-secondary); }
.problem i { background: var(--mui-palette-error-main); }
.next { min-width: 66px; }
button { border: 1px solid var(--mui-palette-divider); background: none; color: var(--mui-palette-text-primary); border-radius: 8px; font: inherit;
  padding: 7px 12px; cursor: pointer; }
button:hover { background: var(--mui-palette-action-hover); }
button:focus-visible { outline: 2px solid var(--mui-palette-primary-main); }
@media (max-width: 760px) { .live .next, .paused .next, .problem .as-of { display: none; } .next { min-width: 0; } button { padding: 7px 8px; } }
.printed { display: none; }
@media print { i, button, .as-of, .next { display: none; } .printed { display: inline; } }
`;

// Over the header, and outside of everything that is inert meanwhile.
const LOST = `position:fixed; inset:0 0 auto 0; z-index:9500; display:flex; flex-wrap:wrap; align-items:center; justify-content:center; gap:8px 16px;
  padding:12px 16px; font:500 14px/1.4 Roboto, system-ui, sans-serif; color:#fff; background:#b3261e;`;
const RELOAD = "font:inherit; color:inherit; background:none; border:1px solid #fff; border-radius:8px; padding:6px 12px; cursor:pointer;";

const ANSWER_SECONDS = 5;  // A busy server takes its time to answer; a reload by every viewer would not help it.
const QUIET_SECONDS = 15;  // A paused page hears of no tick. Proxies close a connection in which nothing was said for a while.
const RETRY_SECONDS = 3;

// Knows whether the server can be heard. A socket may die without a word (sleep, a changed network, a proxy), so the server
// is asked when it was quiet for too long; Bokeh reports the others. `changed` gets true when the connection is lost.
function watch(model, view, changed) {
  let heard = performance.now(), asked = null, lost = false, closed = false, timer = null;
  const hear = () => {
    heard = performance.now(); asked = null;
    if (lost) { lost = false; clearTimeout(timer); changed(false); }
  };
  const ask = () => { asked = performance.now(); model.send_msg({ping: true}); };
  const lose = () => { if (!lost) { lost = true; changed(true); retry(); } };
  // The page has its whole state in its link, so loading it anew is all there is to do; it must answer first. The address of a
  // script stands for it: that of the page itself would have the server build a page that nobody sees.
  const retry = async () => {
    const script = [...document.scripts].find((each) => each.src.startsWith(location.origin))?.src ?? location.href;
    const there = !document.hidden && await fetch(script, {method: "HEAD", cache: "no-store"}).then((response) => response.ok, () => false);
    if (!lost) { return; }
    // Everybody who watched comes back at the same time.
    timer = there ? setTimeout(() => location.reload(), 2000 * Math.random()) : setTimeout(retry, RETRY_SECONDS * 1000);
  };
  const look = () => {
    if (lost || document.hidden) { return; }
    const now = performance.now(), seconds = Math.max(2 * model.interval, model.paused ? QUIET_SECONDS : 0);
    if (closed || (asked != null && now - asked > 1000 * Math.max(model.interval, ANSWER_SECONDS))) { lose(); }
    else if (asked == null && now - heard > 1000 * seconds) { ask(); }
  };
  view.model.document.on_event("connection_lost", () => { closed = true; look(); });
  model.on("msg:custom", hear);
  const shown = () => { if (!document.hidden && !closed) { ask(); } look(); };
  document.addEventListener("visibilitychange", shown);
  const restored = (event) => { if (event.persisted) { location.reload(); } };
  window.addEventListener("pageshow", restored);
  const stop = () => { document.removeEventListener("visibilitychange", shown); window.removeEventListener("pageshow", restored); clearTimeout(timer); };
  return {hear, look, stop};
}

// Says that the connection is lost; until it is back nothing can be pressed that would have no effect.
function announce(lost, as_of) {
  document.getElementById("connection-lost")?.remove();
  for (const part of document.body.children) { if (part.tagName === "DIV") { part.inert = lost; part.style.opacity = lost ? ".55" : ""; } }
  if (!lost) { return; }
  const bar = document.createElement("div"), text = document.createElement("span"), button = document.createElement("button");
  bar.id = "connection-lost"; bar.setAttribute("style", LOST); bar.setAttribute("role", "alert");
  text.textContent = `Connection lost. ${as_of ? `Figures as of ${as_of}` : "There are no figures yet"}. Reconnecting…`;
  button.type = "button"; button.textContent = "Reload now"; button.setAttribute("style", RELOAD);
  button.addEventListener("click", () => location.reload());
  bar.append(text, button);
  document.body.append(bar);
}

function render({model, view, el}) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const root = document.createElement("div");
  const dot = document.createElement("i"), as_of = document.createElement("span"), next = document.createElement("span");
  const printed = document.createElement("span");
  const button = document.createElement("button");
  as_of.className = "as-of"; next.className = "next"; printed.className = "printed"; button.type = "button";
  root.setAttribute("role", "group"); root.setAttribute("aria-label", "Freshness of the figures");
  root.append(dot, as_of, printed, next, button);
  el.append(style, root);
  clearTimeout(window.first_paint_timer);

  let arrived = performance.now(), state = JSON.parse(model.state), lost = false;
  const time_of = (from) => from.toLocaleTimeString("en-GB", {timeZone: model.zone});
  const date_of = (from) => from.toLocaleDateString("en-GB", {timeZone: model.zone, day: "numeric", month: "short", year: "numeric"});
  const connection = watch(model, view, (is_lost) => {
    lost = is_lost;
    announce(lost, state.as_of ? time_of(new Date(state.as_of)) : "");
    clock();
  });
  const clock = () => {
    const from = state.as_of ? new Date(state.as_of) : null;
    as_of.textContent = from ? `As of ${time_of(from)}` : "Loading…";
    printed.textContent = from ? `Figures as of ${date_of(from)}, ${time_of(from)} ${model.zone}` : "";
    as_of.title = from ? `${from.toLocaleString("en-GB", {timeZone: model.zone})} ${model.zone}` : "";
    const passed = (performance.now() - arrived) / 1000, left = Math.max(0, Math.ceil(model.interval - passed));
    const late = !model.paused && passed > 3 * model.interval;
    next.textContent = lost ? "Connection lost" : model.paused ? "Paused" : left > 0 ? `next in ${left} s` : late ? `no news for ${Math.round(passed)} s` : "updating…";
    root.className = state.problem || lost || late ? "problem" : model.paused ? "paused" : "live";
    button.textContent = model.paused ? "Resume" : "Pause";
    button.setAttribute("aria-pressed", String(model.paused));
  };
  const timer = setInterval(() => { clock(); connection.look(); }, 500);
  const hidden = () => { model.hidden = document.hidden; };
  document.addEventListener("visibilitychange", hidden);
  button.addEventListener("click", () => { model.paused = !model.paused; if (!model.paused) { arrived = performance.now(); } clock(); });
  model.on("msg:custom", (event) => {
    const data = event.data ?? event;
    if (!data.set) { return; }
    const tick = state.tick;
    state = JSON.parse(data.set.state);
    if (state.tick !== tick) { arrived = performance.now(); }
    // Without figures there is nothing that would take the place of the first paint.
    if (state.problem) { document.getElementById("first-paint")?.remove(); }
    clock();
  });
  model.on("paused", clock);
  model.on("remove", () => {
    clearInterval(timer); connection.stop();
    document.removeEventListener("visibilitychange", hidden);
  });
  clock();
  model.send_msg({drawn: model.version});
}

export default {render};
