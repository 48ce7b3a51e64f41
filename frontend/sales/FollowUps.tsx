/** The follow-ups of all contacts. */

import { useSignal } from "@preact/signals";
import { Tabs } from "../kit/parts/Tabs.tsx";
import { FollowUpList } from "./FollowUpList.tsx";
import { SHOWN, type Shown } from "./followUps.ts";
import { words } from "./words.ts";

export function FollowUps() {
  const say = words.value;
  const show = useSignal<Shown>("open");
  return (
    <main class="scrolling">
      <div class="scrolling-inside">
        <h1>{say.followUps}</h1>
        <Tabs<Shown>
          label={say.followUps}
          names={SHOWN.map((name) => ({ name, title: say[`show_${name}`] }))}
          chosen={show.value}
          onChoose={(name) => (show.value = name)}
        >
          <FollowUpList show={show.value} contactId={null} />
          <p class="soft">{say.followUpsAbout}</p>
        </Tabs>
      </div>
    </main>
  );
}
