/** Labelled inputs that say what is wrong with them. */

import type { ComponentChildren, InputHTMLAttributes, SelectHTMLAttributes, TextareaHTMLAttributes } from "preact";
import { useId } from "preact/hooks";

interface Labelled {
  label: string;
  hint?: string | undefined;
  /** What is wrong, or nothing. */
  error?: string | null | undefined;
}

interface Told {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean;
}

function Frame({ label, hint, error, input }: Labelled & { input: (told: Told) => ComponentChildren }) {
  const id = useId();
  const isTold = Boolean(hint || error);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {input({
        id,
        "aria-describedby": isTold ? `${id}-told` : undefined,
        "aria-invalid": Boolean(error),
      })}
      {isTold && (
        <p id={`${id}-told`} class={error ? "told wrong" : "told"}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

type FieldProps = Labelled & InputHTMLAttributes<HTMLInputElement>;

export function Field({ label, hint, error, ...rest }: FieldProps) {
  return <Frame {...{ label, hint, error }} input={(told) => <input {...rest} {...told} />} />;
}

type TextFieldProps = Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>;

export function TextField({ label, hint, error, ...rest }: TextFieldProps) {
  return <Frame {...{ label, hint, error }} input={(told) => <textarea {...rest} {...told} />} />;
}

type SelectProps = Labelled & SelectHTMLAttributes<HTMLSelectElement>;

export function SelectField({ label, hint, error, children, ...rest }: SelectProps) {
  return (
    <Frame
      {...{ label, hint, error }}
      input={(told) => (
        <select {...rest} {...told}>
          {children}
        </select>
      )}
    />
  );
}

interface SwitchProps {
  label: string;
  hint?: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

export function Switch({ label, hint, isOn, onChange }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={isOn}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}
