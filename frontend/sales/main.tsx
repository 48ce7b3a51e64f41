/** The page of the sales agent, for its operator. */

import { useEffect } from "preact/hooks";
import { startPage } from "../kit/page.tsx";
import { IconButton } from "../kit/parts/Button.tsx";
import { notifyFault } from "../kit/parts/Toast.tsx";
import { TopBar } from "../kit/parts/TopBar.tsx";
import { linkTo, route } from "../kit/route.ts";
import { Agent } from "./Agent.tsx";
import { ContactPage } from "./ContactPage.tsx";
import { Contacts } from "./Contacts.tsx";
import { Conversations } from "./Conversations.tsx";
import { Dashboard } from "./Dashboard.tsx";
import { Entrance } from "./Entrance.tsx";
import { toldOf } from "./faults.ts";
import { FollowUps } from "./FollowUps.tsx";
import { loadHealth } from "./health.ts";
import { HealthBanner } from "./HealthBanner.tsx";
import { Sandbox } from "./Sandbox.tsx";
import "./sales.css";
import { findSession, logOut, operatorName } from "./session.ts";
import { words } from "./words.ts";

const PLACES = ["dashboard", "contacts", "conversations", "followUps", "sandbox", "agent"] as const;
type Place = (typeof PLACES)[number];

function Sales() {
  useEffect(() => {
    findSession().catch((error: unknown) => notifyFault(toldOf(error)));
  }, []);
  const name = operatorName();
  if (name === undefined) return null;
  return name === null ? <Entrance /> : <Inside />;
}

function Inside() {
  const say = words.value;
  const place = placeNow();
  useEffect(() => {
    // Where the server is away, the place itself says so.
    loadHealth().catch(() => undefined);
  }, [place]);
  function leave() {
    logOut().catch((error: unknown) => notifyFault(toldOf(error)));
  }
  return (
    <div class="page sales">
      <TopBar
        name={say.title}
        home={linkTo()}
        places={PLACES.map((each) => ({
          href: each === "dashboard" ? linkTo() : linkTo(each),
          title: say[each],
          isHere: each === place,
        }))}
      >
        <IconButton icon="logOut" label={say.logOut} onClick={leave} />
      </TopBar>
      <HealthBanner />
      <Here place={place} id={route.value[1] ?? null} />
    </div>
  );
}

function Here({ place, id }: { place: Place; id: string | null }) {
  switch (place) {
    case "dashboard":
      return <Dashboard />;
    case "contacts":
      return id === null ? <Contacts /> : <ContactPage key={id} id={id} />;
    case "conversations":
      return <Conversations id={id} />;
    case "followUps":
      return <FollowUps />;
    case "sandbox":
      return <Sandbox />;
    case "agent":
      return <Agent />;
  }
}

function placeNow(): Place {
  return PLACES.find((each) => each === route.value[0]) ?? "dashboard";
}

function title(): string {
  const say = words.value;
  return operatorName() ? `${say[placeNow()]} · ${say.title}` : say.title;
}

startPage(<Sales />, title);
