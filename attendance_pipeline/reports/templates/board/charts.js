// Drawings, made of SVG elements at the width they have on the page, with a text that says what they show and a table
// of the same figures beside them. Lines differ in dash and weight, and bear their names.

/**
 * A figure: `draw(width)` gives the drawing, `alt` says in words what it shows, `rows` are its figures.
 * `head`: the heads of the table.
 */
function chart({ caption, draw, alt, head, rows, most = 1000 }) {
  const holder = el("div", { class: "chart" });
  fit(holder, () => {
    const width = Math.max(280, Math.min(holder.clientWidth, most));
    if (holder.drawn === width) return;
    holder.drawn = width;
    const drawing = draw(width);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", alt);
    holder.replaceChildren(drawing);
  });
  return el("figure", {}, el("figcaption", {}, caption), holder,
    el("details", { toggle: refit }, el("summary", {}, "These figures as a table"),
      scroller(caption + ", figures",
        el("table", {}, el("caption", {}, caption),
          el("thead", {}, el("tr", {}, head.map((words, i) => el("th", { scope: "col", class: i ? "number" : null }, words)))),
          el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, i) => i ? el("td", { class: "number" }, cell) : el("th", { scope: "row" }, cell)))))))));
}

const weekOf = (day) => DATA.weeks.findIndex(([first, last]) => first <= day && day <= last);
const round1 = (number) => Math.round(number * 10) / 10;

/** The axes of a year: where each day lies across, and the half-terms behind. `low`: the lowest percentage drawn. */
function yearAxes(width, height, low, room) {
  const left = 40, top = 26, bottom = 24, right = room;
  const half = DATA.halfTerms.find((h) => h.first <= DATA.today && DATA.today <= h.last) || DATA.halfTerms[DATA.halfTerms.length - 1];
  // On a phone there is no room for weeks that are to come.
  const until = width < 560 ? half.last : DATA.days.length - 1;
  const weeks = DATA.weeks.filter(([first]) => first <= until);
  const before = weeks.map(([first], i) => i ? DATA.halfTerms.findIndex((h) => h.first <= first && first <= h.last) !== DATA.halfTerms.findIndex((h) => h.first <= weeks[i - 1][0] && weeks[i - 1][0] <= h.last) : false);
  let at = 0;
  const place = weeks.map((_, i) => { at += i ? (before[i] ? 1.7 : 1) : 0; return at; });
  const unit = (width - left - right) / (at + 1);
  const x = (day) => {
    const week = Math.max(0, weekOf(day));
    const weekday = (new Date(DATA.days[day] + "T00:00:00Z").getUTCDay() + 6) % 7;
    return round1(left + (place[week] + (weekday + 0.5) / 5) * unit);
  };
  const y = (tenths) => round1(top + (1000 - tenths) / (1000 - low) * (height - top - bottom));
  const back = svg("g", { "aria-hidden": "true" });
  DATA.halfTerms.filter((h) => h.first <= until).forEach((half) => {
    const from = left + place[weekOf(half.first)] * unit, to = left + (place[weekOf(half.last)] + 1) * unit;
    const now = half.first <= DATA.today && DATA.today <= half.last;
    back.append(svg("rect", { class: now ? "band-now" : "band", x: round1(from), y: top, width: round1(to - from), height: height - top - bottom }));
    const words = half.name.replace(", half-term", "");
    const short = words.split(" ").map((w) => w.slice(0, 3)).join(" ");
    const fit = [words, short, short.replace(/^(.).*?(\d*)$/, "$1$2")].find((w) => w.length * 6.6 < to - from);
    if (fit) back.append(svg("text", { x: round1((from + to) / 2), y: height - 6, "text-anchor": "middle", class: now ? "bold" : null }, fit));
  });
  const step = (1000 - low) / 5 <= 20 ? 10 : (1000 - low) / 5 <= 50 ? 50 : (1000 - low) / 5 <= 100 ? 100 : 200;
  for (let level = 1000; level >= low; level -= step) {
    back.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(level), y2: y(level) }),
      svg("text", { x: left - 6, y: y(level) + 4, "text-anchor": "end" }, level / 10 + "%"));
  }
  return { left, right: width - right, top, bottom: height - bottom, x, y, back };
}

