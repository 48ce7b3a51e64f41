/** What the widget says; greeting and answers come from the server. */

import { texts } from "../kit/languages.ts";

export const words = texts({
  en: {
    answering: "Writing …",
    ask: "Write a message",
    tryAgain: "Try again",
    person: "Our team",
    personAnswers: "A person of our team answers here.",
    saveQuote: "Save as PDF",
    title: "Chat",
  },
  es: {
    answering: "Escribiendo …",
    ask: "Escriba un mensaje",
    tryAgain: "Intentar de nuevo",
    person: "Nuestro equipo",
    personAnswers: "Una persona de nuestro equipo le responde aquí.",
    saveQuote: "Guardar como PDF",
    title: "Chat",
  },
  zh: {
    answering: "正在输入……",
    ask: "请输入消息",
    tryAgain: "重试",
    person: "我们的团队",
    personAnswers: "我们团队的同事会在这里答复您。",
    saveQuote: "保存为 PDF",
    title: "聊天",
  },
});
