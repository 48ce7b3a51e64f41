/** Has a page ask again now and then, for what comes without being asked for. */

import { useEffect, useRef } from "preact/hooks";

/** Call `act` every so often while the page is looked at, and as soon as it is again. */
export function useRepeated(act: () => Promise<void>, everyMs: number): void {
  const newest = useRef(act);
  newest.current = act;
  useEffect(() => {
    function look() {
      // What fails now is asked for again soon.
      if (document.visibilityState === "visible") newest.current().catch(() => undefined);
    }
    const timer = setInterval(look, everyMs);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [everyMs]);
}
