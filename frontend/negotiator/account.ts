/** Who is logged in, and the application's API with the token of their session. */

import { effect, signal } from "@preact/signals";
import { Api, ApiError } from "../kit/api.ts";
import { language, type Language } from "../kit/languages.ts";
import { linkTo } from "../kit/route.ts";

export interface User {
  id: number;
  name: string;
  surname: string;
  email: string;
  telephone: string;
  language: Language;
  /** The masked key of their own, null while the application's is used. */
  api_key: string | null;
}

interface Session {
  user: User;
  csrf_token: string;
}

export interface Registration {
  name: string;
  surname: string;
  email: string;
  telephone: string;
  password: string;
}

export interface Farewell {
  debts_erased: number;
  receipts_kept: number[];
}

/** The route that a page begins anew with when its session has ended. */
export const ENDED = "ended";

/** Null where nobody is logged in, undefined until that is known. */
const session = signal<Session | null | undefined>(undefined);

const server = new Api("api/", () => {
  const token = session.value?.csrf_token;
  return token ? { "X-CSRF-Token": token } : ({} as Record<string, string>);
});

/** The user who is logged in; null where nobody is, undefined until that is known. */
export function currentUser(): User | null | undefined {
  return session.value === undefined ? undefined : (session.value?.user ?? null);
}

/** Ask whether somebody is logged in. */
export async function findSession(): Promise<void> {
  try {
    session.value = await server.json<Session>("session");
  } catch (error) {
    if (!isNotSignedIn(error)) throw error;
    session.value = null;
  }
}

export async function register(person: Registration): Promise<void> {
  session.value = await server.json("users", { body: { ...person, language: language.value } });
}

export async function logIn(email: string, password: string): Promise<void> {
  session.value = await server.json("session", { body: { email, password } });
}

/** Log out; the page begins anew, so that nothing of the person stays in it. */
export async function logOut(): Promise<void> {
  await asked((api) => api.json("session", { method: "DELETE" }));
  session.value = undefined;
  beginAnew();
}

/** Delete the account; the person is still shown what became of their data. */
export async function leave(): Promise<Farewell> {
  return asked((api) => api.json<Farewell>("users/me", { method: "DELETE" }));
}

export async function storeKey(key: string): Promise<void> {
  const body = { api_key: key };
  const stored = await asked((api) =>
    api.json<{ api_key: string }>("users/me/api-key", { method: "PUT", body }),
  );
  setKey(stored.api_key);
}

export async function removeKey(): Promise<void> {
  await asked((api) => api.json("users/me/api-key", { method: "DELETE" }));
  setKey(null);
}

/** Have the assistant speak the language of the page. */
export async function speakLanguageOfPage(): Promise<void> {
  const body = { language: language.value };
  const user = await asked((api) => api.json<User>("users/me", { method: "PATCH", body }));
  if (session.value) session.value = { ...session.value, user };
}

/** Ask the application something for the person; a session that has ended shows the login. */
export async function asked<T>(ask: (api: Api) => Promise<T>): Promise<T> {
  try {
    return await ask(server);
  } catch (error) {
    if (isNotSignedIn(error) && session.value) beginAnew(ENDED);
    if (error instanceof ApiError && error.code === "wrong_csrf_token") await checkSession();
    throw error;
  }
}

/** Show the start of the page as if it had just been opened. */
export function beginAnew(...parts: string[]): void {
  history.replaceState(null, "", linkTo(...parts));
  location.reload();
}

/** Another tab may have logged out, or in as somebody else: cookies are the browser's. */
async function checkSession(): Promise<void> {
  const before = currentUser();
  if (!before) return;
  await findSession();
  if (currentUser()?.id !== before.id) beginAnew();
}

function setKey(shown: string | null): void {
  const now = session.value;
  if (now) session.value = { ...now, user: { ...now.user, api_key: shown } };
}

function isNotSignedIn(error: unknown): boolean {
  return error instanceof ApiError && error.code === "not_signed_in";
}

document.addEventListener("visibilitychange", () => {
  // A server that is away is told of by what the person does next.
  if (document.visibilityState === "visible") checkSession().catch(() => undefined);
});

// Where it fails, the assistant goes on in the language that it spoke before.
effect(() => {
  const user = currentUser();
  if (user && user.language !== language.value) speakLanguageOfPage().catch(() => undefined);
});
