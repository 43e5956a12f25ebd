// Tables: sorted by the buttons of their heads, and shown in portions, so that 1,500 rows cost nothing until wanted.

const PORTION = 50;

/**
 * A table. `columns`: {title, number, wide, sort(row), cell(row), name}: `sort` gives what to sort by (absent: not to be
 * sorted), `wide` leaves the column out on a small screen, `name` makes the cell the row's head, `long` gives it room,
 * `line` keeps it on one line. `sorted`: [column, direction]. `stacks`: rows become cards on a phone. `quiet`: the caption
 * is for who cannot see that it stands above.
 */
function table({ caption, columns, rows, sorted, portion = PORTION, stacks = false, quiet = false, rowClass }) {
  let order = sorted || null;
  let shown = portion;
  const body = el("tbody");
  const heads = columns.map((column, i) => {
    const head = column.sort
      ? el("button", { type: "button", click: () => { order = [i, order && order[0] === i ? -order[1] : column.number ? -1 : 1]; fill(); say("Sorted by " + column.title); } }, column.title)
      : column.title;
    return el("th", { scope: "col", class: classes(column) }, head);
  });
  const more = el("div", { class: "more" });
  const whole = el("div", {},
    scroller(caption, el("table", { class: stacks ? "stacks" : null }, el("caption", { class: quiet ? "hidden" : null }, caption), el("thead", {}, el("tr", {}, heads)), body)),
    more);

  function classes(column) {
    return [column.number ? "number" : "", column.wide ? "wide" : "", column.name ? "name" : "", column.long ? "long" : "", column.line ? "line" : ""].filter(Boolean).join(" ") || null;
  }
  function fill() {
    const list = order ? inOrder(rows, columns[order[0]].sort, order[1]) : rows;
    columns.forEach((column, i) => {
      if (column.sort) heads[i].setAttribute("aria-sort", order && order[0] === i ? (order[1] > 0 ? "ascending" : "descending") : "none");
    });
    body.replaceChildren(...list.slice(0, shown).map((row) => el("tr", { class: rowClass ? rowClass(row) : null }, columns.map((column) => {
      const cell = column.cell(row);
      const blank = cell === "" || cell === null || cell === undefined;
      const own = [classes(column), blank && stacks ? "blank" : ""].filter(Boolean).join(" ") || null;
      return column.name ? el("th", { scope: "row", class: own }, cell) : el("td", { class: own, "data-of": stacks ? column.title : null }, cell);
    }))));
    more.replaceChildren(...(list.length > shown ? [
      el("button", { type: "button", click: () => step(shown + 2 * portion) }, "Show more"),
      el("button", { type: "button", click: () => step(list.length) }, "Show all " + list.length),
    ] : []));
  }
  function step(count) {
    const at = shown;
    shown = count;
    fill();
    const row = body.rows[at];
    const next = row && (row.querySelector("a") || row);
    if (next) { if (next === row) row.tabIndex = -1; next.focus(); }
    say(plural(Math.min(count, rows.length), "row") + " shown");
  }
  fill();
  return rows.length ? whole : el("p", { class: "empty" }, caption + ": nobody.");
}

const COMPARE = new Intl.Collator("en-GB", { numeric: true, sensitivity: "base" });

/** Rows in order; what has no value comes last whichever way. */
function inOrder(rows, value, way) {
  const none = (v) => v === null || v === undefined || v === "";
  return rows.map((row, i) => [value(row), i, row]).sort(([a, i], [b, j]) => {
    if (none(a) || none(b)) return none(a) - none(b) || i - j;
    const by = typeof a === "number" && typeof b === "number" ? a - b : COMPARE.compare(String(a), String(b));
    return way * by || i - j;
  }).map(([, , row]) => row);
}

/** A list to choose from, with its label. `options`: [value, words]. */
function choice(label, options, value, changed) {
  const select = el("select", { change: (event) => changed(event.target.value) },
    options.map(([key, words]) => el("option", { value: key, selected: String(key) === String(value) }, words)));
  return el("label", {}, label, select);
}

const classOptions = () => [["", "All classes"], ...DATA.classes.map((c, i) => [String(i), c.name])];
