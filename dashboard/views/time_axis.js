// Where a time axis has its labels: those of days, weeks and months in the middle of them, where their bars and points are.
// Of hours it is the beginning, as on a clock. A week is named by its Monday. Times are milliseconds of the shop's clock,
// read as if it were UTC.
const HOUR = 3_600_000, DAY = 24 * HOUR, MOST = 9, MONDAY = 4, EPOCH = 1970 * 12, WEEK = 7 * DAY, MONTHS_FROM = 120 * DAY;

// What a bar or point of the chart is, where its columns tell; bars are narrower than their buckets.
function bucket({data: {left, right}}) {
  const width = left?.length && right?.length ? right[0] - left[0] : 0;
  return width > 20 * DAY ? "month" : width > 5 * DAY ? "week" : "";
}

function stepped(steps, unit, length) { return (steps.find((each) => length <= each * unit * MOST) ?? steps.at(-1)) * unit; }

function weeks(start, end) {
  const step = stepped([1, 2], WEEK, end - start), found = [];
  for (let at = MONDAY * DAY + Math.floor((start - MONDAY * DAY) / step) * step; at <= end; at += step) {
    if (at + WEEK / 2 >= start && at + WEEK / 2 <= end) { found.push(at + WEEK / 2); }
  }
  return found;
}

function middles(start, end, each) {
  const length = end - start;
  if (each === "week" && length <= MONTHS_FROM) { return weeks(start, end); }
  if (each === "month" || length > MONTHS_FROM) {
    const months = stepped([1, 2, 3, 6, 12], 1, length / (30 * DAY)), found = [];
    for (let at = new Date(start), month = at.getUTCFullYear() * 12 + at.getUTCMonth(); ; month++) {
      const middle = (Date.UTC(1970, month - EPOCH) + Date.UTC(1970, month + 1 - EPOCH)) / 2;
      if (middle > end) { return found; }
      if (middle >= start && month % months === 0) { found.push(middle); }
    }
  }
  const step = stepped([1, 2, 7, 14], DAY, length), from = step % (7 * DAY) ? 0 : MONDAY * DAY, found = [];
  for (let at = from + Math.floor((start - from) / step) * step; at <= end; at += step) {
    if (at + DAY / 2 >= start && at + DAY / 2 <= end) { found.push(at + DAY / 2); }
  }
  return found;
}

function hours(start, end) {
  const step = stepped([1, 2, 3, 6, 12], HOUR, end - start), found = [];
  for (let at = Math.ceil(start / step) * step; at <= end; at += step) { found.push(at); }
  return found;
}

function placed(start, end, each) { return end - start <= 2.5 * DAY && !each ? hours(start, end) : middles(start, end, each); }

// What is new since the label before goes below: the day of an hour, the year of a day.
function label(tick, index, all, each) {
  const named = (time) => new Date(each === "week" && gap <= 2 * WEEK ? time - WEEK / 2 : time);
  const gap = each === "month" ? 30 * DAY : all.length > 1 ? all[1] - all[0] : each === "week" ? WEEK : DAY;
  const at = named(tick), before = index > 0 ? named(all[index - 1]) : null;
  const month = at.toLocaleDateString("en-US", {timeZone: "UTC", month: "short"}), day = `${at.getUTCDate()} ${month}`;
  if (gap < DAY) {
    const hour = at.toISOString().slice(11, 16);
    return before?.getUTCDate() === at.getUTCDate() ? hour : `${hour}\n${day}`;
  }
  const text = gap > 27 * DAY ? month : day;
  return before?.getUTCFullYear() === at.getUTCFullYear() ? text : `${text}\n${at.getUTCFullYear()}`;
}
