// The ladder: a column a stage, a card a pupil; what is due comes first.

/** To sort by: reviews that are due, then stages that nobody started, the oldest first, then reviews to come. */
const urgency = (pupil) => isDue(pupil) ? "0" + pupil.due : pupil.st === "awaiting_action" ? "1" + pupil.since : "2" + (pupil.due || "9");

const LADDER_ORDER = {
  due: ["What is due", (a, b) => COMPARE.compare(urgency(a), urgency(b))],
  attendance: ["Attendance, lowest first", (a, b) => (a.a === undefined ? 9999 : a.a) - (b.a === undefined ? 9999 : b.a)],
  name: ["Name", (a, b) => COMPARE.compare(a.s, b.s)],
};

/** The threshold of today's season, in tenths. */
const thresholdNow = () => {
  const run = DATA.thresholds.find(([first, last]) => first <= DATA.today && DATA.today <= last);
  return run ? run[2] * 10 : null;
};

function card(pupil) {
  const waiting = pupil.st === "awaiting_action";
  return el("li", { class: "card" + (isDue(pupil) ? " due" : "") },
    el("div", {}, pupilLink(pupil), el("div", { class: "figure" }, percent(pupil.a), " ", el("span", { class: "small" }, change(pupil.ch)))),
    spark(pupil.v, thresholdNow()),
    el("div", { class: "foot" },
      el("span", {}, DATA.ofClass ? "" : className(pupil), pupil.since ? (DATA.ofClass ? "" : " · ") + "since " + shortDay(pupil.since) : ""),
      waiting ? el("span", { class: "tag" }, "Not started") : isDue(pupil) ? el("span", { class: "tag due" }, "Review due") : pupil.next ? el("span", {}, pupil.next) : ""));
}

/** The columns. `few`: cards a column shows at first. */
function ladder(query, few) {
  const order = (LADDER_ORDER[query.order] || LADDER_ORDER.due)[1];
  const inClass = query.class === undefined || query.class === "" ? PUPILS : PUPILS.filter((p) => p.c === Number(query.class));
  const columns = [0, 1, 2, 3, 4].map((stage) => inClass.filter((p) => stage ? p.g === stage : p.g === 0 && p.st === "watch").sort(order));
  return el("div", { class: "ladder", role: "group", "aria-label": "The ladder, a column a stage" }, columns.map((pupils, stage) => {
    const list = el("ul", { "aria-label": STAGES[stage] });
    const more = el("div", { class: "more" });
    const show = (count) => {
      const at = list.children.length;
      list.replaceChildren(...pupils.slice(0, count).map(card));
      more.replaceChildren(...(pupils.length > count ? [el("button", { type: "button", click: () => { show(count + 200); const next = list.children[count]; if (next) next.querySelector("a").focus(); } }, "Show " + Math.min(200, pupils.length - count) + " more")] : []));
      return at;
    };
    show(few);
    return el("section", { class: "rung rung-" + stage, "aria-label": STAGES[stage] + ", " + plural(pupils.length, "pupil") },
      el("header", {}, stage ? stageSign(stage) : el("span", { class: "stage", "aria-hidden": "true" }, "0"), el("h3", {}, STAGES[stage]), el("span", { class: "count" }, pupils.length), el("p", {}, DATA.stageNotes[stage] || "")),
      pupils.length ? list : el("p", { class: "empty small" }, "Nobody"), more);
  }));
}

function ladderView(query) {
  return [
    el("div", { class: "head" }, el("h1", {}, "The ladder"), el("p", { class: "soft" }, "As it stood at the end of " + longDay(DATA.date))),
    el("div", { class: "choices" },
      DATA.classes.length > 1 && choice("Class", classOptions(), query.class || "", (value) => go({ class: value })),
      choice("In order of", Object.entries(LADDER_ORDER).map(([key, [words]]) => [key, words]), query.order || "due", (value) => go({ order: value }))),
    ladder(query, 40),
  ];
}
