// A user's program for the openai package of npm that keeps things on the server: files, uploads,
// vector stores, chat completions. Each section tells what the program saw and every answer that it
// got, as it came.

import { createHash } from "node:crypto";
import { createReadStream, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toFile } from "openai";
import { all, errorOf, main, recorder, shared } from "./reporting.mjs";

const { CAT, DOG } = shared;
const HERE = fileURLToPath(import.meta.url);
const PICTURE = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(64)]);
const DAYS = { anchor: "last_active_at", days: 2 };
const STATIC = {
  type: "static",
  static: { max_chunk_size_tokens: 200, chunk_overlap_tokens: 50 },
};

const { client, taken } = recorder();
const { files, uploads, vectorStores } = client;
const chats = client.chat.completions;

const ids = async (pages) => (await all(pages)).map((each) => each.id);
const sending = (name, content) => toFile(Buffer.from(content), name);
const send = async (name, content) =>
  files.create({ file: await sending(name, content), purpose: "assistants" });
const refused = async (call) => {
  const { class: name, status } = await errorOf(call);
  return { class: name, status };
};

async function sent(count) {
  const made = [];
  for (let n = 0; n < count; n++) made.push((await send(`${n}.txt`, `This is text number ${n}.`)).id);
  return made;
}

// Delete each object while the list of them is followed from page to page.
async function deletedOf(pages, del) {
  const deleted = [];
  for await (const each of pages) if ((await del(each.id)).deleted) deleted.push(each.id);
  return deleted;
}

