// Times as the person looking would read them: in their time zone, in the forms of Slack's
// <!date^EPOCH^{date_short_pretty} at {time}|fallback>.

const FORMS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};
const LOCALE = "en-GB";

function formatted(date, form, zone) {
  return new Intl.DateTimeFormat(LOCALE, { ...FORMS[form], timeZone: zone }).format(date);
}

function day(date, zone) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(date);
}

// "today", "yesterday" or null, as seen from the zone.
function nearDay(date, zone) {
  const now = Date.now();
  if (day(date, zone) === day(new Date(now), zone)) return "today";
  if (day(date, zone) === day(new Date(now - 86400000), zone)) return "yesterday";
  return null;
}

function ago(date) {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  }
  return words.format(seconds, "second");
}

export function slackDate(epoch, template, zone) {
  const date = new Date(epoch * 1000);
  return template.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(date);
    const pretty = name.endsWith("_pretty");
    const form = pretty ? name.slice(0, -7) : name;
    if (!(form in FORMS)) return whole;
    return (pretty && nearDay(date, zone)) || formatted(date, form, zone);
  });
}

export function clockTime(ts, zone) {
  return formatted(new Date(Number(ts) * 1000), "time", zone);
}

export function fullTime(ts, zone) {
  const date = new Date(Number(ts) * 1000);
  return `${formatted(date, "date_long", zone)}, ${formatted(date, "time_secs", zone)} ${zone}`;
}

export function dayName(ts, zone) {
  const date = new Date(Number(ts) * 1000);
  const near = nearDay(date, zone);
  return near ? near[0].toUpperCase() + near.slice(1) : formatted(date, "date_long", zone);
}

export function dayOf(ts, zone) {
  return day(new Date(Number(ts) * 1000), zone);
}

export function shortDay(date, zone) {
  return new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long", timeZone: zone }).format(date);
}
