// The first page: how things stand, today's lists, and the head of each column of the ladder. And the page of charts.

function tiles() {
  return el("ul", { class: "tiles" }, DATA.tiles.map((tile) => {
    const value = "percent" in tile ? percent(tile.percent) : tile.count.toLocaleString("en-GB");
    const inside = [
      el("span", { class: "label" }, tile.label),
      el("span", { class: "value" }, value, tile.of !== undefined && el("small", {}, " of " + tile.of.toLocaleString("en-GB"))),
      el("span", { class: "note" }, "change" in tile && tile.change !== null ? [points(tile.change), " "] : "", "change" in tile && tile.change === null ? "" : tile.note || ""),
    ];
    return el("li", { class: "tile" }, tile.to ? el("a", { href: tile.to }, inside) : inside);
  }));
}

function cellOf(kind, value) {
  if (value === "" || value === null) return "";
  if (kind === "date") return time(value, shortDay(value));
  if (kind === "percent") return (Math.round(value * 1000) / 10).toFixed(1) + "%";
  if (kind === "decimal") return Number(value).toFixed(2);
  return String(value);
}

/** One sheet of a worklist as a table. */
function sheetTable(sheet, portion) {
  if (!sheet.rows.length) return el("p", { class: "empty" }, sheet.empty || "Nothing to do.");
  const columns = sheet.columns.map((column, i) => ({
    title: column.t,
    number: column.k !== "text" && column.k !== "date",
    name: i === sheet.pupil,
    long: column.w,
    sort: (row) => row.v[i],
    cell: (row) => i === sheet.pupil && row.p ? el("a", { href: "#/pupil/" + row.p }, row.v[i])
      : column.t === "When" && row.v[i] ? el("span", { class: "tag" + (row.tone === "late" ? " due" : "") }, row.v[i]) : cellOf(column.k, row.v[i]),
  }));
  return table({ caption: sheet.name + ": " + plural(sheet.rows.length, "row"), columns, rows: sheet.rows, portion, stacks: true, quiet: true, rowClass: (row) => row.tone || null });
}

/** Whose lists are shown: as chosen in the address, at first those of the attendance lead or of the class. */
function ownerOf(query) {
  const first = Math.max(0, DATA.lists.findIndex((l) => l.owner === "Attendance lead"));
  return query.owner === undefined ? first : Math.min(Number(query.owner) || 0, DATA.lists.length - 1);
}

/** How many rows each list of an owner has, each a way to it. */
function listCounts(chosen) {
  return el("ul", { class: "counts" }, DATA.lists[chosen].sheets.map((sheet, i) => {
    const late = sheet.rows.filter((row) => row.tone === "late").length;
    return el("li", {}, el("a", { href: hashOf("lists", { owner: String(chosen), list: String(i) }) }, el("strong", {}, sheet.rows.length), " ", sheet.name),
      late ? el("span", { class: "tag due" }, late + " overdue") : "");
  }));
}

function todayView(query) {
  const out = [
    el("div", { class: "head" }, el("h1", {}, DATA.ofClass ? DATA.ofClass + ": today" : "Today")),
    tiles(),
  ];
  if (DATA.lists.length) {
    const chosen = ownerOf(query);
    const sheets = DATA.lists[chosen].sheets;
    const first = sheets.find((sheet) => sheet.rows.length) || sheets[0];
    out.push(section("Today’s lists", listCounts(chosen), el("h3", {}, first.name), sheetTable(first, 6)));
  }
  out.push(section("The ladder", ladder({}, 4), el("p", { class: "screen" }, el("a", { href: "#/ladder" }, "The whole ladder, by class"))));
  return out;
}

function listsView(query) {
  if (!DATA.lists.length) return [el("h1", {}, "Lists of the day"), el("p", { class: "empty" }, "There is no list today.")];
  const chosen = ownerOf(query);
  const owner = DATA.lists[chosen];
  const only = query.list === undefined || query.list === "" ? null : Number(query.list);
  const wanted = owner.sheets.map((sheet, i) => [sheet, i]).filter(([, i]) => only === null || i === only);
  return [
    el("h1", {}, "Lists of the day"),
    el("div", { class: "choices" },
      DATA.lists.length > 1 && choice("Whose lists", DATA.lists.map((l, i) => [String(i), l.owner]), chosen, (value) => go({ owner: value, list: "" })),
      choice("List", [["", "All"], ...owner.sheets.map((sheet, i) => [String(i), sheet.name + " (" + sheet.rows.length + ")"])], only === null ? "" : only, (value) => go({ list: value }))),
    wanted.map(([sheet]) => section(sheet.name, sheet.note ? el("p", { class: "soft small" }, sheet.note) : "", sheetTable(sheet, only === null ? 15 : 100))),
  ];
}

