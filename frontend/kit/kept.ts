/** Small values kept in the browser. A browser that keeps nothing (private mode) is no fault. */

/** Return what was kept under a name, or null. */
export function kept(name: string, storage: () => Storage = () => localStorage): string | null {
  try {
    return storage().getItem(name);
  } catch {
    return null;
  }
}

/** Keep a value, or forget it where it is null. */
export function keep(
  name: string,
  value: string | null,
  storage: () => Storage = () => localStorage,
): void {
  try {
    if (value === null) storage().removeItem(name);
    else storage().setItem(name, value);
  } catch {
    // Nothing is kept then, and the page works all the same.
  }
}
