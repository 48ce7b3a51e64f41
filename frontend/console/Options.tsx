/** Which model answers, and how it is asked. */

import { Button } from "../kit/parts/Button.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Field, Switch, TextField } from "../kit/parts/Field.tsx";
import { options } from "./conversation.ts";
import type { Options } from "./request.ts";
import { choices } from "./server.ts";
import { words } from "./words.ts";

function change(changed: Partial<Options>): void {
  options.value = { ...options.value, ...changed };
}

export function ModelChoice() {
  const say = words.value;
  const { models, instances } = choices.value ?? { models: [], instances: [] };
  return (
    <select
      class="model-choice"
      aria-label={say.model}
      value={options.value.model}
      onChange={(event) => change({ model: event.currentTarget.value })}
    >
      <option value="">{say.defaultModel}</option>
      <Group label={say.models} names={models} prefix="" />
      <Group label={say.instances} names={instances} prefix="instance:" />
    </select>
  );
}

function Group({ label, names, prefix }: { label: string; names: string[]; prefix: string }) {
  if (!names.length) return null;
  return (
    <optgroup label={label}>
      {names.map((name) => (
        <option key={name} value={prefix + name}>
          {name}
        </option>
      ))}
    </optgroup>
  );
}

export function OptionsDialog({ onClose }: { onClose: () => void }) {
  const say = words.value;
  const { instructions, temperature, hasFunctions } = options.value;
  return (
    <Dialog title={say.options} onClose={onClose}>
      <form class="form" method="dialog">
        <TextField
          label={say.instructions}
          hint={say.instructionsHint}
          rows={4}
          value={instructions}
          onInput={(event) => change({ instructions: event.currentTarget.value })}
        />
        <Field
          label={say.temperature}
          hint={say.temperatureHint}
          type="number"
          min="0"
          max="2"
          step="0.1"
          value={temperature}
          onInput={(event) => change({ temperature: event.currentTarget.value })}
        />
        <Switch
          label={say.functions}
          hint={say.functionsHint}
          isOn={hasFunctions}
          onChange={(isOn) => change({ hasFunctions: isOn })}
        />
        <div class="actions">
          <Button look="main" type="submit">
            {say.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
