// A pupil's page: figures, why, the line of the year, the marks as a calendar, and all that was done.

const KIND_WORDS = { attended: "Present", late: "Late, present", authorised: "Authorised absence", unauthorised: "Unauthorised absence", not_possible: "Not required to attend", missing: "No mark" };
const SIGNS = { attended: "·", missing: "?" };

function sessionKind(number) {
  return number === 0 ? "missing" : DATA.codes[number].k;
}
function sessionSign(number) {
  const kind = sessionKind(number);
  return kind === "attended" && "/\\".includes(DATA.codes[number].c) ? SIGNS.attended : kind === "missing" ? SIGNS.missing : DATA.codes[number].c;
}
function sessionWords(number) {
  return number === 0 ? KIND_WORDS.missing : DATA.codes[number].t;
}

/** The marks of the year: a table a half-term, a column a week, a row a weekday; morning left, afternoon right. */
function calendar(pupil) {
  const marks = marksOf(pupil);
  const used = new Map();
  const halves = DATA.halfTerms.filter((half) => half.first <= DATA.today);
  const tables = halves.map((half) => {
    const weeks = DATA.weeks.filter(([first]) => half.first <= first && first <= half.last);
    const rows = [1, 2, 3, 4, 5].map((weekday) => el("tr", {}, el("th", { scope: "row" }, el("abbr", { title: WEEKDAYS[weekday] }, WEEKDAYS[weekday].slice(0, 2))),
      weeks.map(([first, last]) => {
        let day = -1;
        for (let d = first; d <= Math.min(last, DATA.today); d += 1) if (new Date(DATA.days[d] + "T00:00:00Z").getUTCDay() === weekday) day = d;
        if (day < 0 || marks[day].every((m) => m === null)) return el("td", {}, el("span", { class: "sessions", "aria-hidden": "true" }, el("span", { class: "s s-none" }), el("span", { class: "s s-none" })));
        const [am, pm] = marks[day];
        const words = shortDay(DATA.days[day]) + ": " + (am === pm || sessionWords(am) === sessionWords(pm) ? sessionWords(am) + ", all day" : "AM " + sessionWords(am) + "; PM " + sessionWords(pm));
        [am, pm].forEach((m) => { const kind = sessionKind(m); used.set(kind, m); });
        return el("td", { title: words }, el("span", { class: "hidden" }, words),
          el("span", { class: "sessions", "aria-hidden": "true" }, [am, pm].map((m) => el("span", { class: "s s-" + sessionKind(m).replace("_", "-") }, sessionSign(m)))));
      })));
    return el("table", {}, el("caption", {}, half.name),
      el("thead", {}, el("tr", {}, el("td", {}), weeks.map(([first]) => { const p = parts(mondayOf(DATA.days[first])); return el("th", { scope: "col" }, el("span", { class: "hidden" }, "Week of "), p.day + " " + p.month.slice(0, 3)); }))),
      el("tbody", {}, rows));
  });
  const key = el("ul", { class: "key", "aria-label": "What the squares mean" }, Object.keys(KIND_WORDS).filter((kind) => used.has(kind)).map((kind) =>
    el("li", {}, el("span", { class: "s s-" + kind.replace("_", "-"), "aria-hidden": "true" }, kind === "attended" ? SIGNS.attended : kind === "missing" ? SIGNS.missing : sessionSign(used.get(kind))), KIND_WORDS[kind])));
  const codes = [...new Set(marks.flat().filter((m) => m))].filter((m) => !["/", "\\"].includes(DATA.codes[m].c)).sort((a, b) => a - b);
  return [el("div", { class: "calendar" }, tables), key,
    codes.length ? el("p", { class: "soft small" }, codes.map((m) => DATA.codes[m].c + " " + DATA.codes[m].t).join(" · ")) : ""];
}

function mondayOf(iso) {
  const date = new Date(iso + "T00:00:00Z");
  date.setUTCDate(date.getUTCDate() - (date.getUTCDay() + 6) % 7);
  return date.toISOString().slice(0, 10);
}

/** What happened, the newest first: stages, letters, contacts. */
function historyOf(pupil) {
  const rank = { event: 0, letter: 1, contact: 2 };
  const rows = [
    ...(pupil.e || []).map(([day, , , words]) => ({ on: DATA.days[day], kind: "event", label: "Ladder", words })),
    ...(pupil.l || []).map(([on, title, state, to, reason, reference]) => ({
      on, kind: "letter", label: "Letter",
      given: state === "superseded" || state === "rejected",
      words: title + (to && !plain(title).includes(plain(to)) ? " to " + to : "") + ": " + state + (reason ? " (" + reason + ")" : ""), more: reference,
    })),
    ...(pupil.h || []).map(([on, words, stage, by, detail]) => ({
      on, kind: "contact", label: "Contact", words: words + (stage ? ", stage " + stage : "") + (detail ? ": " + detail : ""), more: by,
    })),
  ];
  return rows.sort((a, b) => a.on < b.on ? 1 : a.on > b.on ? -1 : rank[a.kind] - rank[b.kind]);
}