const sections = {
  async files() {
    const made = await sent(4);
    const fromDisk = { file: createReadStream(HERE), purpose: "fine-tune" };
    made.push((await files.create(fromDisk)).id);
    return {
      made,
      content: await (await files.content(made[0])).text(),
      listed: await ids(files.list({ limit: 2 })),
      chosen: await ids(files.list({ purpose: "fine-tune" })),
      retrieved: (await files.retrieve(made.at(-1))).filename,
      waited: (await files.waitForProcessing(made[0])).status,
      deleted: await deletedOf(files.list({ limit: 2 }), (id) => files.delete(id)),
      left: await ids(files.list()),
      missing: await refused(() => files.retrieve(made[0])),
    };
  },

  async expiring_file() {
    const made = await files.create({
      file: await sending("día.txt", "hola"),
      purpose: "user_data",
      expires_after: { anchor: "created_at", seconds: 3600 },
    });
    return { filename: made.filename, lives_s: made.expires_at - made.created_at };
  },

  // The package of npm cuts no file by itself: the program does.
  async uploads() {
    const data = Buffer.from(Array.from({ length: 5120 }, (_, n) => n % 256));
    const begun = { purpose: "assistants", mime_type: "application/octet-stream" };
    const upload = await uploads.create({ filename: "día.bin", bytes: data.length, ...begun });
    const part = async (id, bytes) =>
      (await uploads.parts.create(id, { data: await sending("part", bytes) })).id;
    const second = await part(upload.id, data.subarray(3000));
    const first = await part(upload.id, data.subarray(0, 3000));
    const done = await uploads.complete(upload.id, {
      part_ids: [first, second],
      md5: createHash("md5").update(data).digest("hex"),
    });
    const content = async (id) => Buffer.from(await (await files.content(id)).arrayBuffer());
    const whole = readFileSync(HERE);
    const cut = await uploads.create({ filename: "cut.mjs", bytes: whole.length, ...begun });
    const parts = [];
    for (let start = 0; start < whole.length; start += 1000)
      parts.push(await part(cut.id, whole.subarray(start, start + 1000)));
    const joined = await uploads.complete(cut.id, { part_ids: parts });
    const givenUp = await uploads.create({ filename: "a", bytes: 1, ...begun });
    const cancelled = await uploads.cancel(givenUp.id);
    return {
      statuses: [upload.status, done.status, cancelled.status],
      filename: done.file.filename,
      is_whole: (await content(done.file.id)).equals(data),
      is_cut_whole: (await content(joined.file.id)).equals(whole),
      ended: await refused(() => part(cancelled.id, "a")),
    };
  },

  async stores() {
    const made = [];
    for (let n = 0; n < 5; n++) {
      const named = { name: `store ${n}`, metadata: { n: `${n}` }, expires_after: DAYS };
      made.push(await vectorStores.create(named));
    }
    const changes = { name: "new", metadata: { a: "b" } };
    const changed = await vectorStores.update(made[0].id, changes);
    const between = { order: "asc", after: made[0].id, before: made[3].id };
    return {
      made: made.map((store) => store.id),
      lives_s: made[0].expires_at - made[0].last_active_at,
      changed: [changed.name, changed.metadata, changed.expires_after.days],
      listed: await ids(vectorStores.list({ limit: 2 })),
      ascending: await ids(vectorStores.list({ limit: 2, order: "asc" })),
      between: (await vectorStores.list(between)).data.map((store) => store.id),
      deleted: await deletedOf(vectorStores.list({ limit: 2 }), (id) => vectorStores.delete(id)),
      left: await ids(vectorStores.list()),
      missing: await refused(() => vectorStores.retrieve(made[0].id)),
    };
  },

  async store_files() {
    const store = (await vectorStores.create({})).id;
    const at = { vector_store_id: store };
    const inside = vectorStores.files;
    const cat = await inside.uploadAndPoll(store, await sending("cat.txt", CAT));
    const picture = await inside.uploadAndPoll(store, await sending("no.png", PICTURE));
    const [more, ...others] = await sent(3);
    const cutSo = { file_id: more, chunking_strategy: STATIC };
    const fixed = await inside.createAndPoll(store, cutSo);
    for (const id of others) await inside.createAndPoll(store, { file_id: id });
    const counts = (await vectorStores.retrieve(store)).file_counts;
    return {
      made: [cat.id, picture.id, more, ...others],
      statuses: [cat.status, picture.status, fixed.status],
      reason: picture.last_error.code,
      strategy: fixed.chunking_strategy,
      counts: [counts.total, counts.completed, counts.failed],
      failed: await ids(inside.list(store, { filter: "failed" })),
      listed: await ids(inside.list(store, { limit: 2 })),
      deleted: await deletedOf(inside.list(store, { limit: 2 }), (id) => inside.delete(id, at)),
      left: await ids(inside.list(store)),
      kept: (await files.retrieve(cat.id)).filename,
      missing: await refused(() => inside.retrieve(cat.id, at)),
    };
  },

  async batches() {
    const store = (await vectorStores.create({})).id;
    const at = { vector_store_id: store };
    const together = vectorStores.fileBatches;
    const old = await sent(2);
    const named = { "cat.txt": CAT, "dog.txt": DOG, "no.png": PICTURE };
    const uploads = await Promise.all(Object.entries(named).map((each) => sending(...each)));
    const done = await together.uploadAndPoll(store, { files: uploads, fileIds: old });
    const byIds = await together.createAndPoll(store, { file_ids: await sent(2) });
    const givenUp = await together.create(store, { file_ids: await sent(1) });
    const cancelled = await together.cancel(givenUp.id, at);
    return {
      old,
      status: (await together.retrieve(done.id, at)).status,
      counts: done.file_counts,
      listed: await ids(together.listFiles(done.id, { ...at, limit: 2 })),
      failed: (await ids(together.listFiles(done.id, { ...at, filter: "failed" }))).length,
      named: byIds.file_counts.completed,
      given_up: [cancelled.status, cancelled.file_counts.total],
    };
  },

  async search() {
    const store = (await vectorStores.create({})).id;
    const at = { vector_store_id: store };
    const [cat, dog] = [(await send("cat.txt", CAT)).id, (await send("dog.txt", DOG)).id];
    await vectorStores.fileBatches.createAndPoll(store, {
      files: [
        { file_id: cat, attributes: { year: 2021, pet: true, name: "Misi" } },
        { file_id: dog, attributes: { year: 2022.5 } },
      ],
    });
    const found = async (query, options = {}) =>
      (await all(vectorStores.search(store, { query, ...options }))).map((each) => each.filename);
    const [first] = await all(vectorStores.search(store, { query: "Where does the cat sleep?" }));
    const older = { type: "lt", key: "year", value: 2022 };
    const named = { type: "in", key: "name", value: ["Misi", "Rex"] };
    const both = { type: "and", filters: [older, named] };
    const ranking = { ranker: "default-2024-11-15", score_threshold: 0.99 };
    const two = ["cat", "dog"];
    const inside = vectorStores.files;
    const isScore = first.score > 0 && first.score <= 1;
    return {
      first: [first.filename, first.content[0].text, first.attributes, isScore],
      several: (await found(two, { rewrite_query: true })).sort(),
      one: (await found(two, { max_num_results: 1 })).length,
      older: await found(two, { filters: older }),
      both: await found(two, { filters: both }),
      over_threshold: await found("cat moon submarine", { ranking_options: ranking }),
      changed: (await inside.update(dog, { ...at, attributes: { year: 2000 } })).attributes,
      after_change: (await found(two, { filters: older })).sort(),
      text: (await all(inside.content(cat, at))).map((part) => part.text),
      wrong: await refused(() => found("cat", { max_num_results: 51 })),
    };
  },

  async stored_chats() {
    const made = [];
    for (let n = 0; n < 5; n++) {
      const system = { role: "system", content: "Be brief." };
      const messages = [system, { role: "user", content: `Hello ${n}` }];
      const metadata = { n: `${n % 2}`, shop: "A & B" };
      made.push(await chats.create({ model: "gpt-4o-mini", messages, store: true, metadata }));
    }
    const wanted = { metadata: { n: "1", shop: "A & B" }, limit: 1 };
    const first = await chats.retrieve(made[0].id);
    const isSame = first.choices[0].message.content === made[0].choices[0].message.content;
    return {
      made: made.map((each) => each.id),
      odd: await ids(chats.list(wanted)),
      listed: await ids(chats.list({ limit: 2 })),
      is_same: isSame,
      changed: await chats
        .update(made[0].id, { metadata: { seen: "yes" } })
        .then((changed) => [changed.id, changed.metadata]),
      messages: (await all(chats.messages.list(made[1].id, { limit: 1 }))).map((message) => [
        message.role,
        message.content,
      ]),
      deleted: await deletedOf(chats.list({ limit: 2 }), (id) => chats.delete(id)),
      left: await ids(chats.list()),
      missing: await refused(() => chats.retrieve(made[0].id)),
    };
  },
};

// Each section also tells every answer that it got.
const recorded = (section) => async () => {
  const saw = await section();
  return { saw, answers: taken() };
};
await main(
  Object.fromEntries(Object.entries(sections).map(([name, section]) => [name, recorded(section)])),
);