/** The lowest percentage to draw, in tenths: below all values, at a round number, with a span that makes no storm. */
function lowest(values, span) {
  const least = Math.min(...values.filter((v) => v !== null && v !== undefined), 1000 - span);
  return Math.max(0, Math.floor((least - 5) / 50) * 50);
}

const weekEnd = (i) => Math.min(DATA.weeks[i][1], DATA.today);
const polyline = (points) => points.map(([a, b], i) => (i ? "L" : "M") + a + " " + b).join("");

/** Attendance by week and a line over the year, with thresholds and stage changes where they are given. */
function yearLine(width, { week, line, name, thresholds = [], events = [], others = [] }) {
  const narrow = width < 560;
  const height = narrow ? 230 : 280;
  const levels = thresholds.map(([, , level]) => level * 10);
  const axes = yearAxes(width, height, lowest([...week, ...line, ...levels, ...others.flatMap((o) => o.points.map(([, v]) => v))], 60), narrow ? 14 : 128);
  const drawing = svg("svg", { viewBox: "0 0 " + width + " " + height, width, height });
  drawing.append(axes.back);
  thresholds.forEach(([first, last, level]) => {
    const from = axes.x(first), to = axes.x(last);
    drawing.append(svg("path", { class: "threshold", d: "M" + from + " " + axes.y(level * 10) + "H" + to }));
    drawing.append(svg("text", { class: "threshold-name", x: from + 3, y: axes.y(level * 10) - 4 }, level + "%"));
  });
  events.forEach(({ day, sign, stage }) => {
    const x = axes.x(day);
    drawing.append(svg("line", { class: "change", x1: x, x2: x, y1: axes.top, y2: axes.bottom }),
      svg("circle", { cx: x, cy: axes.top - 11, r: 10, fill: stage ? "var(--stage-" + stage + ")" : "#fff", stroke: "var(--deep)" }),
      svg("text", { x, y: axes.top - 7, "text-anchor": "middle", class: "sign sign-" + stage }, sign));
  });
  const there = (values) => values.map((v, i) => [v, i]).filter(([v]) => v !== null).map(([v, i]) => [axes.x(weekEnd(i)), axes.y(v), v]);
  const points = there(line);
  const names = [];
  others.forEach((other) => {
    const own = other.points.map(([day, v]) => [axes.x(day), axes.y(v), v]);
    const [x, y, v] = own[own.length - 1];
    drawing.append(svg("path", { class: "line line-" + other.style, d: polyline(own) }));
    names.push({ x, y, words: other.name + " " + percent(v), class: "name-" + other.style });
  });
  drawing.append(svg("path", { class: "line", d: polyline(points) }));
  there(week).forEach(([x, y]) => drawing.append(svg("circle", { class: "dot", cx: x, cy: y, r: 3.4 })));
  if (points.length) {
    const [x, y, v] = points[points.length - 1];
    drawing.append(svg("circle", { cx: x, cy: y, r: 4, fill: "var(--line-school)" }));
    if (narrow) drawing.append(svg("text", { class: "bold", x: Math.min(x, width - 60), y: y - 12, "text-anchor": "middle" }, percent(v)));
    names.push({ x, y, words: name + " " + percent(v), class: "bold" });
  }
  if (!narrow) nameLines(drawing, names);
  return drawing;
}

/** The names of lines at their ends, moved apart where they would lie on one another. */
function nameLines(drawing, names) {
  const x = Math.max(...names.map((n) => n.x)) + 10;
  let least = -Infinity;
  const placed = names.sort((a, b) => a.y - b.y).map((n) => {
    const y = Math.max(n.y, least);
    least = y + 16;
    return { ...n, at: y };
  });
  const off = placed.reduce((sum, n) => sum + n.at - n.y, 0) / placed.length;
  placed.forEach((n) => drawing.append(svg("text", { x, y: round1(n.at - off + 4), class: n.class }, n.words)));
}

