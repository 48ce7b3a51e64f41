/** Charts as plain SVG: a column for each day, and bars for counts by name. */

import { words } from "./words.ts";
import { count, shortDay, day as written } from "./written.ts";

const WIDTH = 600;
const HEIGHT = 160;

interface DayValue {
  day: string;
  value: number;
}

/** Draw a column a day; who does not see it has the same as a table. */
export function DayChart({ title, days }: { title: string; days: DayValue[] }) {
  const say = words.value;
  const highest = Math.max(1, ...days.map(({ value }) => value));
  const sum = days.reduce((before, { value }) => before + value, 0);
  const step = WIDTH / Math.max(1, days.length);
  return (
    <figure class="chart">
      <div class="plot">
        <span class="highest soft" aria-hidden="true">
          {count(highest)}
        </span>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={say.chartOf(title, count(sum), count(days.length))}
        >
          {[0, 0.5, 1].map((part) => (
            <line key={part} class="rule" x1={0} x2={WIDTH} y1={HEIGHT * part} y2={HEIGHT * part} />
          ))}
          {days.map(({ day, value }, place) => (
            <rect
              key={day}
              class="column-of-day"
              x={place * step + step * 0.15}
              y={HEIGHT - (HEIGHT * value) / highest}
              width={step * 0.7}
              height={(HEIGHT * value) / highest}
            >
              <title>{`${written(day)}: ${count(value)}`}</title>
            </rect>
          ))}
        </svg>
      </div>
      <div class="ends soft" aria-hidden="true">
        <span>{days[0] && shortDay(days[0].day)}</span>
        <span>{days.at(-1) && shortDay(days.at(-1)!.day)}</span>
      </div>
      <details>
        <summary>{say.asTable}</summary>
        <div class="day-table">
          <table>
            <thead>
              <tr>
                <th scope="col">{say.day}</th>
                <th scope="col">{title}</th>
              </tr>
            </thead>
            <tbody>
              {days.toReversed().map(({ day, value }) => (
                <tr key={day}>
                  <th scope="row">{written(day)}</th>
                  <td>{count(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** Draw a bar beside each count; the numbers stand there too. */
export function Bars({ rows }: { rows: { label: string; value: number }[] }) {
  const highest = Math.max(1, ...rows.map(({ value }) => value));
  return (
    <table class="bars">
      <tbody>
        {rows.map(({ label, value }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td class="number">{count(value)}</td>
            <td class="bar" aria-hidden="true">
              <svg viewBox="0 0 100 10" preserveAspectRatio="none">
                <rect class="bar-of-count" width={(100 * value) / highest} height={10} />
              </svg>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
