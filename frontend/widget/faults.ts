/** What can go wrong for a visitor, in their words. */

import { tellingIn } from "../kit/faults.ts";
import { texts } from "../kit/languages.ts";

const words = texts({
  en: {
    internal_error: "Something went wrong. Your message is kept; please try again in a moment.",
    invalid_field: "This message is too long. Please shorten it.",
    too_many_attempts: "Too many chats were begun from here. Please wait a little.",
    unreachable: "There is no connection. Please try again.",
  },
  es: {
    internal_error: "Algo ha fallado. Su mensaje está guardado; inténtelo de nuevo en un momento.",
    invalid_field: "El mensaje es demasiado largo. Acórtelo, por favor.",
    too_many_attempts: "Se han empezado demasiados chats desde aquí. Espere un poco, por favor.",
    unreachable: "No hay conexión. Inténtelo de nuevo, por favor.",
  },
  zh: {
    internal_error: "出了点问题。您的消息已保存，请稍后再试。",
    invalid_field: "消息太长，请缩短后再发。",
    too_many_attempts: "从这里发起的聊天过多，请稍候。",
    unreachable: "无法连接，请再试一次。",
  },
});

export const { toldOf } = tellingIn(words);
