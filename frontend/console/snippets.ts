/** A chat request as a program that sends it: for the shell, Python and Node. Pure. */

import type { ChatRequest } from "./request.ts";

export const SNIPPET_LANGUAGES = ["curl", "python", "node"] as const;
export type SnippetLanguage = (typeof SNIPPET_LANGUAGES)[number];

export interface Target {
  baseUrl: string;
  /** The server asks for a key: the program takes it from the environment. */
  needsKey: boolean;
}

/** Return the program. */
export function snippetOf(language: SnippetLanguage, request: ChatRequest, target: Target): string {
  return { curl, python, node }[language](request, target);
}

function curl(request: ChatRequest, { baseUrl, needsKey }: Target): string {
  const body = JSON.stringify(request, null, 2).replaceAll("'", "'\\''");
  const key = needsKey ? `  -H "Authorization: Bearer $OPENAI_API_KEY" \\\n` : "";
  return `curl ${baseUrl}/chat/completions \\
${key}  -H "Content-Type: application/json" \\
  -d '${body}'
`;
}

function python(request: ChatRequest, { baseUrl, needsKey }: Target): string {
  const options = Object.entries(withModel(request))
    .map(([name, value]) => `    ${name}=${pythonLiteral(value, "    ")},\n`)
    .join("");
  return `${needsKey ? "import os\n\n" : ""}from openai import OpenAI

client = OpenAI(
    base_url="${baseUrl}",
    api_key=${needsKey ? 'os.environ["OPENAI_API_KEY"]' : '"any"'},
)
answer = client.chat.completions.create(
${options})
print(answer.choices[0].message.content)
`;
}

function node(request: ChatRequest, { baseUrl, needsKey }: Target): string {
  return `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${baseUrl}",
  apiKey: ${needsKey ? "process.env.OPENAI_API_KEY" : '"any"'},
});
const answer = await client.chat.completions.create(${JSON.stringify(withModel(request), null, 2)});
console.log(answer.choices[0].message.content);
`;
}

/** The SDKs demand a model's name; one that the server does not know means its default. */
function withModel(request: ChatRequest): ChatRequest {
  return { model: "default", ...request };
}

function pythonLiteral(value: unknown, indent: string): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((each) => pythonLiteral(each, inner))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${pythonLiteral(each, inner)}`);
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}`;
}
