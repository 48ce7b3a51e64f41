/** The switches of language and appearance. */

import { chooseLanguage, language, LANGUAGES, type Language } from "../languages.ts";
import { chooseTheme, theme, THEMES, type Theme } from "../theme.ts";
import { words } from "./words.ts";

export function Preferences() {
  const say = words.value;
  return (
    <div class="preferences">
      <select
        aria-label={say.language}
        value={language.value}
        onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      <select
        aria-label={say.theme}
        value={theme.value}
        onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {say[name]}
          </option>
        ))}
      </select>
    </div>
  );
}
