// Where a time axis has its labels: those of days and months in the middle of them, where their bars and points are. Of
// hours it is the beginning, as on a clock. Times are milliseconds of the shop's clock, read as if it were UTC.
const HOUR = 3_600_000, DAY = 24 * HOUR, MOST = 9, MONDAY = 4, EPOCH = 1970 * 12;

function stepped(steps, unit, length) { return (steps.find((each) => length <= each * unit * MOST) ?? steps.at(-1)) * unit; }

function middles(start, end) {
  const length = end - start;
  if (length > 120 * DAY) {
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

function placed(start, end) { return end - start <= 2.5 * DAY ? hours(start, end) : middles(start, end); }

// What is new since the label before goes below: the day of an hour, the year of a day.
function label(tick, index, all) {
  const at = new Date(tick), before = index > 0 ? new Date(all[index - 1]) : null;
  const gap = all.length > 1 ? all[1] - all[0] : DAY;
  const month = at.toLocaleDateString("en-US", {timeZone: "UTC", month: "short"}), day = `${at.getUTCDate()} ${month}`;
  if (gap < DAY) {
    const hour = at.toISOString().slice(11, 16);
    return before?.getUTCDate() === at.getUTCDate() ? hour : `${hour}\n${day}`;
  }
  const text = gap > 27 * DAY ? month : day;
  return before?.getUTCFullYear() === at.getUTCFullYear() ? text : `${text}\n${at.getUTCFullYear()}`;
}
