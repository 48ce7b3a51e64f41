/** What programs written for OpenAI change, for each generation of clients. Pure. */

export const CLIENTS = [
  { name: "python", title: "Python 1 – 3" },
  { name: "python0", title: "Python 0.28" },
  { name: "node", title: "Node" },
  { name: "langchain", title: "LangChain" },
  { name: "curl", title: "curl" },
  { name: "environment", title: ".env" },
] as const;
export type ClientName = (typeof CLIENTS)[number]["name"];

export interface Change {
  language: string;
  before: string;
  after: string;
}

/** Return a program's lines before and after. `key` is shown as it stands. */
export function changeOf(client: ClientName, baseUrl: string, key: string): Change {
  switch (client) {
    case "python":
      return {
        language: "python",
        before: `from openai import OpenAI\n\nclient = OpenAI()`,
        after: `from openai import OpenAI\n\nclient = OpenAI(\n    base_url="${baseUrl}",\n    api_key="${key}",\n)`,
      };
    case "python0":
      return {
        language: "python",
        before: `import openai\n\nopenai.api_key = "sk-..."`,
        after: `import openai\n\nopenai.api_base = "${baseUrl}"\nopenai.api_key = "${key}"`,
      };
    case "node":
      return {
        language: "javascript",
        before: `import OpenAI from "openai";\n\nconst client = new OpenAI();`,
        after: `import OpenAI from "openai";\n\nconst client = new OpenAI({\n  baseURL: "${baseUrl}",\n  apiKey: "${key}",\n});`,
      };
    case "langchain":
      return {
        language: "python",
        before: `from langchain_openai import ChatOpenAI\n\nmodel = ChatOpenAI(model="gpt-4o")`,
        after: `from langchain_openai import ChatOpenAI\n\nmodel = ChatOpenAI(\n    model="gpt-4o",\n    base_url="${baseUrl}",\n    api_key="${key}",\n)`,
      };
    case "curl":
      return {
        language: "sh",
        before: `curl https://api.openai.com/v1/models \\\n  -H "Authorization: Bearer $OPENAI_API_KEY"`,
        after: `curl ${baseUrl}/models \\\n  -H "Authorization: Bearer ${key}"`,
      };
    case "environment":
      return {
        language: "sh",
        before: `OPENAI_API_KEY=sk-...`,
        after: `OPENAI_BASE_URL=${baseUrl}\nOPENAI_API_BASE=${baseUrl}\nOPENAI_API_KEY=${key}`,
      };
  }
}
