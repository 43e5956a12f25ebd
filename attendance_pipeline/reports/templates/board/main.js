// The frame: head, search, parts, and which part the address asks for. The address holds no name: a pupil is a sign.

const PARTS = [
  ["", "Today", todayView],
  ["ladder", "Ladder", ladderView],
  ["lists", "Lists", listsView],
  ["pupils", "Pupils", pupilsView],
  ["notices", "Penalty notices", noticesView],
  ["charts", "Charts", chartsView],
];

/** `#/part/what?key=value` read. */
function address() {
  const [path, rest] = location.hash.replace(/^#\/?/, "").split("?");
  const [part, what] = path.split("/");
  return { part, what, query: Object.fromEntries(new URLSearchParams(rest || "")) };
}

function hashOf(part, query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined);
  return "#/" + part + (given.length ? "?" + new URLSearchParams(given) : "");
}

/** The same part with another choice; drawn anew, with the focus where it was. */
function go(changes) {
  const { part, query } = address();
  const label = document.activeElement && document.activeElement.closest("label");
  const words = label && label.firstChild.textContent;
  keep({ ...query, ...changes });
  show(false);
  const again = [...document.querySelectorAll("main label")].find((l) => l.firstChild.textContent === words);
  if (again) again.querySelector("select, input").focus();
}

/** Keeps choices in the address, so that the way back leads to them. */
function keep(query) {
  history.replaceState(null, "", hashOf(address().part, query));
}

function show(moveFocus) {
  const { part, what, query } = address();
  const main = document.getElementById("main");
  const pupil = part === "pupil" ? BY_ID.get(what) : null;
  const known = PARTS.find(([key]) => key === part) || PARTS[0];
  const content = pupil ? pupilView(pupil)
    : part === "pupil" ? [el("h1", {}, "Not on this page"), el("p", {}, "This pupil is not on roll any more, or is in another class. "), el("p", {}, el("a", { href: "#/pupils" }, "All pupils"))]
    : known[2](query);
  main.replaceChildren(...content.flat(Infinity).filter(Boolean));
  const title = pupil ? pupil.n : known[1];
  document.title = title + " · " + (DATA.ofClass ? DATA.ofClass + " · " : "") + DATA.school;
  document.querySelectorAll("#nav a").forEach((link) => {
    const own = link.getAttribute("href") === "#/" + (part === "pupil" ? "pupils" : known[0]);
    if (own) link.setAttribute("aria-current", part === "pupil" ? "true" : "page"); else link.removeAttribute("aria-current");
  });
  if (moveFocus) {
    scrollTo(0, 0);
    const head = main.querySelector("h1");
    head.tabIndex = -1;
    head.focus({ preventScroll: true });
  }
}

/** Search by name: a combobox with its list, moved through by the arrows. */
function search() {
  const list = el("ul", { id: "found", role: "listbox", "aria-label": "Pupils found", hidden: true });
  let shown = [], at = -1;
  const input = el("input", {
    id: "search", type: "search", placeholder: "Find a pupil  ( / )", autocomplete: "off", spellcheck: "false",
    role: "combobox", "aria-label": "Find a pupil by name", "aria-expanded": "false", "aria-controls": "found", "aria-autocomplete": "list",
    input: () => fill(),
    keydown: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!shown.length) return;
        mark((at + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length);
      } else if (event.key === "Enter" && shown.length) {
        event.preventDefault();
        open(shown[Math.max(0, at)]);
      } else if (event.key === "Escape") {
        input.value = "";
        close();
      }
    },
    blur: () => setTimeout(close, 150),
  });
  function fill() {
    const all = found(input.value);
    shown = all.slice(0, 10);
    at = -1;
    list.replaceChildren(...shown.map((pupil, i) => el("li", { role: "option", id: "found-" + i, "aria-selected": "false", mousedown: (event) => { event.preventDefault(); open(pupil); } },
      el("span", {}, pupil.n), el("span", { class: "soft" }, className(pupil) + (pupil.g ? " · stage " + pupil.g : "")))));
    const any = shown.length > 0;
    list.hidden = !any;
    input.setAttribute("aria-expanded", String(any));
    input.removeAttribute("aria-activedescendant");
    if (input.value) say(any ? plural(all.length, "pupil") + " found" : "Nobody found");
  }
  function mark(i) {
    at = i;
    [...list.children].forEach((option, k) => option.setAttribute("aria-selected", String(k === i)));
    input.setAttribute("aria-activedescendant", "found-" + i);
    list.children[i].scrollIntoView({ block: "nearest" });
  }
  function open(pupil) {
    input.value = "";
    close();
    location.hash = "#/pupil/" + pupil.id;
  }
  function close() {
    shown = [];
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement ? document.activeElement.tagName : "");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); input.focus(); }
  });
  return el("div", { class: "search", role: "search" }, input, list);
}

/** How old the page is, for who opens one that was not made anew: in whole days. */
function age() {
  return Math.floor((Date.now() - new Date(DATA.date + "T00:00:00Z")) / 86400000);
}

document.getElementById("top").append(
  el("div", {}, el("div", { class: "school" }, (DATA.ofClass ? DATA.ofClass + " · " : "") + DATA.school),
    el("div", { class: "when" }, "Attendance board · marks up to " + longDay(DATA.date) + (age() > 4 ? " · " + plural(age(), "day") + " ago" : ""))),
  search());
document.getElementById("nav").append(el("ul", {}, PARTS.filter(([key]) => key !== "lists" || DATA.lists.length).map(([key, words]) => el("li", {}, el("a", { href: "#/" + key }, words)))));
document.getElementById("foot").append(
  el("p", {}, "Names children: keep it where only those who need it can read it. Restricted reasons are not on this page."),
  el("p", {}, "Policy " + DATA.policy + (DATA.asAt ? " · register as at " + DATA.asAt : "") + " · figures are rounded for reading; decisions use exact ones."));
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); document.getElementById("main").focus(); });
addEventListener("hashchange", () => show(true));
show(false);
