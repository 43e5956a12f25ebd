// Making elements. Everything that a person wrote goes in as a text node or as an attribute from the list below: there
// is no other way onto the page, and the page's policy refuses text that is to become HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `attributes`: name to value; null and false leave it out; a function listens to the event of that name. */
function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(key, value);
    else if (key === "style" || key.startsWith("on")) throw new Error("no " + key);
    else if (key === "href" && !String(value).startsWith("#")) throw new Error("links stay on the page");
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

let numbered = 0;
/** An id that no other element has. */
function newId(word) {
  numbered += 1;
  return word + "-" + numbered;
}

/** Says something to who listens instead of looking. */
function say(text) {
  document.getElementById("said").textContent = text;
}

// What depends on how wide the window is, to be done again when that changes.
const fitted = new Set();
/** Calls `again` once the node is on the page, and whenever the window changes, until the node is gone. */
function fit(node, again) {
  const once = () => {
    if (node.isConnected) again(); else fitted.delete(once);
  };
  fitted.add(once);
  requestAnimationFrame(once);
}
const refit = () => requestAnimationFrame(() => [...fitted].forEach((once) => once()));
addEventListener("resize", refit);

/** Something that may be wider than the window: then it is scrolled, and reached by the keyboard for that. */
function scroller(label, content) {
  const node = el("div", { class: "scroll", role: "region", "aria-label": label }, content);
  fit(node, () => {
    if (node.scrollWidth > node.clientWidth + 1) node.tabIndex = 0; else node.removeAttribute("tabindex");
  });
  return node;
}

/** A section with its heading. */
function section(title, ...children) {
  const id = newId("part");
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), children);
}

function plural(count, one, many) {
  return count.toLocaleString("en-GB") + " " + (count === 1 ? one : many || one + "s");
}
