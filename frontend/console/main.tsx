/** The first page of the server: a chat with its models, and how to point programs at it. */

import { useEffect } from "preact/hooks";
import { startPage } from "../kit/page.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { TopBar } from "../kit/parts/TopBar.tsx";
import { linkTo, route } from "../kit/route.ts";
import { Connect } from "./Connect.tsx";
import "./console.css";
import { Conversation } from "./Conversation.tsx";
import { KeyDialog } from "./KeyDialog.tsx";
import { keyWanted, loadChoices, toldOf } from "./server.ts";
import { words } from "./words.ts";

function Console() {
  const say = words.value;
  const isConnect = route.value[0] === "connect";
  useEffect(() => {
    loadChoices().catch((error: unknown) => {
      const told = toldOf(error);
      if (keyWanted.value === null) notifyFault(told);
    });
  }, []);
  return (
    <div class="page">
      <TopBar
        name={say.title}
        home={linkTo()}
        places={[
          { href: linkTo(), title: say.chat, isHere: !isConnect },
          { href: linkTo("connect"), title: say.connect, isHere: isConnect },
        ]}
      />
      {isConnect ? <Connect /> : <Conversation />}
      {keyWanted.value !== null && <KeyDialog />}
    </div>
  );
}

startPage(<Console />, () => words.value.title);
