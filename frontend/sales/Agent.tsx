/** The agent: how it asks its model, whether that answers, what it knows, and where it stands. */

import { useSignal } from "@preact/signals";
import { useLoaded } from "../kit/loaded.ts";
import { LANGUAGES } from "../kit/languages.ts";
import { Button } from "../kit/parts/Button.tsx";
import { Card } from "../kit/parts/Card.tsx";
import { CodeBlock } from "../kit/parts/CodeBlock.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field, SelectField } from "../kit/parts/Field.tsx";
import { notify, notifyFault } from "../kit/parts/Toast.tsx";
import { useSubmission } from "../kit/submission.ts";
import {
  getConfiguration,
  resetConfiguration,
  saveConfiguration,
  type AgentConfiguration,
} from "./agent.ts";
import { agentWords } from "./agentWords.ts";
import { toldBeside, toldOf, toldOfField } from "./faults.ts";
import { health, loadHealth } from "./health.ts";
import { CheckNow } from "./HealthBanner.tsx";
import { Knowledge } from "./Knowledge.tsx";
import { labelOf } from "./labels.ts";
import { words } from "./words.ts";
import { moment } from "./written.ts";

export function Agent() {
  const say = agentWords.value;
  const { value, error, reload } = useLoaded(getConfiguration, "");
  async function reset() {
    try {
      await resetConfiguration();
      notify(agentWords.value.configurationReset);
      await reload();
      await loadHealth();
    } catch (failure) {
      notifyFault(toldOf(failure));
    }
  }
  return (
    <main class="scrolling">
      <div class="scrolling-inside wide">
        <h1>{words.value.agent}</h1>
        <Fault text={toldBeside(error)} />
        <div class="columns">
          <Card title={say.configuration}>
            {value && (
              <ConfigurationForm key={JSON.stringify(value)} configuration={value} onReset={reset} />
            )}
          </Card>
          <div class="column">
            <HealthCard />
            <Card title={say.widget}>
              <p class="soft">{say.widgetAbout}</p>
              <CodeBlock code={scriptTag()} language="html" />
              <p>
                <a href="widget/" target="_blank" rel="noopener">
                  {say.widgetTry}
                </a>
              </p>
            </Card>
          </div>
        </div>
        <Knowledge />
      </div>
    </main>
  );
}

const TYPED = [
  { name: "model", inputMode: "text" },
  { name: "temperature", inputMode: "decimal" },
  { name: "top_p", inputMode: "decimal" },
  { name: "max_tokens", inputMode: "numeric" },
] as const;

interface FormProps {
  configuration: AgentConfiguration;
  onReset: () => Promise<void>;
}

function ConfigurationForm({ configuration, onReset }: FormProps) {
  const say = agentWords.value;
  const now = useSignal<Record<keyof AgentConfiguration, string>>({
    model: configuration.model,
    temperature: String(configuration.temperature),
    top_p: String(configuration.top_p),
    max_tokens: String(configuration.max_tokens),
    language: configuration.language,
  });
  const { isBusy, error, onSubmit, form } = useSubmission(async () => {
    const { temperature, top_p, max_tokens } = now.value;
    await saveConfiguration({
      ...now.value,
      temperature: numberIn(temperature),
      top_p: numberIn(top_p),
      max_tokens: numberIn(max_tokens),
    });
    notify(agentWords.value.configurationKept);
    await loadHealth();
  });
  return (
    <form class="form" ref={form} onSubmit={onSubmit} noValidate>
      {TYPED.map(({ name, inputMode }) => (
        <Field
          key={name}
          label={say[name]}
          hint={say[`${name}_hint`]}
          inputMode={inputMode}
          autocomplete="off"
          spellcheck={false}
          value={now.value[name]}
          error={toldOfField(error, name)}
          onInput={(event) => (now.value = { ...now.value, [name]: event.currentTarget.value })}
        />
      ))}
      <SelectField
        label={say.language}
        value={now.value.language}
        error={toldOfField(error, "language")}
        onChange={(event) => (now.value = { ...now.value, language: event.currentTarget.value })}
      >
        <option value="auto">{say.languageAuto}</option>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </SelectField>
      <Fault text={toldBeside(error, [...TYPED.map(({ name }) => name as string), "language"])} />
      <div class="actions">
        <Button onClick={() => void onReset()}>{say.toSettings}</Button>
        <Button look="main" type="submit" disabled={isBusy}>
          {words.value.save}
        </Button>
      </div>
    </form>
  );
}

/** Return the number that was typed, with a point or a comma; else the text, to be refused. */
function numberIn(typed: string): number | string {
  const read = Number(typed.trim().replace(",", "."));
  return typed.trim() === "" || Number.isNaN(read) ? typed : read;
}

function HealthCard() {
  const say = agentWords.value;
  const now = health.value;
  return (
    <Card title={say.health}>
      {now && (
        <dl class="facts">
          <dt>{say.state}</dt>
          <dd>
            <span class={`mark ${now.status}`}>
              {now.since === null ? say.untried : say[`status_${now.status}`]}
            </span>
          </dd>
          <dt>{say.model}</dt>
          <dd>{now.model}</dd>
          <dt>{say.answeredBy}</dt>
          <dd>{now.answered_by ?? "–"}</dd>
          <dt>{say.server}</dt>
          <dd>{now.base_url}</dd>
          {now.since !== null && (
            <>
              <dt>{say.since}</dt>
              <dd>{moment(now.since)}</dd>
            </>
          )}
          <dt>Telegram</dt>
          <dd>{labelOf("telegram", now.telegram)}</dd>
        </dl>
      )}
      <CheckNow />
    </Card>
  );
}

function scriptTag(): string {
  return `<script src="${new URL("widget.js", document.baseURI).href}" async></script>`;
}
