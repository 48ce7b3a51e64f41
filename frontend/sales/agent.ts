/** How the agent asks its model, and the files that say what it knows. */

import { asked } from "./session.ts";

export interface AgentConfiguration {
  model: string;
  temperature: number;
  max_tokens: number;
  top_p: number;
  language: "auto" | "es" | "en" | "zh";
}

export function getConfiguration(signal: AbortSignal): Promise<AgentConfiguration> {
  return asked((api) => api.json("agent", { signal }));
}

/** Save a configuration; what is no number goes as it was typed, and the server refuses it. */
export function saveConfiguration(
  wanted: Record<keyof AgentConfiguration, string | number>,
): Promise<AgentConfiguration> {
  return asked((api) => api.json("agent", { method: "PUT", body: wanted }));
}

/** Go back to what the settings of the application say. */
export function resetConfiguration(): Promise<AgentConfiguration> {
  return asked((api) => api.json("agent", { method: "DELETE" }));
}

export async function listFiles(signal: AbortSignal): Promise<string[]> {
  return (await asked((api) => api.json<{ files: string[] }>("knowledge", { signal }))).files;
}

export async function readFile(name: string, signal: AbortSignal): Promise<string> {
  return (await asked((api) => api.json<{ text: string }>(addressOf(name), { signal }))).text;
}

export async function saveFile(name: string, text: string): Promise<void> {
  await asked((api) => api.json(addressOf(name), { method: "PUT", body: { text } }));
}

function addressOf(name: string): string {
  return `knowledge/${name.split("/").map(encodeURIComponent).join("/")}`;
}
