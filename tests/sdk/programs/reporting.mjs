// Runs the named sections of a client program and prints one JSON report of what each saw.

import { readFileSync } from "node:fs";
import OpenAI from "openai";

export const shared = JSON.parse(readFileSync(process.env.SHARED_INPUTS, "utf8"));

// What an iterable yields, or the promise of one.
export async function all(iterable) {
  const items = [];
  for await (const item of await iterable) items.push(item);
  return items;
}

// What the package made of an error of the API; the answer, if there was none.
export async function errorOf(call) {
  try {
    return { class: null, answer: await call() };
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    const { status = null, message, param = null, code = null } = error;
    return { class: error.constructor.name, status, message, param, code };
  }
}

// Run the sections named on the command line; one that throws reports its stack.
export async function main(sections) {
  const report = {};
  for (const name of process.argv.slice(2)) {
    try {
      report[name] = await sections[name]();
    } catch (error) {
      report[name] = { raised: error.stack };
    }
  }
  console.log(JSON.stringify(report));
}
