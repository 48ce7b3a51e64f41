// A user's program for the openai package of npm and the Assistants API: runs that are polled,
// streamed to an AssistantStream, and cancelled. The model echoes what it is told. Each section tells
// what the program saw and every answer that it got, as it came.

import { all, errorOf, main, recorder, shared } from "./reporting.mjs";

const { QUESTION, WEATHER } = shared;
const MODEL = process.env.MODEL;
const FAST = { pollIntervalMs: 20 };
const DEADLINE_MS = 20_000;

const { client, taken } = recorder();
const { assistants, threads } = client.beta;
const { runs } = threads;

const user = (content) => ({ role: "user", content });
const textOf = (message) => message.content.map((part) => part.text.value).join("");
const refusal = async (call) => (await errorOf(call)).message.replace(/^400 /, "");

async function begin(text) {
  const tools = [{ type: "function", function: WEATHER }];
  const assistant = await assistants.create({ model: MODEL, tools });
  const thread = await threads.create({ messages: [user(text)] });
  return [thread.id, assistant.id];
}

function outputsOf(run) {
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  return calls.map((call) => ({ tool_call_id: call.id, output: "sunny" }));
}

// Write down what a stream emits, in its order; what follows itself once.
function followed(stream) {
  const seen = { called: [], text: "", arguments: "" };
  const called = (name) => {
    if (seen.called.at(-1) !== name) seen.called.push(name);
  };
  stream
    .on("event", ({ event }) => {
      if (event.startsWith("thread.run.") && !event.includes(".step."))
        called(event.replace("thread.", ""));
    })
    .on("runStepCreated", (step) => called(`step created: ${step.type}`))
    .on("runStepDelta", () => called("step delta"))
    .on("runStepDone", (step) => called(`step ${step.status}: ${step.type}`))
    .on("toolCallCreated", (call) => called(`call created: ${call.function.name}`))
    .on("toolCallDelta", (delta) => (seen.arguments += delta.function.arguments ?? ""))
    .on("toolCallDone", (call) => called(`call done: ${call.function.arguments}`))
    .on("messageCreated", () => called("message created"))
    .on("messageDelta", () => called("message delta"))
    .on("messageDone", (message) => called(`message ${message.status}`))
    .on("textCreated", () => called("text created"))
    .on("textDelta", (delta) => (seen.text += delta.value ?? ""))
    .on("textDone", (text) => called(`text done: ${text.value}`))
    .on("end", () => called("end"));
  return seen;
}

const sections = {
  async handled() {
    const [thread_id, assistant_id] = await begin(QUESTION);
    const started = runs.stream(thread_id, { assistant_id });
    const first = followed(started);
    const run = await started.finalRun();
    const tool_outputs = outputsOf(run);
    const submitted = runs.submitToolOutputsStream(run.id, { thread_id, tool_outputs });
    const second = followed(submitted);
    const ended = await submitted.finalRun();
    return {
      first: first.called,
      arguments: first.arguments,
      second: second.called,
      text: second.text,
      final_messages: (await submitted.finalMessages()).map(textOf),
      final_steps: (await submitted.finalRunSteps()).map((step) => step.type),
      run: [ended.status, ended.required_action, ended.usage.total_tokens > 0],
      answers: taken(),
    };
  },

  async text_deltas() {
    const [thread_id, assistant_id] = await begin("Hello world");
    const created = runs.createAndStream(thread_id, { assistant_id });
    const first = followed(created);
    await created.done();
    const thread = { messages: [user("Good morning")] };
    const stream = threads.createAndRunStream({ assistant_id, thread });
    const names = (await all(stream)).map((each) => each.event);
    const whole = textOf((await stream.finalMessages())[0]);
    return { first: first.text, whole, names, answers: taken() };
  },

  async polled() {
    const [thread_id, assistant_id] = await begin(QUESTION);
    const waiting = await runs.createAndPoll(thread_id, { assistant_id }, FAST);
    const submitted = { thread_id, tool_outputs: outputsOf(waiting) };
    const run = await runs.submitToolOutputsAndPoll(waiting.id, submitted, FAST);
    const steps = await all(runs.steps.list(run.id, { thread_id, order: "asc", limit: 1 }));
    const step = await runs.steps.retrieve(steps[0].id, { thread_id, run_id: run.id });
    const changed = await runs.update(run.id, { thread_id, metadata: { seen: "yes" } });
    const thread = { messages: [user("Hello")] };
    const whole = await threads.createAndRunPoll({ assistant_id, thread }, FAST);
    const additional_messages = [user("And now?")];
    const body = { assistant_id, instructions: "Be kind.", additional_messages };
    const again = await runs.createAndPoll(thread_id, body, FAST);
    const listed = (await all(runs.list(thread_id, { limit: 1 }))).map((each) => each.id);
    const messages = (query) => all(threads.messages.list(thread_id, query));
    return {
      statuses: [waiting, run, whole, again].map((each) => each.status),
      steps: steps.map((each) => each.type),
      outputs: step.step_details.tool_calls.map((call) => call.function.output),
      metadata: changed.metadata,
      instructions: again.instructions,
      listed: listed.join() === [again.id, run.id].join(),
      texts: (await messages()).map(textOf),
      of_run: (await messages({ run_id: again.id })).map(textOf),
      answers: taken(),
    };
  },

  async cancelled() {
    const [thread_id, assistant_id] = await begin(QUESTION);
    let run = await runs.createAndPoll(thread_id, { assistant_id }, FAST);
    const tool_outputs = outputsOf(run);
    const refused = [
      await refusal(() => runs.create(thread_id, { assistant_id })),
      await refusal(() => threads.messages.create(thread_id, user("More"))),
    ];
    const deadline = Date.now() + DEADLINE_MS;
    run = await runs.cancel(run.id, { thread_id });
    while (run.status === "cancelling" && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      run = await runs.retrieve(run.id, { thread_id });
    }
    refused.push(await refusal(() => runs.submitToolOutputs(run.id, { thread_id, tool_outputs })));
    refused.push(await refusal(() => runs.cancel(run.id, { thread_id })));
    await threads.messages.create(thread_id, user("More"));
    const steps = (await all(runs.steps.list(run.id, { thread_id }))).map((step) => step.status);
    const named = (text) => text.replace(thread_id, "THREAD").replace(run.id, "RUN");
    return { status: run.status, steps, refused: refused.map(named), answers: taken() };
  },
};

await main(sections);
