/** Functions that this page offers to the model and runs itself, to show what calls look like. */

import { languageTag } from "../kit/languages.ts";
import { words } from "./words.ts";

export interface Tool {
  type: "function";
  function: { name: string; description: string; parameters: object };
}

const ZONES = [
  "Africa/Cairo", "America/Bogota", "America/Los_Angeles", "America/Mexico_City",
  "America/New_York", "America/Sao_Paulo", "Asia/Shanghai", "Asia/Tokyo", "Europe/Berlin",
  "Europe/London", "Europe/Madrid", "Europe/Paris", "UTC",
];
const MOST_DICE = 100;

/** Return the functions as a request names them, described in the language of the page. */
export function offeredTools(): Tool[] {
  const say = words.value;
  return [
    tool("get_time", say.timeDescription, {
      time_zone: { type: "string", enum: ZONES, description: say.zoneDescription },
    }),
    tool("roll_dice", say.diceDescription, {
      count: { type: "integer", minimum: 1, maximum: MOST_DICE, description: say.countDescription },
    }),
  ];
}

function tool(name: string, description: string, properties: Record<string, object>): Tool {
  const parameters = { type: "object", properties, required: Object.keys(properties) };
  return { type: "function", function: { name, description, parameters } };
}

/** Run one of the functions; what is wrong with a call is an answer that the model can read. */
export function runFunction(name: string, input: string): { output: string; isFailed: boolean } {
  try {
    const given = JSON.parse(input || "{}") as { time_zone?: string; count?: number };
    if (name === "get_time") return answered(timeIn(given.time_zone ?? "UTC"));
    if (name === "roll_dice") return answered(diceOf(given.count ?? 1));
    throw new Error(`There is no function ${name}.`);
  } catch (error) {
    return { output: JSON.stringify({ error: String(error) }), isFailed: true };
  }
}

function answered(value: object): { output: string; isFailed: boolean } {
  return { output: JSON.stringify(value), isFailed: false };
}

function timeIn(timeZone: string): object {
  const format = new Intl.DateTimeFormat(languageTag.value, {
    dateStyle: "full",
    timeStyle: "short",
    timeZone,
  });
  return { time_zone: timeZone, time: format.format(new Date()) };
}

function diceOf(count: number): object {
  if (!Number.isInteger(count) || count < 1 || count > MOST_DICE) {
    throw new RangeError(`count must be a whole number from 1 to ${MOST_DICE}`);
  }
  const dice = Array.from({ length: count }, () => 1 + Math.floor(Math.random() * 6));
  return { dice, total: dice.reduce((total, each) => total + each, 0) };
}
