/** Asks before something is done that cannot be undone. */

import type { ComponentChildren } from "preact";
import { useSubmission } from "../submission.ts";
import { Button } from "./Button.tsx";
import { Dialog } from "./Dialog.tsx";
import { Fault } from "./Fault.tsx";
import { words } from "./words.ts";

interface Props {
  title: string;
  /** What the button says that does it. */
  deed: string;
  look: "main" | "danger";
  /** Do it; the dialog shows what goes wrong. */
  act: () => Promise<void>;
  /** Say what went wrong. */
  toldOf: (error: unknown) => string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Confirmation({ title, deed, look, act, toldOf, onClose, children }: Props) {
  const { isBusy, error, onSubmit, form } = useSubmission(act);
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="form" ref={form} onSubmit={onSubmit}>
        {children}
        <Fault text={error === null ? null : toldOf(error)} />
        <div class="actions">
          <Button onClick={onClose}>{words.value.cancel}</Button>
          <Button look={look} type="submit" disabled={isBusy}>
            {deed}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