/** A line of a few pixels, for a card; its words stand beside it. */
function spark(values, threshold) {
  const width = 84, height = 26;
  const known = values.map((v, i) => [v, i]).filter(([v]) => v !== null && v !== undefined);
  if (known.length < 2) return "";
  const all = [...known.map(([v]) => v), threshold].filter((v) => v !== null);
  const low = Math.min(...all) - 10, high = Math.max(...all) + 10;
  const x = (i) => round1(2 + i / Math.max(1, values.length - 1) * (width - 6)), y = (v) => round1(2 + (high - v) / (high - low) * (height - 4));
  const [last, at] = known[known.length - 1];
  return svg("svg", { viewBox: "0 0 " + width + " " + height, width, height, "aria-hidden": "true" },
    threshold !== null && svg("path", { class: "threshold", "stroke-width": 1, d: "M2 " + y(threshold) + "H" + (width - 4) }),
    svg("path", { class: "line", d: polyline(known.map(([v, i]) => [x(i), y(v)])) }),
    svg("circle", { cx: x(at), cy: y(last), r: 3, fill: "var(--line-school)" }));
}

/** Bars across, each with its name and figure. `rows`: {name, value, label, kind}. */
function bars(width, rows, { from = 0, to = null, room = null } = {}) {
  const line = 26, left = room || Math.min(300, Math.max(90, width * 0.44)), right = 62;
  const most = to === null ? Math.max(...rows.map((r) => r.value || 0), 1) : to;
  const letters = Math.floor(left / 6.7);
  const drawing = svg("svg", { viewBox: "0 0 " + width + " " + (rows.length * line + 4), width, height: rows.length * line + 4 });
  rows.forEach((row, i) => {
    const y = i * line + 2, long = Math.max(0, ((row.value || 0) - from) / (most - from)) * (width - left - right);
    const name = row.name.length > letters ? row.name.slice(0, letters - 1) + "…" : row.name;
    drawing.append(
      svg("text", { class: row.strong ? "bold" : "words", x: left - 8, y: y + 15, "text-anchor": "end" }, name),
      svg("rect", { class: row.kind || "bar", x: left, y: y + 3, width: round1(Math.max(long, 1)), height: line - 9 }),
      svg("text", { x: round1(left + long + 6), y: y + 15, class: row.strong ? "bold" : null }, row.label));
  });
  return drawing;
}

/** For each group a line from the year to date (hollow) to the last four weeks (filled), beside the school's. */
function dumbbells(width, rows, mark) {
  const line = 28, left = Math.min(150, Math.max(84, width * 0.28)), right = 54;
  const all = rows.flatMap((r) => [r.year, r.recent]).filter((v) => v !== null && v !== undefined);
  const low = Math.floor((Math.min(...all, mark || 1000) - 8) / 10) * 10, high = Math.min(1000, Math.ceil((Math.max(...all, mark || 0) + 8) / 10) * 10);
  const x = (v) => round1(left + (v - low) / Math.max(10, high - low) * (width - left - right));
  const height = rows.length * line + 26;
  const letters = Math.floor(left / 6.9);
  const drawing = svg("svg", { viewBox: "0 0 " + width + " " + height, width, height });
  const step = [10, 20, 50, 100, 200].find((s) => (high - low) / s <= (width < 480 ? 4 : 8)) || 250;
  for (let level = Math.ceil(low / step) * step; level <= high; level += step) {
    drawing.append(svg("line", { class: "grid", x1: x(level), x2: x(level), y1: 2, y2: height - 20 }),
      svg("text", { x: x(level), y: height - 5, "text-anchor": "middle" }, level / 10 + "%"));
  }
  if (mark) drawing.append(svg("line", { class: "change", x1: x(mark), x2: x(mark), y1: 2, y2: height - 20 }));
  rows.forEach((row, i) => {
    const y = i * line + 16;
    const name = row.name.length > letters ? row.name.slice(0, letters - 1) + "…" : row.name;
    drawing.append(svg("text", { class: row.strong ? "bold" : "words", x: left - 10, y: y + 4, "text-anchor": "end" }, name));
    if (row.year === null || row.year === undefined) return;
    const to = row.recent === null || row.recent === undefined ? row.year : row.recent;
    drawing.append(svg("line", { x1: x(row.year), x2: x(to), y1: y, y2: y, stroke: "var(--bar-plain)", "stroke-width": 3 }),
      svg("circle", { class: "dot", cx: x(row.year), cy: y, r: 4.6 }),
      svg("circle", { cx: x(to), cy: y, r: 5.2, fill: "var(--deep)" }),
      svg("text", { x: round1(Math.max(x(row.year), x(to)) + 10), y: y + 4 }, percent(to)));
  });
  return drawing;
}
