/**
 * One client for JSON and event streams of our servers: the public API and the applications.
 * Every failure is an `ApiError`, with the server's own words where it gave some.
 */

import { serverEvents, type ServerEvent } from "./events.ts";

export class ApiError extends Error {
  /** `status` is 0 where no server answered; `field` names the input at fault, if one is. */
  constructor(
    message: string,
    readonly status: number,
    readonly code: string | null = null,
    readonly field: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }
}

export interface Wanted {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A form or a file is sent as it is, anything else as JSON. */
  body?: unknown;
  signal?: AbortSignal;
}

export class Api {
  /** `root` is put before every path; `headers` is asked for each request. */
  constructor(
    private readonly root: string,
    private readonly headers: () => Record<string, string> = () => ({}),
  ) {}

  /** Return the JSON of an answer; null where it has no body. */
  async json<T>(path: string, wanted: Wanted = {}): Promise<T> {
    const response = await this.response(path, wanted);
    const text = await response.text();
    return (text ? JSON.parse(text) : null) as T;
  }

  /** Yield the events of an answer; aborting the signal ends it with an AbortError. */
  async *events(path: string, wanted: Wanted = {}): AsyncGenerator<ServerEvent> {
    const response = await this.response(path, wanted);
    if (response.body) yield* serverEvents(response.body);
  }

  /** Return a successful answer as it is: for downloads, and to read its headers. */
  async response(path: string, wanted: Wanted = {}): Promise<Response> {
    const response = await this.fetched(path, wanted);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  private async fetched(path: string, { method, body, signal }: Wanted): Promise<Response> {
    const isRaw = body instanceof FormData || body instanceof Blob;
    const hasJson = body !== undefined && !isRaw;
    const headers = { ...this.headers(), ...(hasJson ? { "content-type": "application/json" } : {}) };
    try {
      return await fetch(this.root + path, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers,
        body: isRaw ? body : hasJson ? JSON.stringify(body) : null,
        signal: signal ?? null,
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ApiError(String(error), 0, "unreachable");
    }
  }
}

/** Tell whether the person stopped it: that is no failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

interface ErrorBody {
  error?: { message?: string; code?: string | null; field?: string | null; param?: string | null };
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  const told = inEnvelope(text);
  const retry = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  return new ApiError(
    told?.message ?? `${response.status} ${response.statusText}`.trim(),
    response.status,
    told?.code ?? null,
    told?.field ?? told?.param ?? null,
    Number.isNaN(retry) ? null : retry,
  );
}

function inEnvelope(text: string): ErrorBody["error"] {
  try {
    return (JSON.parse(text) as ErrorBody).error;
  } catch {
    return undefined;
  }
}
