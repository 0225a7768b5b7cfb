/* What the widgets of customer and agent have in common. The edge puts it into each of them, which is one script then. */

const HERE = import.meta.url;
const LONGEST_KEY = 64;
const PATIENCE_MS = 10_000;
const ANNOUNCED_S = [60, 30, 10]; // a reader of the screen hears these, and not every second
const LAST_WORDS = "This page could not be loaded. Please check your connection and load it again.";

const COMMON_STYLE = `
:host {
  --ground: #ffffff; --raised: #f2f4f8; --text: #1b1f27; --quiet: #4d5563; --line: #6b7484;
  --accent: #1d4ed8; --on-accent: #ffffff; --alert: #b3141b; --good: #14663a;
  color-scheme: light dark; display: block; box-sizing: border-box; max-width: 36rem;
  padding: 1rem; border: 1px solid var(--line); border-radius: .75rem;
  background: var(--ground); color: var(--text); font: 1.0625rem/1.5 system-ui, sans-serif; text-align: start;
}
@media (prefers-color-scheme: dark) {
  :host {
    --ground: #1c2027; --raised: #272d37; --text: #eceff4; --quiet: #b4bccb; --line: #8c96a8;
    --accent: #9db8ff; --on-accent: #101828; --alert: #ffb0ab; --good: #8fdcae;
  }
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
h2 { margin: 0 0 .75rem; font-size: 1.25rem; line-height: 1.3; }
p, ol, ul, form, .field { margin: 0 0 1rem; overflow-wrap: anywhere; }
ol, ul { padding-inline-start: 1.5rem; }
li + li { margin-top: .5rem; }
label { display: block; font-weight: 600; }
.hint, .why { color: var(--quiet); font-size: .9375rem; }
.hint { margin: 0 0 .375rem; }
input {
  width: 100%; min-height: 3rem; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--ground); color: inherit; font: inherit; font-size: 1.25rem;
}
input[aria-invalid="true"] { border: 2px solid var(--alert); }
button, a.button {
  display: block; width: 100%; min-height: 3rem; padding: .5rem 1rem; border: 2px solid var(--accent);
  border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer;
}
button.other { background: var(--ground); color: var(--accent); }
button[aria-disabled="true"] { opacity: .75; cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
h2:focus { outline: none; }
.error { color: var(--alert); font-weight: 600; }
.code {
  margin: 0; padding: 1.25rem .5rem; border-radius: .5rem; background: var(--raised); text-align: center;
  font: 700 clamp(1.75rem, 11vw, 3.5rem)/1.3 ui-monospace, monospace; letter-spacing: .08em;
  display: flex; flex-wrap: wrap; justify-content: center; gap: 0 .6em; overflow-wrap: anywhere;
}
.bar { height: .5rem; margin-bottom: .5rem; border-radius: 0 0 .5rem .5rem; background: var(--raised); overflow: hidden; }
.bar > div { height: 100%; background: var(--accent); transform-origin: left; transition: transform 1s linear; }
.time { font-weight: 600; text-align: center; }
.unseen {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
@media (prefers-reduced-motion: reduce) { .bar > div { transition: none; } }
@media (forced-colors: active) { .bar > div { background: CanvasText; forced-color-adjust: none; } }
@media print { .code, .bar { display: none; } }
`;

/** The style of all widgets and of this one; null in a browser of before 2023, where it is plain, and works. */
function sheetOf(style) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(COMMON_STYLE + style);
    return sheet;
  } catch {
    return null;
  }
}

/** What kept an answer from being what was asked for: `name` is that of the words for it. */
class Refused extends Error {
  constructor(name, { retryAfter = 0, isOpen = false } = {}) {
    super(name);
    this.name = name;
    this.retryAfter = retryAfter;
    this.isOpen = isOpen; // whether the request may have been carried out all the same
  }
}

/** An element with properties, attributes (their names have a dash, or there is no such property) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.includes("-") || !(name in element)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Words with their gaps filled: {name}. */
function fill(text, gaps) {
  return text.replace(/\{(\w+)\}/g, (_, name) => gaps[name]);
}

/** A code in groups of nearly one length, of four characters at most: for customer and agent alike. */
function grouped(code) {
  const characters = [...code];
  const groups = [];
  for (let left = Math.ceil(characters.length / 4); left > 0; left--) {
    groups.push(characters.splice(0, Math.ceil(characters.length / left)));
  }
  return groups;
}

function newIdempotencyKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The language that the page or else the reader asks for, if there is a file of its words, else English; and them. */
async function speak(element, name) {
  const tags = [element.closest("[lang]")?.lang, ...navigator.languages, "en"];
  const wanted = new Set(tags.map((tag) => /^[a-z]{2,3}/i.exec(tag ?? "")?.[0].toLowerCase()).filter(Boolean));
  for (const language of wanted) {
    const answer = await fetch(new URL(`${name}.${language}.json`, HERE), { credentials: "omit" });
    if (answer.ok) return [language, await answer.json()];
  }
  throw new Error("no words");
}
