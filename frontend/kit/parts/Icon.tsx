/** The few icons there are, drawn as lines in the colour of the text around them. */

const PATHS = {
  arrowDown: "M12 5v14m-6-6 6 6 6-6",
  chat: "M4 5h16v11H9l-5 4z",
  check: "m5 12.5 4.5 4.5L19 7",
  close: "m6 6 12 12M18 6 6 18",
  code: "m8 7-5 5 5 5m8-10 5 5-5 5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  document: "M6 3h8l5 5v13H6zM14 3v5h5",
  edit: "M5 19l1-4L16 5l3 3L9 18z",
  key: "M14.5 9.5a5 5 0 1 1-4 4.9L4 21v-3l2-2 4.6-4.6",
  logOut: "M14 4h6v16h-6M4 12h11m-4-4 4 4-4 4",
  plug: "M9 3v5m6-5v5M6 8h12v3a6 6 0 0 1-12 0zm6 9v4",
  plus: "M12 5v14M5 12h14",
  refresh: "M20 11a8 8 0 1 0-.6 4M20 4v7h-7",
  send: "M12 19V5m-6 6 6-6 6 6",
  settings: "M4 7h10m4 0h2M4 17h2m4 0h10M14 4.5v5M10 14.5v5",
  stop: "M7 7h10v10H7z",
  tool: "M14.5 6.5a4 4 0 0 1 5-1l-3 3 1 2 2 1 3-3a4.5 4.5 0 0 1-6 5.500L9 21l-4-4 7-7a4.500 4.500 0 0 1 2.500-3.500z",
  trash: "M5 7h14M10 7V4h4v3m-7 0 1 13h8l1-13",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9a8 8 0 0 1 16 0",
};

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
