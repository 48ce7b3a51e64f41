// Runs the named sections of a client program and prints one JSON report of what each saw.

import { readFileSync } from "node:fs";
import OpenAI from "openai";

export const shared = JSON.parse(readFileSync(process.env.SHARED_INPUTS, "utf8"));

// A client whose JSON answers are kept as they came; `taken` gives those since it was last called.
export function recorder() {
  let answers = [];
  async function keep(url, options) {
    const response = await fetch(url, options);
    if (response.headers.get("content-type") === "application/json") {
      const path = new URL(url).pathname.replace("/v1", "");
      const route = `${(options?.method ?? "GET").toUpperCase()} ${path}`;
      const answer = await response.clone().json();
      answers.push({ route, status: response.status, answer, faults: [] });
    }
    return response;
  }
  function taken() {
    const kept = answers;
    answers = [];
    return kept;
  }
  return { client: new OpenAI({ maxRetries: 0, timeout: 30_000, fetch: keep }), taken };
}

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
