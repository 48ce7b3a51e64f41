/** Buttons: with words, and with an icon alone, which then has a name. */

import type { ButtonHTMLAttributes, ComponentChildren } from "preact";
import { Icon, type IconName } from "./Icon.tsx";

type Native = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon">;

interface Props extends Native {
  look?: "plain" | "main" | "quiet" | "danger";
  icon?: IconName;
  children: ComponentChildren;
}

export function Button({ look = "plain", icon, children, ...rest }: Props) {
  return (
    <button type="button" {...rest} class={`button ${look}`}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconProps extends Native {
  icon: IconName;
  /** What it does: read aloud, and shown when the pointer rests on it. */
  label: string;
  look?: "plain" | "main" | "quiet";
}

export function IconButton({ icon, label, look = "quiet", ...rest }: IconProps) {
  return (
    <button type="button" {...rest} class={`button only-icon ${look}`} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}
