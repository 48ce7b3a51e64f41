/** The data files that say what the agent knows and how it speaks, to be edited here. */

import { useSignal } from "@preact/signals";
import { useLoaded } from "../kit/loaded.ts";
import { Button } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { SelectField, TextField } from "../kit/parts/Field.tsx";
import { notify } from "../kit/parts/Toast.tsx";
import { useSubmission } from "../kit/submission.ts";
import { listFiles, readFile, saveFile } from "./agent.ts";
import { agentWords } from "./agentWords.ts";
import { toldBeside, toldOfField } from "./faults.ts";
import { words } from "./words.ts";

export function Knowledge() {
  const say = agentWords.value;
  const { value: names, error } = useLoaded(listFiles, "");
  const chosen = useSignal("");
  return (
    <Card title={say.knowledge}>
      <p class="soft">{say.knowledgeAbout}</p>
      <Fault text={toldBeside(error)} />
      <SelectField
        label={say.file}
        value={chosen.value}
        onChange={(event) => (chosen.value = event.currentTarget.value)}
      >
        <option value="">{say.chooseFile}</option>
        {names?.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </SelectField>
      {chosen.value && <FileForm key={chosen.value} name={chosen.value} />}
    </Card>
  );
}

function FileForm({ name }: { name: string }) {
  const { value, error } = useLoaded((signal) => readFile(name, signal), name);
  return (
    <>
      <Fault text={toldBeside(error)} />
      {value !== null && <Editor name={name} text={value} />}
    </>
  );
}

function Editor({ name, text }: { name: string; text: string }) {
  const say = agentWords.value;
  const now = useSignal(text);
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    await saveFile(name, now.value);
    notify(agentWords.value.fileKept(name));
  });
  return (
    <form class="form" ref={form} onSubmit={onSubmit}>
      <TextField
        label={say.contentOf(name)}
        class="source"
        rows={18}
        spellcheck={false}
        value={now.value}
        error={toldOfField(error, "text")}
        onInput={(event) => (now.value = event.currentTarget.value)}
      />
      <Fault text={toldBeside(error, ["text"])} />
      <div class="actions">
        <Button look="main" type="submit" disabled={isBusy}>
          {words.value.save}
        </Button>
      </div>
    </form>
  );
}
