/** Imports contacts from a table, and reports what became of its lines. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Button } from "../kit/parts/Button.tsx";
import { Dialog } from "../kit/parts/Dialog.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { importContacts, type ImportReport } from "./contacts.ts";
import { toldOf } from "./faults.ts";
import { words } from "./words.ts";
import { count } from "./written.ts";

export function ImportButton({ onDone }: { onDone: () => void }) {
  const say = words.value;
  const input = useRef<HTMLInputElement>(null);
  const isBusy = useSignal(false);
  const report = useSignal<ImportReport | null>(null);
  async function read(file: File | undefined) {
    if (!file) return;
    isBusy.value = true;
    try {
      report.value = await importContacts(file);
      onDone();
    } catch (error) {
      notifyFault(toldOf(error));
    } finally {
      isBusy.value = false;
      // The same file can be chosen again, once it is mended.
      input.current!.value = "";
    }
  }
  return (
    <>
      <input
        ref={input}
        hidden
        type="file"
        accept=".csv,.tsv,.txt,text/csv"
        aria-label={say.importFile}
        onChange={(event) => void read(event.currentTarget.files?.[0])}
      />
      <Button disabled={isBusy.value} onClick={() => input.current?.click()}>
        {say.importCsv}
      </Button>
      {report.value && <Report report={report.value} onClose={() => (report.value = null)} />}
    </>
  );
}

function Report({ report, onClose }: { report: ImportReport; onClose: () => void }) {
  const say = words.value;
  const { imported, bad_lines: badLines, ignored_columns: ignored } = report;
  return (
    <Dialog title={say.importTitle} onClose={onClose}>
      <p>{say.imported(count(imported))}</p>
      {ignored.length > 0 && <p class="soft">{say.ignored(ignored.join(", "))}</p>}
      {badLines.length > 0 && (
        <>
          <p>{say.leftOut(count(badLines.length))}</p>
          <ul class="bad-lines">
            {badLines.map(({ line, reason }) => (
              <li key={line}>{say.line(count(line), reason)}</li>
            ))}
          </ul>
        </>
      )}
      <div class="actions">
        <Button look="main" onClick={onClose}>
          {say.done}
        </Button>
      </div>
    </Dialog>
  );
}
