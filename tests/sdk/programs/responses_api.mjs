// A user's program for the openai package of npm and the Responses API. The model echoes what it is
// told. Each section tells what the program saw and every answer that it got, as it came.

import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, errorOf, main, recorder, shared } from "./reporting.mjs";

const { ABOUT_A_PERSON, QUESTION, WEATHER } = shared;
const MODEL = process.env.MODEL;
const FUNCTION = { type: "function", strict: true, ...WEATHER };
const Person = z.object({ name: z.string(), age: z.number().int() });
const City = z.object({ city: z.string() });
const DEADLINE_MS = 20_000;

const { client, taken } = recorder();
const { conversations, responses } = client;

const user = (content) => ({ role: "user", content });
const textsOf = (item) => item.content.map((part) => part.text);
const outputsOf = ({ output }) =>
  output
    .filter((item) => item.type === "function_call")
    .map(({ call_id }) => ({ type: "function_call_output", call_id, output: "sunny" }));
const refused = async (call) => {
  const { status, code, param } = await errorOf(call);
  return [status, code, param];
};

const sections = {
  async plain() {
    const input = [user("One"), user("Hello")];
    const made = await responses.create({ model: MODEL, input, metadata: { order: "7" } });
    const read = await responses.retrieve(made.id);
    const pages = responses.inputItems.list(made.id, { limit: 1, order: "asc" });
    const inputs = (await all(pages)).map(textsOf);
    await responses.delete(made.id);
    return {
      texts: [made.output_text, read.output_text],
      inputs,
      gone: await refused(() => responses.retrieve(made.id)),
      answers: taken(),
    };
  },

  async parsed() {
    const text = { format: zodTextFormat(Person, "person") };
    const asked = { model: MODEL, input: ABOUT_A_PERSON, text };
    const plain = await responses.parse(asked);
    const streamed = await responses.stream(asked).finalResponse();
    const tools = [zodResponsesFunction({ name: "get_weather", parameters: City })];
    const called = await responses.parse({ model: MODEL, input: QUESTION, tools });
    return {
      parsed: [plain.output_parsed, streamed.output_parsed],
      arguments: called.output[0].parsed_arguments,
      answers: taken(),
    };
  },

  async functions() {
    const asked = { model: MODEL, tools: [FUNCTION] };
    const stream = responses.stream({ ...asked, input: QUESTION });
    let pieces = "";
    stream.on("response.function_call_arguments.delta", ({ delta }) => (pieces += delta));
    const first = await stream.finalResponse();
    const input = outputsOf(first);
    const kept = await responses.create({ ...asked, input, previous_response_id: first.id });
    const question = user(QUESTION);
    const alone = { ...asked, store: false };
    const second = await responses.create({ ...alone, input: [question] });
    const sent = [question, ...second.output, ...outputsOf(second)];
    const resent = await responses.create({ ...alone, input: sent });
    return {
      arguments: [pieces, first.output[0].arguments, second.output[0].arguments],
      texts: [kept.output_text, resent.output_text],
      answers: taken(),
    };
  },

  async background() {
    const asked = { model: MODEL, input: "One two three four", background: true };
    let polled = await responses.create(asked);
    const deadline = Date.now() + DEADLINE_MS;
    while (["queued", "in_progress"].includes(polled.status) && Date.now() < deadline)
      polled = await responses.retrieve(polled.id);
    const first = [];
    let id;
    for await (const event of await responses.create({ ...asked, stream: true })) {
      id ??= event.response.id;
      first.push(event.sequence_number);
      if (first.length === 6) break;
    }
    const stream = responses.stream({ response_id: id, starting_after: first.at(-1) });
    const rest = [];
    stream.on("event", ({ sequence_number }) => rest.push(sequence_number));
    const resumed = await stream.finalResponse();
    const paced = { ...asked, model: process.env.PACED_MODEL };
    const cancelled = await responses.cancel((await responses.create(paced)).id);
    return {
      statuses: [polled.status, cancelled.status],
      first,
      rest: [rest[0], rest.every((number, n) => number === rest[0] + n)],
      texts: [polled.output_text, resumed.output_text],
      answers: taken(),
    };
  },

  async conversations() {
    const { items } = conversations;
    const said = { type: "message", ...user("I am Ana.") };
    const made = await conversations.create({ metadata: { guest: "42" }, items: [said] });
    const inIt = { conversation_id: made.id };
    await responses.create({ model: MODEL, input: "Hello", conversation: made.id });
    const listed = await all(items.list(made.id, { order: "asc", limit: 2 }));
    const added = await items.create(made.id, { items: [{ ...said, content: "Thank you" }] });
    const read = await items.retrieve(added.data[0].id, inIt);
    await items.delete(read.id, inIt);
    const changed = await conversations.update(made.id, { metadata: { guest: "43" } });
    const left = (await all(items.list(made.id))).length;
    const { deleted } = await conversations.delete(made.id);
    return {
      listed: listed.map(textsOf),
      read: textsOf(read),
      left,
      metadata: changed.metadata,
      deleted,
      gone: await refused(() => conversations.retrieve(made.id)),
      answers: taken(),
    };
  },

  async counted() {
    const first = await responses.create({ model: MODEL, input: "My name is Ana." });
    const asked = { model: MODEL, input: "Hello" };
    const short = await responses.inputTokens.count(asked);
    const after = { ...asked, previous_response_id: first.id };
    const more = await responses.inputTokens.count(after);
    const compacted = await responses.compact({ model: MODEL, previous_response_id: first.id });
    const again = await responses.create({
      model: MODEL,
      input: [...compacted.output, user("Go on")],
    });
    return {
      is_more: 0 < short.input_tokens && short.input_tokens < more.input_tokens,
      items: compacted.output.map((item) => item.type),
      text: again.output_text,
      answers: taken(),
    };
  },
};

await main(sections);
