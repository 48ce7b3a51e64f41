/** The chat for visitors, as it stands in a frame on other sites. */

import { showIn } from "../kit/languages.ts";
import { startPage } from "../kit/page.tsx";
import { company } from "./visitor.ts";
import { Visit } from "./Visit.tsx";
import "./widget.css";
import { words } from "./words.ts";

const asked = new URLSearchParams(location.search).get("language");
if (asked) showIn(asked);

startPage(<Visit />, () => company.value || words.value.title);
