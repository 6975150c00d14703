// When the figures are from, the seconds to the next tick, and a pause. The countdown runs here: it costs the server nothing.

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
@media (max-width: 760px) { .as-of { display: none; } .next { min-width: 0; } button { padding: 7px 8px; } }
`;

function render({model, el}) {
  const style = document.createElement("style");
  style.textContent = STYLE;
  const root = document.createElement("div");
  const dot = document.createElement("i"), as_of = document.createElement("span"), next = document.createElement("span");
  const button = document.createElement("button");
  as_of.className = "as-of"; next.className = "next"; button.type = "button";
  root.setAttribute("role", "group"); root.setAttribute("aria-label", "Freshness of the figures");
  root.append(dot, as_of, next, button);
  el.append(style, root);

  let arrived = performance.now(), state = JSON.parse(model.state);
  const clock = () => {
    const from = state.as_of ? new Date(state.as_of) : null;
    as_of.textContent = from ? `As of ${from.toLocaleTimeString("en-GB", {timeZone: model.zone})}` : "Loading…";
    as_of.title = from ? `${from.toLocaleString("en-GB", {timeZone: model.zone})} ${model.zone}` : "";
    const left = Math.max(0, Math.ceil(model.interval - (performance.now() - arrived) / 1000));
    next.textContent = model.paused ? "Paused" : left > 0 ? `next in ${left} s` : "updating…";
    root.className = state.problem ? "problem" : model.paused ? "paused" : "live";
    button.textContent = model.paused ? "Resume" : "Pause";
    button.setAttribute("aria-pressed", String(model.paused));
  };
  const timer = setInterval(clock, 500);
  const hidden = () => { model.hidden = document.hidden; };
  document.addEventListener("visibilitychange", hidden);
  // Panel tells the server of a changed hash only: a step back or forward is told from here.
  const stepped = () => { model.send_msg({link: location.search}); };
  window.addEventListener("popstate", stepped);
  button.addEventListener("click", () => { model.paused = !model.paused; clock(); });
  model.on("state", () => {
    const tick = state.tick;
    state = JSON.parse(model.state);
    if (state.tick !== tick) { arrived = performance.now(); }
    // Without figures there is nothing that would take the place of the first paint.
    if (state.problem) { document.getElementById("first-paint")?.remove(); }
    clock();
  });
  model.on("paused", clock);
  model.on("remove", () => { clearInterval(timer); document.removeEventListener("visibilitychange", hidden); window.removeEventListener("popstate", stepped); });
  clock();
}

export default {render};