function facts(pupil) {
  const [possible, attended, authorised, unauthorised, late] = pupil.k;
  const fact = (term, value, note) => el("div", {}, el("dt", {}, term), el("dd", {}, value, note ? el("small", {}, note) : ""));
  return el("dl", { class: "facts" },
    fact("Year to date", percent(pupil.a), attended + " of " + plural(possible, "session")),
    fact("Last four weeks", percent(pupil.r), pupil.ch === undefined ? "" : points(pupil.ch) + " points"),
    fact("Absent", plural(authorised + unauthorised, "session"), authorised + " authorised, " + unauthorised + " not"),
    fact("Late", plural(late, "session")),
    fact("Next", pupil.next || (pupil.g ? "Nothing due" : "Not on the ladder"), pupil.since ? "stage " + pupil.g + " since " + dated(pupil.since) : ""));
}

function pupilView(pupil) {
  const signs = (pupil.e || []).filter(([, before, after]) => before !== after).map(([day, , after]) => ({ day, stage: after, sign: after ? String(after) : "✓" }));
  const notices = (pupil.pn || []);
  const events = historyOf(pupil);
  const runs = DATA.thresholds.filter(([first]) => first <= DATA.today).map(([first, last, level]) => [first, Math.min(last, DATA.today), level]);
  return [
    el("p", { class: "screen" }, el("a", { href: "#/pupils" }, "All pupils")),
    el("div", { class: "who" }, el("h1", {}, pupil.n), stageSign(pupil.g),
      el("span", { class: "soft" }, className(pupil) + (DATA.classes[pupil.c].teacher ? " · " + DATA.classes[pupil.c].teacher : "")),
      pupil.st === "awaiting_action" ? el("span", { class: "tag" }, "Stage not started") : pupil.st === "watch" ? el("span", { class: "tag" }, "Watch") : "",
      isDue(pupil) ? el("span", { class: "tag due" }, "Review due") : "",
      pupil.worst ? noticeTag(pupil.worst) : ""),
    facts(pupil),
    el("div", { class: "pair" },
      pupil.why ? el("section", { class: "why", "aria-label": "Why" }, el("h2", {}, "Why"), el("ul", {}, pupil.why.map((words) => el("li", {}, words))),
        el("p", { class: "soft small" }, "Decisions rest on the marks up to their cut-off day, so a figure here may differ from the ones above.")) : "",
      pupil.pat ? el("section", { class: "why", "aria-label": "Patterns" }, el("h2", {}, "Patterns"), el("ul", {}, pupil.pat.map((words) => el("li", {}, words))),
        el("p", { class: "soft small" }, "Something to talk about: nothing follows from a pattern.")) : ""),
    section("The year", chart({
      caption: DATA.measure + " (line), each week (dots), the threshold (dashed)",
      alt: pupil.n + ": " + DATA.measure.toLowerCase() + " is " + percent(pupil.v[pupil.v.length - 1]) + ". " + (signs.length ? "Stage changes: " + (pupil.e || []).filter(([, a, b]) => a !== b).map(([day, , after]) => dated(DATA.days[day]) + " to stage " + after).join(", ") + "." : "No stage changes this year."),
      draw: (width) => yearLine(width, { week: pupil.w, line: pupil.v, name: "To date", thresholds: runs, events: signs }),
      head: ["Week of", "The week", "To date", "Stage change"],
      rows: pupil.v.map((v, i) => [dated(DATA.days[DATA.weeks[i][0]]), percent(pupil.w[i]), percent(v),
        (pupil.e || []).filter(([day, a, b]) => a !== b && DATA.weeks[i][0] <= day && day <= DATA.weeks[i][1]).map(([, , b]) => "to stage " + b).join(", ")]),
      most: 1280,
    })),
    section("Marks", calendar(pupil)),
    notices.length ? section("Towards a penalty notice", table({
      caption: "Sessions that the rules count",
      quiet: true,
      stacks: true,
      rows: notices,
      columns: [
        { title: "Rule", name: true, cell: (r) => DATA.rules[r[0]] },
        { title: "Status", cell: (r) => noticeTag(r[1]) },
        { title: "Counted", number: true, cell: (r) => r[2] },
        { title: "Still needed", number: true, cell: (r) => r[3] },
        { title: "Counted from", cell: (r) => r[4] && time(r[4]) },
        { title: "Oldest drops out", cell: (r) => r[5] && time(r[5]) },
        { title: "In the way", cell: (r) => r[6] },
      ],
    })) : "",
    proof(pupil),
    section("What was done", events.length ? el("ol", { class: "history" }, events.map((event) => el("li", { class: event.kind + (event.given ? " given-up" : "") },
      time(event.on), " ", el("span", { class: "kind" }, event.label + ": "), event.words, event.more ? el("span", { class: "soft small" }, " · " + event.more) : ""))) : el("p", { class: "empty" }, "Nothing is recorded this year.")),
  ];
}
