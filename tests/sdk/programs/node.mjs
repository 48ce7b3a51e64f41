// A user's program for the openai package of npm: only environment variables say where the API is.
// Each section is one thing that programs do.

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, errorOf, main, shared } from "./reporting.mjs";

const { TEXTS, WEATHER, QUESTION, PERSON, ABOUT_A_PERSON } = shared;
const model = process.env.MODEL ?? "gpt-4o-mini";
const embeddingModel = process.env.EMBEDDING_MODEL ?? "text-embedding-3-small";
const tools = [{ type: "function", function: WEATHER }];
const client = new OpenAI({ maxRetries: 0, timeout: 30_000 });

const user = (text) => [{ role: "user", content: text }];
const ask = (text, options = {}) =>
  client.chat.completions.create({ model, messages: user(text), ...options });
const weatherIn = ({ city }) => ({ city, temperature_c: 21, sky: "clear" });
const choicesOf = (chunks) => chunks.flatMap((chunk) => chunk.choices);
const finishReasons = (choices) => choices.map((c) => c.finish_reason).filter(Boolean);
const eachText = async (look) =>
  Object.fromEntries(
    await Promise.all(Object.entries(TEXTS).map(async ([key, text]) => [key, await look(text)])),
  );

const sections = {
  chat: () => eachText((text) => ask(text)),

  stream: () =>
    eachText(async (text) => {
      const chunks = await all(ask(text, { stream: true }));
      const choices = choicesOf(chunks);
      return {
        plain: (await ask(text)).choices[0].message.content,
        streamed: choices.map((c) => c.delta.content ?? "").join(""),
        finish_reasons: finishReasons(choices),
        roles: choices.map((c) => c.delta.role).filter(Boolean),
        chunks: chunks.length,
      };
    }),

  async stream_usage() {
    const options = { stream: true, stream_options: { include_usage: true } };
    const chunks = await all(ask(TEXTS.en, options));
    const plain = (await ask(TEXTS.en)).usage;
    return { plain, usages: chunks.map((c) => c.usage ?? null), last: chunks.at(-1) };
  },

  async tools() {
    const first = await ask(QUESTION, { tools });
    const message = first.choices[0].message;
    const [call] = message.tool_calls;
    const content = JSON.stringify(weatherIn(JSON.parse(call.function.arguments)));
    const answered = { role: "tool", tool_call_id: call.id, content };
    const messages = [...user(QUESTION), message, answered];
    return { first, second: await client.chat.completions.create({ model, messages, tools }) };
  },

  async streamed_tools() {
    const choices = choicesOf(await all(ask(QUESTION, { tools, stream: true })));
    return {
      pieces: choices.flatMap((c) => c.delta.tool_calls ?? []),
      finish_reason: finishReasons(choices).at(-1),
    };
  },

  forced_tool: () =>
    ask("Say hello in Rome", {
      tools,
      tool_choice: { type: "function", function: { name: "get_weather" } },
    }),

  async functions() {
    const options = { functions: [WEATHER] };
    const first = await ask(QUESTION, { ...options, function_call: "auto" });
    const message = first.choices[0].message;
    const content = JSON.stringify(weatherIn(JSON.parse(message.function_call.arguments)));
    const answered = { role: "function", name: message.function_call.name, content };
    const messages = [...user(QUESTION), message, answered];
    const second = await client.chat.completions.create({ model, messages, ...options });
    const choices = choicesOf(await all(ask(QUESTION, { ...options, stream: true })));
    const calls = choices.map((c) => c.delta.function_call).filter(Boolean);
    const streamed = {
      name: calls.map((call) => call.name ?? "").join(""),
      arguments: calls.map((call) => call.arguments ?? "").join(""),
      finish_reasons: finishReasons(choices),
    };
    return { first, second, streamed };
  },

  async structured() {
    const json_schema = { name: "person", schema: PERSON, strict: true };
    const contentAs = async (response_format) =>
      (await ask(ABOUT_A_PERSON, { response_format })).choices[0].message.content;
    return {
      json_schema: await contentAs({ type: "json_schema", json_schema }),
      json_object: await contentAs({ type: "json_object" }),
    };
  },

  // Typed answers by zod, plain and streamed, and a tool whose arguments zod parses.
  async parse() {
    const Person = z.object({ name: z.string(), age: z.number().int() });
    const asked = {
      model,
      messages: user(ABOUT_A_PERSON),
      response_format: zodResponseFormat(Person, "person"),
    };
    const answers = [
      await client.chat.completions.parse(asked),
      await client.chat.completions.stream(asked).finalChatCompletion(),
    ];
    const called = await client.chat.completions.parse({
      model,
      messages: user(ABOUT_A_PERSON),
      tools: [zodFunction({ name: "person", parameters: Person })],
      tool_choice: "required",
    });
    return {
      parsed: answers.map((answer) => answer.choices[0].message.parsed),
      tool: called.choices[0].message.tool_calls.map((call) => call.function.parsed_arguments),
    };
  },

  // The helper that calls the tools by itself until there is an answer.
  async run_tools() {
    const runner = client.chat.completions.runTools({
      model,
      messages: user(QUESTION),
      tools: [{ type: "function", function: { ...WEATHER, function: weatherIn, parse: JSON.parse } }],
    });
    return runner.finalContent();
  },

  async embeddings() {
    const input = Object.values(TEXTS);
    const create = (options) => client.embeddings.create({ model: embeddingModel, ...options });
    const vectors = (answer) => answer.data.map((item) => Array.from(item.embedding));
    const byDefault = await create({ input });
    return {
      default: vectors(byDefault),
      float: vectors(await create({ input, encoding_format: "float" })),
      single: vectors(await create({ input: input[0] })),
      indexes: byDefault.data.map((item) => item.index),
      usage: byDefault.usage,
    };
  },

  async completions() {
    const asked = { model, prompt: TEXTS.en, max_tokens: 64 };
    const choices = choicesOf(await all(client.completions.create({ ...asked, stream: true })));
    return {
      plain: await client.completions.create(asked),
      streamed: choices.map((c) => c.text).join(""),
      finish_reasons: finishReasons(choices),
    };
  },

  async models() {
    const listed = await all(client.models.list());
    return { listed, retrieved: await Promise.all(listed.map((m) => client.models.retrieve(m.id))) };
  },

  async headers() {
    const { data, response } = await ask("Hello").withResponse();
    return { headers: Object.fromEntries(response.headers), parsed: data };
  },

  async in_parallel() {
    const plain = async (text) => (await ask(text)).choices[0].message.content;
    const streamed = async (text) =>
      choicesOf(await all(ask(text, { stream: true })))
        .map((c) => c.delta.content ?? "")
        .join("");
    return Promise.all([...Object.values(TEXTS).map(plain), streamed(TEXTS.en)]);
  },

  async cancel() {
    const chunks = await ask("Hello", { model: "scripted/paced-2000x10", stream: true });
    let seen = 0;
    for await (const _ of chunks) if (++seen === 3) break;
    return seen;
  },

  async errors() {
    const stranger = new OpenAI({ apiKey: "sk-wrong", maxRetries: 0 });
    return {
      "unknown model": await errorOf(() => ask("Hello", { model: "no-such-model" })),
      "bad value": await errorOf(() => ask("Hello", { temperature: 9 })),
      "no messages": await errorOf(() => ask("Hello", { messages: [] })),
      "wrong key": await errorOf(() =>
        stranger.chat.completions.create({ model, messages: user("Hello") }),
      ),
    };
  },

  one_error: () => errorOf(() => ask("Hello")),
  one_stream_error: () => errorOf(() => all(ask("Hello", { stream: true }))),
};

await main(sections);
