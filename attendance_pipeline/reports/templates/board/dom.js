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

/** A section with its heading. */
function section(title, ...children) {
  const id = newId("part");
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), children);
}

function plural(count, one, many) {
  return count.toLocaleString("en-GB") + " " + (count === 1 ? one : many || one + "s");
}
