/** What went wrong, apart from the fields of a form. */

export function Fault({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p class="fault" role="alert">
      {text}
    </p>
  );
}
