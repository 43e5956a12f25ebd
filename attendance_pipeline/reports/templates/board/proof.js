// What a pupil's page rests on: decisions with figures and sessions, windows of penalty-notice rules drawn as weeks, and
// what would change it. The words are those of `attendance explain`.

/** The date of a day: a number of the page's days, or a date of an earlier year. */
const dateOf = (day) => typeof day === "number" ? DATA.days[day] : day;

/** A session as a line: day, half, code, why, and the file and line that gave it. */
function sessionLine([day, half, code, file, line, why]) {
  const where = file < 0 ? "no extract names it" : DATA.files[file] + (line > 0 ? ", line " + line : "");
  return el("li", {}, time(dateOf(day)), [" AM ", " PM "][half], el("b", {}, code), why ? " " + why : "", el("span", { class: "soft small" }, " · " + where));
}

function sessionList(title, sessions) {
  return sessions.length ? el("details", {}, el("summary", {}, title), el("ul", { class: "relied" }, sessions.map(sessionLine))) : "";
}

function decision([on, words, figures, looked, sessions, policy], place, all) {
  return el("li", {}, el("p", {}, time(on), " ", el("b", {}, words)), el("p", {}, figures + (looked ? "; " + looked : "") + "."),
    sessionList(plural(sessions.length, "session") + " relied on", sessions), place === 0 || all[place - 1][5] !== policy ? el("p", { class: "soft small" }, DATA.policies[policy]) : "");
}

/** A window as weeks: which count, which are skipped and why, and on which sessions. */
function windowOf([rule, number, counted, left]) {
  const { clause, source } = DATA.ruleTexts[rule];
  const codes = new Map(counted.map(([day, half, code]) => [dateOf(day) + half, code]));
  const weeks = DATA.windows[number].map(([week, monday, why, open]) => {
    const start = new Date(monday + "T00:00:00Z");
    const cells = [...open].map((inside, weekday) => {
      const date = new Date(start);
      date.setUTCDate(start.getUTCDate() + weekday);
      const on = date.toISOString().slice(0, 10);
      return inside === "1" ? [codes.get(on + "0") || "", codes.get(on + "1") || ""] : null;
    });
    return { week, monday, why, cells, many: cells.flat().filter((code) => code).length };
  });
  const said = (sessions) => sessions ? (sessions[0] || "·") + " " + (sessions[1] || "·") : "";
  const days = [1, 2, 3, 4, 5].map((weekday) => ({ title: WEEKDAYS[weekday].slice(0, 3), cell: ({ cells }) => said(cells[weekday - 1]) }));
  return el("div", {}, el("h3", {}, DATA.rules[rule]),
    el("p", { class: "soft small" }, clause + (source ? ". " + source : "")),
    weeks.length ? table({
      caption: "The weeks of the window, " + DATA.rules[rule],
      quiet: true,
      rows: weeks,
      columns: [
        { title: "Week", name: true, cell: ({ week }) => week || "–" },
        { title: "Monday", cell: ({ monday }) => time(monday) },
        ...days,
        { title: "Counted", cell: ({ why, many }) => why ? "skipped: " + why : many || "" },
      ],
    }) : "",
    sessionList(plural(counted.length, "session") + " counted", counted),
    sessionList(plural(left.length, "session") + " not counted", left));
}

/** All of it, or nothing for a pupil of whom there is nothing to prove. */
function proof(pupil) {
  const { events = [], rules = [], changes = [], ladder = [] } = pupil.proof || {};
  return [
    changes.length ? section("What would change it", el("p", { class: "soft small" }, "Asked of the rules: sessions missed are the next ones, every other one is attended."), el("ul", { class: "changes" }, changes.map((words) => el("li", {}, words)))) : "",
    events.length || rules.length ? section("The proof",
      events.length ? el("ol", { class: "decisions" }, events.map(decision)) : "",
      ladder.length ? el("details", {}, el("summary", {}, "The policy today: " + DATA.policy), el("ul", { class: "relied" }, ladder.map((words) => el("li", {}, words)))) : "",
      rules.map(windowOf)) : "",
  ];
}
