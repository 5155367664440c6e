// The model selector: a button and a list in the top layer. Every text is set as text; nothing here builds HTML.
const WIDTH = 600, HEIGHT = 560, EDGE = 8, GAP = 6; // pixels
const selectors = new WeakMap();

export default function (component) {
  const { data: [data], parentElement, setTriggerValue } = component;
  if (!selectors.has(parentElement)) selectors.set(parentElement, create(parentElement));
  const selector = selectors.get(parentElement);
  selector.update(data, setTriggerValue);
  return selector.close;
}

const isShortcut = (kind) => kind === "pinned" || kind === "recent";
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function make(tag, className, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function create(root) {
  const find = (id) => root.querySelector(`#${id}`);
  const [button, choice, popup, search] = ["button", "choice", "popup", "search"].map(find);
  const [notice, list, empty, legend] = ["notice", "list", "empty", "legend"].map(find);
  let data, send, seen, isDrawn = false;
  let groups = []; // { element, link, search, rows: [{ element, search, isOff }] }
  let stops = []; // what the arrow keys stop at, in order
  let active = null;

  function update(newData, newSend) {
    send = newSend;
    const text = JSON.stringify(newData);
    if (text === seen) return;
    [data, seen, isDrawn] = [newData, text, false];
    const { name, detail, problem } = data.button;
    const words = [name, detail].filter(Boolean).join(" · ") + (problem && ` — ${problem}`);
    choice.replaceChildren(make("span", "name", name), make("span", "detail", detail && ` · ${detail}`),
      make("span", "problem", problem && ` — ${problem}`));
    button.title = data.notice || words;
    button.setAttribute("aria-label", `Model: ${words}`);
    if (popup.matches(":popover-open")) redraw();
  }

  // What changed while the list is open, a pin above all, moves nothing under the pointer.
  function redraw() {
    const value = active?.dataset.value, kind = active?.parentElement.className;
    const top = active?.getBoundingClientRect().top;
    draw();
    const same = stops.filter((stop) => value !== undefined && stop.dataset.value === value);
    const stop = same.find((found) => found.parentElement.className === kind) ?? same[0];
    if (!stop) return;
    activate(stop, false);
    list.scrollTop += stop.getBoundingClientRect().top - top;
  }

  // Rows are made when the list is first opened and stay until the data changes; typing only hides and shows them.
  function draw() {
    isDrawn = true;
    groups = data.groups.map(drawGroup);
    list.replaceChildren(...groups.map((group) => group.element));
    const isTimed = data.groups.some((group) => group.rows.some((row) => row.speed));
    list.classList.toggle("timed", isTimed);
    notice.textContent = data.notice;
    notice.hidden = !data.notice;
    legend.textContent = `Context · ${isTimed ? "your median first token, 7 days · " : ""}price per million tokens, in / out`;
    filter();
  }

  function drawGroup(group, number) {
    const element = make("div", `group ${group.kind}`, "", { role: "group" });
    let link = null;
    if (group.heading) {
      const heading = make("div", "heading", "", { role: "presentation" });
      heading.append(make("span", "name", group.heading, { id: `heading-${number}` }));
      if (group.fix !== null) {
        link = linkTo(group.fix, { id: `fix-${number}`, role: "option", "aria-selected": "false",
          "aria-label": `${group.heading} ${group.reason}: fix under Providers` });
        heading.append(make("span", "reason", group.reason), link);
      }
      element.append(heading);
      element.setAttribute("aria-labelledby", `heading-${number}`);
    } else {
      element.setAttribute("aria-label", "Automatic");
    }
    const rows = group.rows.map((row, place) => drawRow(row, group, `row-${number}-${place}`));
    element.append(...rows.map((row) => row.element));
    return { element, link, rows, search: isShortcut(group.kind) ? null : fold(group.heading) };
  }

  function drawRow(row, { kind, heading, reason }, id) {
    const provider = isShortcut(kind) ? row.detail : heading;
    const spoken = [provider ? `${provider} · ${row.name}` : row.name, kind === "automatic" && row.detail,
      row.price.startsWith("$") ? `${row.price} per million tokens` : row.price,
      row.speed && `first token ${row.speed}`, row.context && `context ${row.context}`, row.mark, row.is_pinned && "pinned", reason];
    const element = make("div", "row", "", { id, role: "option", "aria-label": spoken.filter(Boolean).join(", "),
      "aria-selected": row.value === data.selected, "data-value": row.value });
    if (reason) element.setAttribute("aria-disabled", "true");
    const what = make("span", "what"), figures = make("span", "figures");
    what.append(make("span", "name", row.name, { title: row.name }),
      make("span", "detail", row.detail, { title: row.detail }));
    if (row.mark) what.append(make("span", "mark", row.mark, { title: row.mark }));
    figures.append(...["context", "speed", "price"].map((name) => make("span", name, row[name])));
    element.append(make("span", "tick", row.value === data.selected ? "✓" : ""), what, figures);
    if (row.is_pinned !== null) element.append(make("span", row.is_pinned ? "pin pinned" : "pin",
      row.is_pinned ? "★" : "☆", { title: `${row.is_pinned ? "Unpin" : "Pin"} (Shift+Enter)`, "aria-hidden": "true" }));
    // Automatic is found by its name; what is pinned or recent is found once, below its provider.
    const search = { automatic: row.name, provider: `${heading} ${row.name} ${row.detail}` }[kind];
    return { element, isOff: Boolean(reason), search: search ? fold(search) : null };
  }

  function linkTo(providerId, attributes = {}) {
    const link = make("a", "link", "Fix under Providers", { href: data.providers_url, tabindex: -1, ...attributes });
    link.dataset.fix = providerId;
    return link;
  }

  function filter() {
    const words = fold(search.value).split(/[\s·]+/).filter(Boolean);
    const has = (text) => !words.length || (text !== null && words.every((word) => text.includes(word)));
    stops = [];
    let isAnyShown = false;
    for (const group of groups) {
      const links = group.link ? [group.link] : [];
      const shown = group.rows.filter((row) => (row.element.hidden = !has(row.search)) === false);
      const isShown = shown.length > 0 || (links.length > 0 && has(group.search));
      group.element.hidden = !isShown;
      isAnyShown ||= isShown;
      if (isShown) stops.push(...links, ...shown.filter((row) => !row.isOff).map((row) => row.element));
    }
    empty.replaceChildren();
    if (!isAnyShown) empty.append(`No model matches “${search.value.trim()}”. `, linkToAdd());
    list.hidden = !isAnyShown;
    list.scrollTop = 0;
    const chosen = words.length ? null : stops.find((stop) => stop.getAttribute("aria-selected") === "true");
    activate(chosen ?? stops.find((stop) => stop.dataset.value !== undefined) ?? null);
  }

  function linkToAdd() {
    const link = linkTo("");
    link.textContent = "Add one under Providers";
    link.tabIndex = 0;
    return link;
  }

  function activate(stop, isScrolled = true) {
    active?.classList.remove("active");
    active = stop;
    active?.classList.add("active");
    if (active) search.setAttribute("aria-activedescendant", active.id);
    else search.removeAttribute("aria-activedescendant");
    if (isScrolled) active?.scrollIntoView({ block: "nearest" });
  }

  function act(element, event) {
    const stop = element?.closest("[data-value], [data-fix]");
    if (!stop || stop.ariaDisabled === "true" || event.ctrlKey || event.metaKey || event.button === 1) return;
    event.preventDefault();
    const pin = stop.querySelector(".pin");
    if (element === pin || (event.key && event.shiftKey)) return pin && send(`pin:${stop.dataset.value}`, true);
    leave();
    send(stop.dataset.fix === undefined ? `choose:${stop.dataset.value}` : `fix:${stop.dataset.fix}`, true);
  }

  function close() {
    if (popup.matches(":popover-open")) popup.hidePopover();
  }

  // At once and not on `toggle`, which comes after the next key: the browser itself gives no focus back in a shadow root.
  function leave() {
    close();
    button.focus();
  }

  // Above the button, since it stands at the foot of the page; inside what an on-screen keyboard leaves.
  function place() {
    const view = window.visualViewport, box = button.getBoundingClientRect();
    const top = view.offsetTop + EDGE, bottom = view.offsetTop + view.height - EDGE;
    const width = Math.min(WIDTH, view.width - 2 * EDGE);
    const anchor = Math.min(box.top - GAP, bottom), below = bottom - box.bottom - GAP;
    const isAbove = anchor - top >= Math.min(HEIGHT, below);
    popup.style.width = `${width}px`;
    popup.style.left = `${Math.max(EDGE, Math.min(box.left, view.offsetLeft + view.width - EDGE - width))}px`;
    popup.style.top = isAbove ? "auto" : `${box.bottom + GAP}px`;
    popup.style.bottom = isAbove ? `${window.innerHeight - anchor}px` : "auto";
    popup.style.maxHeight = `${Math.min(HEIGHT, isAbove ? anchor - top : below)}px`;
    popup.style.height = "";
    if (popup.matches(":popover-open")) popup.style.height = `${popup.offsetHeight}px`; // typing moves nothing
  }

  popup.onbeforetoggle = (event) => {
    const isOpening = event.newState === "open";
    button.setAttribute("aria-expanded", String(isOpening));
    search.setAttribute("aria-expanded", String(isOpening));
    for (const target of [window, window.visualViewport]) {
      if (isOpening) target.addEventListener("resize", place);
      else target.removeEventListener("resize", place);
    }
    if (!isOpening) return;
    search.value = "";
    if (isDrawn) filter();
    else draw();
    place();
  };
  popup.ontoggle = (event) => {
    if (event.newState !== "open") return;
    place();
    active?.scrollIntoView({ block: "nearest" });
  };
  search.oninput = filter;
  popup.onkeydown = (event) => {
    event.stopPropagation(); // Streamlit's own keys do not see that this is a field
    const at = stops.indexOf(active), page = Math.max(1, Math.floor(list.clientHeight / (active?.offsetHeight || 34)) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? stops.length - 1 : at - 1, Home: 0, End: stops.length - 1,
      PageDown: at + page, PageUp: at - page }[event.key];
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      return leave();
    }
    if (event.target !== search) return;
    if (event.key === "Enter") return act(active, event);
    if (to === undefined) return;
    event.preventDefault();
    if (stops.length) activate(stops[Math.max(0, Math.min(to, stops.length - 1))]);
  };
  list.onpointermove = (event) => {
    const stop = event.target.closest("[data-value], [data-fix]");
    if (stop && stop !== active && stops.includes(stop)) activate(stop, false);
  };
  list.onmousedown = (event) => event.preventDefault();
  popup.onclick = (event) => act(event.target, event);
  return { update, close };
}
