/** Which operator is logged in, and the application's API with the token of their session. */

import { signal } from "@preact/signals";
import { Api, ApiError } from "../kit/api.ts";
import { linkTo } from "../kit/route.ts";

interface Session {
  name: string;
  csrf_token: string;
}

/** The route that a page begins anew with when its session has ended. */
export const ENDED = "ended";

/** Null where nobody is logged in, undefined until that is known. */
const session = signal<Session | null | undefined>(undefined);

/** Whether the first operator is still to be made; known once nobody is logged in. */
export const isSetupNeeded = signal(false);

const server = new Api("api/", () => {
  const token = session.value?.csrf_token;
  return token ? { "X-CSRF-Token": token } : ({} as Record<string, string>);
});

/** The name of who is logged in; null where nobody is, undefined until that is known. */
export function operatorName(): string | null | undefined {
  return session.value === undefined ? undefined : (session.value?.name ?? null);
}

/** Ask whether somebody is logged in, and if not, whether anybody could. */
export async function findSession(): Promise<void> {
  try {
    session.value = await server.json<Session>("session");
  } catch (error) {
    if (!isNotSignedIn(error)) throw error;
    isSetupNeeded.value = (await server.json<{ needed: boolean }>("setup")).needed;
    session.value = null;
  }
}

export async function logIn(name: string, password: string): Promise<void> {
  session.value = await server.json("session", { body: { name, password } });
}

/** Make the first operator, with the token that the log shows, and log them in. */
export async function setUp(token: string, name: string, password: string): Promise<void> {
  session.value = await server.json("setup", { body: { token: token.trim(), name, password } });
}

/** Log out; the page begins anew, so that nothing of the operator's stays in it. */
export async function logOut(): Promise<void> {
  await asked((api) => api.json("session", { method: "DELETE" }));
  beginAnew();
}

/** Ask the application something for the operator; a session that has ended shows the login. */
export async function asked<T>(ask: (api: Api) => Promise<T>): Promise<T> {
  try {
    return await ask(server);
  } catch (error) {
    if (isNotSignedIn(error)) beginAnew(ENDED);
    if (error instanceof ApiError && error.code === "wrong_csrf_token") await checkSession();
    throw error;
  }
}

function beginAnew(...parts: string[]): void {
  location.hash = linkTo(...parts);
  location.reload();
}

/** Another tab may have logged out, or in as somebody else: cookies are the browser's. */
async function checkSession(): Promise<void> {
  const before = operatorName();
  if (!before) return;
  await findSession();
  if (operatorName() !== before) beginAnew();
}

function isNotSignedIn(error: unknown): boolean {
  return error instanceof ApiError && error.code === "not_signed_in";
}

document.addEventListener("visibilitychange", () => {
  // A server that is away is told of by what the operator does next.
  if (document.visibilityState === "visible") checkSession().catch(() => undefined);
});
