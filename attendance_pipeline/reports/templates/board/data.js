// What the page holds, read once; and how figures and dates are written. Nothing is worked out here that a decision
// could rest on: the figures come as they are printed elsewhere.

const DATA = JSON.parse(document.getElementById("data").textContent);
const PUPILS = DATA.pupils;
const BY_ID = new Map(PUPILS.map((pupil) => [pupil.id, pupil]));
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const NUMBER_OF = new Map([...ALPHABET].map((sign, number) => [sign, number]));
const STATUS = { none: 0, near: 1, provisional: 2, met: 3 };
const NOTICE_WORDS = ["Not met", "Near", "Met if N counts", "Met: consider"];
const STAGES = ["Watch", "Stage 1", "Stage 2", "Stage 3", "Stage 4"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Tenths of a percent as people read them. */
function percent(tenths) {
  return tenths === null || tenths === undefined ? "n/a" : (tenths / 10).toFixed(1) + "%";
}

/** A difference in tenths of a point, with its sign. */
function points(tenths) {
  if (tenths === null || tenths === undefined) return "n/a";
  return tenths === 0 ? "0.0" : (tenths > 0 ? "+" : "−") + (Math.abs(tenths) / 10).toFixed(1);
}

/** A change with an arrow; the words are for who cannot see it. */
function change(tenths) {
  if (tenths === null || tenths === undefined) return "";
  const way = tenths > 0 ? "up" : tenths < 0 ? "down" : "same";
  const arrow = { up: "▲", down: "▼", same: "•" }[way];
  return el("span", { class: way },
    el("span", { "aria-hidden": "true" }, arrow + " " + (Math.abs(tenths) / 10).toFixed(1)),
    el("span", { class: "hidden" }, way === "same" ? "no change" : way + " " + (Math.abs(tenths) / 10).toFixed(1) + " points in the last four weeks"));
}

function parts(iso) {
  const date = new Date(iso + "T00:00:00Z");
  return { day: date.getUTCDate(), month: MONTHS[date.getUTCMonth()], year: date.getUTCFullYear(), weekday: WEEKDAYS[date.getUTCDay()] };
}
const shortDay = (iso) => { const p = parts(iso); return p.day + " " + p.month.slice(0, 3); };
const dated = (iso) => shortDay(iso) + " " + parts(iso).year;
const longDay = (iso) => { const p = parts(iso); return p.weekday + " " + p.day + " " + p.month + " " + p.year; };
const time = (iso, words) => el("time", { datetime: iso }, words || dated(iso));

/** Text as it is compared: without accents, in small letters. */
function plain(text) {
  return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
}
for (const pupil of PUPILS) {
  pupil.g = pupil.g || 0;
  pupil.words = plain(pupil.n + " " + pupil.s).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  pupil.worst = Math.max(0, ...(pupil.pn || []).map((row) => row[1]));
}

const className = (pupil) => DATA.classes[pupil.c].name;
const pupilLink = (pupil) => el("a", { href: "#/pupil/" + pupil.id }, pupil.n);
const isDue = (pupil) => Boolean(pupil.due) && pupil.due <= DATA.date;

/** Pupils of whose name every given word begins some word; who is called so first, first. */
function found(text) {
  const wanted = plain(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (!wanted.length) return [];
  return PUPILS.filter((pupil) => wanted.every((word) => pupil.words.some((own) => own.startsWith(word))));
}

/** The marks of a pupil: by day of the year up to today, [morning, afternoon], each a code, null (off roll) or 0. */
function marksOf(pupil) {
  const out = [];
  for (let day = 0; day <= DATA.today; day += 1) {
    out.push([0, 1].map((half) => {
      const sign = pupil.m[2 * day + half];
      return sign === " " ? null : NUMBER_OF.get(sign);
    }));
  }
  return out;
}

function stageSign(stage) {
  return stage ? el("span", { class: "stage stage-" + stage, title: STAGES[stage] }, el("span", { class: "hidden" }, "stage "), stage) : "";
}

function noticeTag(status) {
  return el("span", { class: "tag" + (status >= STATUS.provisional ? " met" : status === STATUS.near ? " due" : "") }, NOTICE_WORDS[status]);
}
