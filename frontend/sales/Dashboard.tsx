/** How sales go: counts, conversion, a chart of the last days, and what visitors want. */

import { useSignal } from "@preact/signals";
import { useLoaded } from "../kit/loaded.ts";
import { Card } from "../kit/parts/Card.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { SelectField } from "../kit/parts/Field.tsx";
import { useRepeated } from "../kit/repeated.ts";
import { linkTo } from "../kit/route.ts";
import { Bars, DayChart } from "./charts.tsx";
import { getDashboard, MEASURES, type Dashboard as Numbers, type Measure } from "./dashboard.ts";
import { toldBeside } from "./faults.ts";
import { labelOf, STAGES } from "./labels.ts";
import { words } from "./words.ts";
import { count, money, percent } from "./written.ts";

const ASK_AGAIN_MS = 30_000;
const PERIODS = [7, 30, 90] as const;

export function Dashboard() {
  const say = words.value;
  const days = useSignal<number>(30);
  const { value, error, reload } = useLoaded(
    (signal) => getDashboard(days.value, signal),
    String(days.value),
  );
  useRepeated(reload, ASK_AGAIN_MS);
  return (
    <main class="scrolling">
      <div class="scrolling-inside wide">
        <header class="titled">
          <h1>{say.dashboard}</h1>
          <div class="period">
            <SelectField
              label={say.period}
              value={String(days.value)}
              onChange={(event) => (days.value = Number(event.currentTarget.value))}
            >
              {PERIODS.map((each) => (
                <option key={each} value={String(each)}>
                  {say.lastDays(count(each))}
                </option>
              ))}
            </SelectField>
          </div>
        </header>
        <Fault text={toldBeside(error)} />
        {value && <Shown numbers={value} />}
      </div>
    </main>
  );
}

function Shown({ numbers }: { numbers: Numbers }) {
  const say = words.value;
  const measure = useSignal<Measure>("messages");
  return (
    <>
      <Tiles numbers={numbers} />
      <Card title={say.byDay}>
        <div class="period">
          <SelectField
            label={say.measure}
            value={measure.value}
            onChange={(event) => (measure.value = event.currentTarget.value as Measure)}
          >
            {MEASURES.map((each) => (
              <option key={each} value={each}>
                {say[`measure_${each}`]}
              </option>
            ))}
          </SelectField>
        </div>
        <DayChart
          title={say[`measure_${measure.value}`]}
          days={numbers.series.map(({ day, ...rest }) => ({ day, value: rest[measure.value] }))}
        />
      </Card>
      <div class="columns">
        <Card title={say.pipeline}>
          <Bars
            rows={STAGES.map((stage) => ({
              label: labelOf("stage", stage),
              value: numbers.by_stage[stage],
            }))}
          />
        </Card>
        <Card title={say.intents}>
          {Object.keys(numbers.by_intent).length === 0 && <p class="soft">{say.noIntents}</p>}
          <Bars rows={rowsOf("intent", numbers.by_intent)} />
        </Card>
      </div>
    </>
  );
}

function Tiles({ numbers }: { numbers: Numbers }) {
  const say = words.value;
  const { conversations, follow_ups: followUps, quotes, conversion_percent: conversion } = numbers;
  const sums = Object.entries(quotes.total_cents).map(([currency, cents]) => money(cents, currency));
  const tiles = [
    { name: say.contacts, value: count(numbers.contacts), more: "", to: "contacts" },
    {
      name: say.conversion,
      value: conversion === null ? "–" : percent(conversion),
      more: say.wonAndLost(count(numbers.by_stage.won), count(numbers.by_stage.lost)),
      to: "contacts",
    },
    {
      name: say.conversations,
      value: count(conversations.agent + conversations.person + conversations.closed),
      more: say.waiting(count(conversations.person)),
      to: "conversations",
    },
    {
      name: say.followUps,
      value: count(followUps.open),
      more: say.dueNow(count(followUps.due)),
      to: "followUps",
    },
    { name: say.quotes, value: count(quotes.count), more: sums.join(" + "), to: "contacts" },
  ];
  return (
    <ul class="tiles">
      {tiles.map(({ name, value, more, to }) => (
        <li key={name}>
          <a class="tile" href={linkTo(to)}>
            <span class="soft">{name}</span>
            <strong>{value}</strong>
            <span class="soft">{more}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Return counts by name with their labels, the greatest first. */
function rowsOf(kind: "intent", counts: Record<string, number>) {
  return Object.entries(counts)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, value]) => ({ label: labelOf(kind, name), value }));
}
