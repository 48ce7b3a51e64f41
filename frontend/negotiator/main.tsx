/** The page of the negotiator: login, chat, debts, agreements and account. */

import { useEffect } from "preact/hooks";
import { startPage } from "../kit/page.tsx";
import { IconButton } from "../kit/parts/Button.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { TopBar } from "../kit/parts/TopBar.tsx";
import { linkTo, route } from "../kit/route.ts";
import { currentUser, findSession, logOut, type User } from "./account.ts";
import { Account } from "./Account.tsx";
import { AgreementPage } from "./AgreementPage.tsx";
import { Chat } from "./Chat.tsx";
import { Debts } from "./Debts.tsx";
import { loadDebts } from "./debts.ts";
import { Entrance } from "./Entrance.tsx";
import { toldOf } from "./faults.ts";
import "./negotiator.css";
import { words } from "./words.ts";

function Negotiator() {
  useEffect(() => {
    findSession().catch((error: unknown) => notifyFault(toldOf(error)));
  }, []);
  const user = currentUser();
  if (user === undefined) return null;
  return user ? <Inside user={user} /> : <Entrance />;
}

function Inside({ user }: { user: User }) {
  const say = words.value;
  const place = placeNow();
  useEffect(() => {
    loadDebts().catch((error: unknown) => notifyFault(toldOf(error)));
  }, []);
  function leave() {
    logOut().catch((error: unknown) => notifyFault(toldOf(error)));
  }
  return (
    <div class="page">
      <TopBar
        name={say.title}
        home={linkTo()}
        places={[
          { href: linkTo(), title: say.chat, isHere: place === "chat" },
          { href: linkTo("debts"), title: say.debts, isHere: place === "debts" },
          { href: linkTo("account"), title: say.account, isHere: place === "account" },
        ]}
      >
        <IconButton icon="logOut" label={say.logOut} onClick={leave} />
      </TopBar>
      <h1 class="unseen">{title()}</h1>
      <div class="places">
        {place === "chat" && (
          <>
            <Chat />
            <aside class="beside">
              <Debts />
            </aside>
          </>
        )}
        {place === "debts" && (
          <main class="scrolling">
            <Debts />
          </main>
        )}
        {place === "agreement" && <AgreementPage id={route.value[1] ?? ""} />}
        {place === "account" && <Account user={user} />}
      </div>
    </div>
  );
}

type Place = "chat" | "debts" | "account" | "agreement";

function placeNow(): Place {
  switch (route.value[0]) {
    case "debts":
      return "debts";
    case "account":
      return "account";
    case "agreements":
      return "agreement";
    default:
      return "chat";
  }
}

function title(): string {
  const say = words.value;
  const place = placeNow();
  return currentUser() && place !== "chat" ? `${say[place]} · ${say.title}` : say.title;
}

startPage(<Negotiator />, title);
