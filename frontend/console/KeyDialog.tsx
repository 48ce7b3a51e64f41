/** Asks for a key of the server, for as long as the window is open. */

import { useSignal } from "@preact/signals";
import { Button } from "../kit/parts/Button.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Field } from "../kit/parts/Field.tsx";
import { key, keyWanted, loadChoices, toldOf } from "./server.ts";
import { words } from "./words.ts";

export function KeyDialog() {
  const say = words.value;
  const text = useSignal("");
  const isRefused = key.value !== null;
  async function use(event: Event) {
    event.preventDefault();
    if (!text.value.trim()) return;
    key.value = text.value.trim();
    try {
      await loadChoices();
      keyWanted.value = null;
    } catch (error) {
      keyWanted.value = toldOf(error);
    }
  }
  return (
    <Dialog title={say.keyTitle} onClose={() => (keyWanted.value = null)}>
      <form class="form" onSubmit={use}>
        <Field
          label={say.key}
          hint={say.keyHint}
          error={isRefused ? keyWanted.value : null}
          type="password"
          autocomplete="off"
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
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
