// Every pupil in a table to be sorted and filtered; and the cases of penalty notices, the nearest first.

function chosenPupils(query) {
  const named = query.name ? new Set(found(query.name)) : null;
  return PUPILS.filter((p) =>
    (!query.class || p.c === Number(query.class)) &&
    (!named || named.has(p)) &&
    (!query.stage || (query.stage === "any" ? p.g > 0 : query.stage === "watch" ? p.st === "watch" : p.g === Number(query.stage))) &&
    (!query.below || (p.a !== undefined && p.a < Number(query.below))));
}

function pupilTable(rows) {
  return table({
    caption: plural(rows.length, "pupil"),
    rows,
    sorted: [0, 1],
    columns: [
      { title: "Pupil", name: true, sort: (p) => p.s, cell: pupilLink },
      { title: "Class", sort: className, cell: className },
      { title: "Stage", sort: (p) => p.g, cell: (p) => stageSign(p.g) },
      { title: "This year", number: true, sort: (p) => p.a, cell: (p) => percent(p.a) },
      { title: "Last 4 weeks", number: true, wide: true, sort: (p) => p.r, cell: (p) => percent(p.r) },
      { title: "Change", number: true, wide: true, sort: (p) => p.ch, cell: (p) => points(p.ch) },
      { title: "Unauthorised", number: true, wide: true, sort: (p) => p.k[3], cell: (p) => p.k[3] },
      { title: "Late", number: true, wide: true, sort: (p) => p.k[4], cell: (p) => p.k[4] },
      { title: "Next", wide: true, line: true, sort: (p) => p.due || p.next, cell: (p) => isDue(p) ? el("span", { class: "tag due" }, p.next) : p.next || "" },
    ],
  });
}

function pupilsView(query) {
  const holder = el("div");
  const fill = (q) => holder.replaceChildren(pupilTable(chosenPupils(q)));
  let now = { ...query };
  const set = (key) => (value) => { now = { ...now, [key]: value }; keep(now); fill(now); say(plural(chosenPupils(now).length, "pupil")); };
  const box = el("input", { type: "search", value: query.name || "", autocomplete: "off", input: (event) => set("name")(event.target.value) });
  fill(now);
  return [
    el("h1", {}, "Pupils"),
    el("div", { class: "choices" },
      el("label", {}, "Name", box),
      DATA.classes.length > 1 && choice("Class", classOptions(), query.class || "", set("class")),
      choice("Stage", [["", "Any or none"], ["any", "On the ladder"], ["1", "Stage 1"], ["2", "Stage 2"], ["3", "Stage 3"], ["4", "Stage 4"], ["watch", "Watch"]], query.stage || "", set("stage")),
      choice("Attendance", [["", "All"], ["950", "Below 95%"], ["900", "Below 90%"], ["850", "Below 85%"], ["500", "Below 50%"]], query.below || "", set("below"))),
    holder,
  ];
}

function noticesView(query) {
  const rows = PUPILS.flatMap((pupil) => (pupil.pn || []).map((row) => ({ pupil, row })))
    .filter(({ pupil, row }) => row[1] >= STATUS.near && (!query.class || pupil.c === Number(query.class)))
    .sort((a, b) => b.row[1] - a.row[1] || a.row[3] - b.row[3]);
  const blocked = rows.some(({ row }) => row[6]);
  const part = (title, words, least, most) => section(title, el("p", { class: "soft" }, words), table({
    caption: title,
    quiet: true,
    stacks: true,
    rows: rows.filter(({ row }) => row[1] >= least && row[1] <= most),
    rowClass: ({ row }) => row[1] >= STATUS.provisional ? "late" : null,
    columns: [
      { title: "Pupil", name: true, sort: (r) => r.pupil.s, cell: (r) => pupilLink(r.pupil) },
      { title: "Class", sort: (r) => className(r.pupil), cell: (r) => className(r.pupil) },
      { title: "Rule", sort: (r) => DATA.rules[r.row[0]], cell: (r) => DATA.rules[r.row[0]] },
      { title: "Status", sort: (r) => r.row[1], cell: (r) => noticeTag(r.row[1]) },
      { title: "Counted", number: true, sort: (r) => r.row[2], cell: (r) => r.row[2] },
      { title: "Needed", number: true, sort: (r) => r.row[3], cell: (r) => r.row[3] },
      { title: "Counted from", sort: (r) => r.row[4], cell: (r) => r.row[4] && time(r.row[4], shortDay(r.row[4])) },
      { title: "Oldest drops out", sort: (r) => r.row[5], cell: (r) => r.row[5] && time(r.row[5], shortDay(r.row[5])) },
      ...(blocked ? [{ title: "In the way", cell: (r) => r.row[6] }] : []),
    ],
  }));
  return [
    el("h1", {}, "Penalty notices"),
    el("p", { class: "soft" }, "A threshold that is met means that a notice has to be considered. A person decides."),
    DATA.classes.length > 1 && el("div", { class: "choices" }, choice("Class", classOptions(), query.class || "", (value) => go({ class: value }))),
    part("Near", "Up to three sessions from the number: a word with the family may still keep it from being reached.", STATUS.near, STATUS.near),
    part("Met", "Provisional: met only if sessions without a reason (N) count. Resolve those first.", STATUS.provisional, STATUS.met),
  ];
}
