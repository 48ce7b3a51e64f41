/** Says, wherever the operator is, that the configured model does not answer, and what to do. */

import { Button } from "../kit/parts/Button.tsx";
import { Fault } from "../kit/parts/Fault.tsx";
import { useSubmission } from "../kit/submission.ts";
import { agentWords } from "./agentWords.ts";
import { toldBeside } from "./faults.ts";
import { checkHealth, health, type Health, type Trouble } from "./health.ts";

export function HealthBanner() {
  const now = health.value;
  if (!now?.trouble) return null;
  const say = agentWords.value;
  return (
    <aside class="banner" aria-label={say.health}>
      <div>
        <p role="status">
          <strong>{say[`trouble_${now.trouble.kind}`](now.model)}</strong>{" "}
          {now.trouble.variable && say.setVariable(now.trouble.variable)} {consequence(now)}
        </p>
        <details>
          <summary>{say.details}</summary>
          <p>{told(now.trouble)}</p>
          {now.fallback_trouble && <p>{told(now.fallback_trouble)}</p>}
        </details>
      </div>
      <CheckNow />
    </aside>
  );
}

/** The button that has the configured model asked at once. */
export function CheckNow() {
  const { isBusy, error, onSubmit, form } = useSubmission(checkHealth);
  return (
    <form class="check-now" ref={form} onSubmit={onSubmit}>
      <Button icon="refresh" type="submit" disabled={isBusy}>
        {agentWords.value.checkNow}
      </Button>
      <Fault text={toldBeside(error)} />
    </form>
  );
}

function consequence(now: Health): string {
  const say = agentWords.value;
  return now.status === "down" ? say.nobodyAnswers : say.fallbackAnswers(now.fallback_model);
}

/** The server's own words, for who runs it. */
function told({ detail, variable }: Trouble): string {
  return variable && !detail.includes(variable) ? `${detail} (${variable})` : detail;
}
