/** Short notices that go away by themselves, and are read aloud. */

import { signal } from "@preact/signals";

interface Notice {
  id: number;
  text: string;
  isFault: boolean;
}

const SHOWN_MS = 6000;
const notices = signal<Notice[]>([]);
let last = 0;

/** Show a notice for some seconds. */
export function notify(text: string): void {
  show(text, false);
}

/** Show what went wrong for some seconds. */
export function notifyFault(text: string): void {
  show(text, true);
}

function show(text: string, isFault: boolean): void {
  const id = ++last;
  notices.value = [...notices.value, { id, text, isFault }];
  setTimeout(() => {
    notices.value = notices.value.filter((each) => each.id !== id);
  }, SHOWN_MS);
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {notices.value.map((each) => (
        <p key={each.id} class={each.isFault ? "toast wrong" : "toast"}>
          {each.text}
        </p>
      ))}
    </div>
  );
}
