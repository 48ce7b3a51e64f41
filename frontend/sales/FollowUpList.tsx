/** Follow-up tasks: of one contact, where more can be added, or of all. */

import { useSignal } from "@preact/signals";
import { useLoaded } from "../kit/loaded.ts";
import { Button, IconButton } from "../kit/parts/Button.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { Field, TextField } from "../kit/parts/Field.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { linkTo } from "../kit/route.ts";
import { useSubmission } from "../kit/submission.ts";
import { toldBeside, toldOf, toldOfField } from "./faults.ts";
import {
  changeFollowUp,
  createFollowUp,
  deleteFollowUp,
  listFollowUps,
  type FollowUp,
  type Shown,
  type Task,
} from "./followUps.ts";
import { words } from "./words.ts";
import { day } from "./written.ts";

interface Props {
  show: Shown;
  /** Null: those of every contact. */
  contactId: number | null;
}

export function FollowUpList({ show, contactId }: Props) {
  const say = words.value;
  const dialog = useSignal<FollowUp | "new" | null>(null);
  const { value, error, reload } = useLoaded(
    (signal) => listFollowUps(show, contactId, signal),
    `${show} ${contactId}`,
  );
  async function change(act: () => Promise<unknown>) {
    try {
      await act();
    } catch (failure) {
      notifyFault(toldOf(failure));
    }
    await reload();
  }
  async function save(task: Task) {
    const shown = dialog.value;
    if (shown === "new" && contactId !== null) await createFollowUp(contactId, task);
    else if (shown !== null && shown !== "new") await changeFollowUp(shown.id, task);
    dialog.value = null;
    await reload();
  }
  return (
    <>
      <Fault text={toldBeside(error)} />
      {value?.length === 0 && <p class="soft">{say.noFollowUps}</p>}
      <ul class="tasks">
        {value?.map((each) => (
          <TaskRow
            key={each.id}
            followUp={each}
            isNamed={contactId === null}
            onTick={(isDone) => void change(() => changeFollowUp(each.id, { is_done: isDone }))}
            onEdit={() => (dialog.value = each)}
            onDelete={() => void change(() => deleteFollowUp(each.id))}
          />
        ))}
      </ul>
      {contactId !== null && (
        <div>
          <Button icon="plus" onClick={() => (dialog.value = "new")}>
            {say.addFollowUp}
          </Button>
        </div>
      )}
      {dialog.value && (
        <Dialog
          title={dialog.value === "new" ? say.addFollowUp : say.editFollowUp}
          onClose={() => (dialog.value = null)}
        >
          <TaskForm task={dialog.value === "new" ? null : dialog.value} act={save} />
        </Dialog>
      )}
    </>
  );
}

interface RowProps {
  followUp: FollowUp;
  /** It says whose it is. */
  isNamed: boolean;
  onTick: (isDone: boolean) => void;
  onEdit: () => void;
  onDelete: () => void;
}

function TaskRow({ followUp, isNamed, onTick, onEdit, onDelete }: RowProps) {
  const say = words.value;
  const { task, due_on, done_at, contact_id, contact_name, created_by } = followUp;
  return (
    <li class={done_at ? "done" : ""}>
      <label>
        <input
          type="checkbox"
          checked={done_at !== null}
          onChange={(event) => onTick(event.currentTarget.checked)}
        />
        <span>{task}</span>
      </label>
      <p class="soft">
        <time dateTime={due_on}>{day(due_on)}</time>
        {isNamed && (
          <>
            {" · "}
            <a href={linkTo("contacts", String(contact_id))}>{contact_name}</a>
          </>
        )}
        {created_by === "agent" && ` · ${say.byAgent}`}
      </p>
      <div class="task-actions">
        <IconButton icon="edit" label={say.editTask(task)} onClick={onEdit} />
        <IconButton icon="trash" label={say.deleteTask(task)} onClick={onDelete} />
      </div>
    </li>
  );
}

function TaskForm({ task, act }: { task: FollowUp | null; act: (task: Task) => Promise<void> }) {
  const say = words.value;
  const dueOn = useSignal(task?.due_on ?? "");
  const text = useSignal(task?.task ?? "");
  const { isBusy, error, onSubmit, form } = useSubmission(() =>
    act({ due_on: dueOn.value, task: text.value }),
  );
  return (
    <form class="form" ref={form} onSubmit={onSubmit} noValidate>
      <Field
        label={say.dueOn}
        type="date"
        value={dueOn.value}
        error={toldOfField(error, "due_on")}
        onInput={(event) => (dueOn.value = event.currentTarget.value)}
      />
      <TextField
        label={say.task}
        rows={3}
        maxLength={1000}
        value={text.value}
        error={toldOfField(error, "task")}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      <Fault text={toldBeside(error, ["due_on", "task"])} />
      <div class="actions">
        <Button look="main" type="submit" disabled={isBusy}>
          {say.save}
        </Button>
      </div>
    </form>
  );
}
