// A user's program for the audio of the openai package of npm.

import { createReadStream } from "node:fs";
import OpenAI, { toFile } from "openai";
import { errorOf, main } from "./reporting.mjs";

const client = new OpenAI({ maxRetries: 0, timeout: 60_000 });
const { speech, transcriptions, translations } = client.audio;
const recording = () => createReadStream(process.env.RECORDING);
const inBase64 = async (answer) => Buffer.from(await answer.arrayBuffer()).toString("base64");

const sections = {
  async speak() {
    const files = {};
    for (const response_format of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
      const asked = { model: "tts-1", voice: "alloy", input: "Good morning, how are you?" };
      files[response_format] = await inBase64(await speech.create({ ...asked, response_format }));
    }
    return { files };
  },

  transcribe: async () =>
    (await transcriptions.create({ model: "whisper-1", file: recording() })).text,

  async stream_transcript() {
    const asked = { model: "gpt-4o-transcribe", file: recording(), stream: true };
    const events = [];
    for await (const event of await transcriptions.create(asked)) events.push(event);
    return { events };
  },

  async errors() {
    const empty = await toFile(Buffer.alloc(0), "empty.mp3");
    const seen = {
      voice: await errorOf(() => speech.create({ model: "tts-1", voice: "nobody", input: "Hi" })),
      file: await errorOf(() => transcriptions.create({ model: "whisper-1", file: empty })),
      model: await errorOf(() => translations.create({ model: "whisper-1", file: recording() })),
    };
    const told = Object.entries(seen).map(([name, e]) => [name, [e.class, e.status, e.param]]);
    return Object.fromEntries(told);
  },
};

await main(sections);