/** Nursery and reception before year 1, whatever a class adds to their names. */
const youngest = (name) => (/^N\d?(\b|[A-Z]\b)/.test(name) ? 0 : /^R(\b|[A-Z]\b)/.test(name) ? 1 : 2);

function chartsView() {
  const weeks = DATA.trend.week;
  const head = ["Week of", "The week", "Year to date"];
  const others = DATA.published;
  const known = weeks.filter((v) => v !== null);
  if (!known.length) return [el("h1", {}, "Charts"), el("p", { class: "empty" }, "There is nobody to draw.")];
  const out = [el("h1", {}, "Charts"), section(DATA.ofClass ? "The class by week" : "The school by week", chart({
    caption: "Attendance by school week (dots) and year to date (line)" + (others.length ? ", beside published figures (dashed)" : ""),
    alt: "Attendance by school week, from " + percent(Math.min(...known)) + " to " + percent(Math.max(...known)) + "; the year to date is now " + percent(DATA.trend.year[DATA.trend.year.length - 1]) + "." + others.map((o) => " " + o.name + " " + percent(o.points[o.points.length - 1][1]) + ".").join(""),
    draw: (width) => yearLine(width, { week: weeks, line: DATA.trend.year, name: "Year to date", others }),
    head: [...head, ...others.map((o) => o.name)],
    rows: weeks.map((v, i) => [dated(DATA.days[DATA.weeks[i][0]]), percent(v), percent(DATA.trend.year[i]), ...others.map((o) => {
      const found = o.points.filter(([day]) => DATA.weeks[i][0] <= day && day <= DATA.weeks[i][1]);
      return found.length ? percent(found[found.length - 1][1]) : "";
    })]),
    most: 1280,
  }), DATA.publishedBy ? el("p", { class: "soft small" }, DATA.publishedBy + " The school’s own line counts pupils of every age.") : "")];
  const school = DATA.groups.find((g) => g.kind === "school");
  const group = (kind, caption) => {
    const rows = DATA.groups.filter((g) => g.kind === kind && g.pupils > 0).sort((a, b) => youngest(a.name) - youngest(b.name) || COMPARE.compare(a.name, b.name));
    if (!rows.length || DATA.ofClass) return "";
    const shown = [...(school ? [{ ...school, name: "The school", strong: true }] : []), ...rows];
    return chart({
      caption,
      alt: caption + ": from the year to date to the last four school weeks. " + shown.map((g) => g.name + " " + percent(g.year) + " to " + percent(g.recent)).join(", ") + ".",
      draw: (width) => dumbbells(width, shown, school && school.year),
      head: ["Group", "Pupils", "Year to date", "Last four weeks", "Persistently absent"],
      rows: shown.map((g) => [g.name, g.pupils, percent(g.year), percent(g.recent), g.persistent]),
    });
  };
  const years = group("year", "Year groups"), classes = group("class", "Classes"), cohorts = group("cohort", "Groups");
  if (years || classes || cohorts) {
    out.push(section("Groups: hollow the year to date, filled the last four school weeks", el("div", { class: "pair" }, years, cohorts, classes)));
  }
  const total = DATA.reasons.reduce((sum, r) => sum + r.sessions, 0);
  const share = (n) => total ? (Math.round(n / total * 1000) / 10).toFixed(1) + "%" : "n/a";
  if (total) {
    out.push(section("Absence", el("div", { class: "pair" },
      chart({
        caption: "Sessions of absence in the year to date, by code",
        alt: "Sessions of absence by code: " + DATA.reasons.slice(0, 5).map((r) => r.code + ", " + r.meaning + ", " + share(r.sessions)).join("; ") + ".",
        draw: (width) => bars(width, DATA.reasons.slice(0, 12).map((r) => ({ name: r.code + "  " + r.meaning, value: r.sessions, label: share(r.sessions), kind: "mark-" + r.kind }))),
        head: ["Code", "Sessions", "Share", "Counts as"],
        rows: DATA.reasons.map((r) => [r.code + " " + r.meaning, r.sessions.toLocaleString("en-GB"), share(r.sessions), r.kind]),
      }),
      chart({
        caption: "Absence by weekday, mornings dark and afternoons light",
        alt: "Absence by weekday: " + DATA.weekdays.map((d) => d.name + " " + percent(d.am) + " of mornings and " + percent(d.pm) + " of afternoons").join("; ") + ".",
        draw: (width) => bars(width, DATA.weekdays.flatMap((d) => [
          { name: d.name + " AM", value: d.am, label: percent(d.am), kind: "bar-school" },
          { name: "PM", value: d.pm, label: percent(d.pm), kind: "bar-light" },
        ]), { room: 112 }),
        head: ["Weekday", "Mornings", "Afternoons"],
        rows: DATA.weekdays.map((d) => [d.name, percent(d.am), percent(d.pm)]),
      })), el("p", { class: "soft small" }, "Dark bars are unauthorised, light ones authorised absence; a code stands before each.")));
  }
  return out;
}
