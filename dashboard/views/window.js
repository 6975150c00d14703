// What the browser's window knows and the server asks: steps of its history, how wide it is, light or dark. Draws nothing.

const YEAR = 365 * 24 * 3600;

function render({model, el}) {
  el.style.display = "none";
  // Bokeh calls a mouse that rests for 0.3 s after it was pressed a long press, and a drag from there marks nothing.
  Bokeh.loader["core/ui_gestures"].UIGestures.press_threshold = 3_600_000;
  const narrow = matchMedia("(max-width: 900px)"), dark = matchMedia("(prefers-color-scheme: dark)");
  const remember = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`; };
  const remembered = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.split("=")[1];
  // Cookies, so that the next page is right from its first byte on.
  const tell = () => {
    const screen = narrow.matches ? "narrow" : "wide", system = dark.matches ? "dark" : "light";
    remember(model.screen_cookie, screen); remember(model.system_theme_cookie, system);
    model.send_msg({narrow: narrow.matches, dark: (remembered(model.theme_cookie) ?? system) === "dark"});
  };
  // Panel tells the server of a changed hash only, and does not know where a step back or forward led.
  const stepped = () => { model.send_msg({link: location.search}); };
  window.addEventListener("popstate", stepped);
  narrow.addEventListener("change", tell); dark.addEventListener("change", tell);
  model.on("msg:custom", (event) => {
    const {go_to, correct, theme} = event.data ?? event;
    if (go_to != null && go_to !== location.search) { history.pushState({}, "", location.pathname + go_to); }
    if (correct != null) { history.replaceState({}, "", location.pathname + correct); }
    if (theme) { remember(model.theme_cookie, theme); }
  });
  model.on("remove", () => {
    window.removeEventListener("popstate", stepped);
    narrow.removeEventListener("change", tell); dark.removeEventListener("change", tell);
  });
  tell();
}

export default {render};
