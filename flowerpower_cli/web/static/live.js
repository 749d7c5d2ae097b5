// Replaces what has changed on the page, and sends forms without leaving it. Everything can be read
// without this script.
"use strict";

const address = document.body.dataset.address;
const connection = document.getElementById("connection");

// Time that goes on: "for 1m12s".
function duration(seconds) {
  const parts = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60]]) {
    if (rest >= size) {
      parts.push(Math.floor(rest / size) + unit);
      rest %= size;
    }
  }
  if (rest || !parts.length) parts.push(rest + "s");
  return parts.join("");
}

function tick() {
  for (const element of document.querySelectorAll("[data-since]")) {
    const text = duration((Date.now() - Date.parse(element.dataset.since)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}

// Changes the children of `place` into those of `wanted`, and touches only what differs: what has
// the focus, is selected or was opened stays so.
function morph(place, wanted) {
  const there = [...place.childNodes];
  const keyed = new Map(there.filter((node) => node.id).map((node) => [node.id, node]));
  let next = place.firstChild;
  for (const node of [...wanted.childNodes]) {
    let same = node.id ? keyed.get(node.id) : next;
    if (same && (same.nodeName !== node.nodeName || (same.id || "") !== (node.id || ""))) same = null;
    if (!same) {
      place.insertBefore(node, next);
      continue;
    }
    if (same === next) next = next.nextSibling;
    else place.insertBefore(same, next);
    change(same, node);
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

function change(element, wanted) {
  if (element.nodeType !== Node.ELEMENT_NODE) {
    if (element.nodeValue !== wanted.nodeValue) element.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...element.attributes]) {
    // A user has opened it; a token is that of this page.
    if (!wanted.hasAttribute(name) && name !== "open") element.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (element.name === "form_token" && name === "value") continue;
    if (element.getAttribute(name) !== value && name !== "open") element.setAttribute(name, value);
  }
  if (element.dataset.since === undefined) morph(element, wanted);
}

function showParts(event) {
  connected();
  for (const [name, html] of Object.entries(JSON.parse(event.data))) {
    const place = document.getElementById("live-" + name);
    if (!place) continue;
    const parsed = document.createElement("template");
    parsed.innerHTML = html;
    for (const field of parsed.content.querySelectorAll("input[name=form_token]")) {
      field.value = formToken;
      field.setAttribute("value", formToken);
    }
    morph(place, parsed.content);
  }
  tick();
}

const formToken = document.body.dataset.formToken;

function showLog(event) {
  const { attempt, chunks } = JSON.parse(event.data);
  const log = document.getElementById("log");
  if (!log || attempt < Number(log.dataset.attempt)) return;
  if (attempt > Number(log.dataset.attempt)) {
    log.replaceChildren();
    log.dataset.attempt = attempt;
    log.dataset.seq = 0;
  }
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const { seq, html } of chunks) {
    if (seq <= Number(log.dataset.seq)) continue;
    log.insertAdjacentHTML("beforeend", html);
    log.dataset.seq = seq;
    document.getElementById("no-log").hidden = true;
  }
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function connected() {
  connection.textContent = "live";
  connection.classList.remove("lost");
}

function lost(text) {
  connection.textContent = text;
  connection.classList.add("lost");
}

let source = null;

function listen() {
  if (source || !address) return;
  const log = document.getElementById("log");
  const known = log ? { attempt: log.dataset.attempt, seq: log.dataset.seq } : {};
  source = new EventSource("/events?" + new URLSearchParams({ address, ...known }));
  source.addEventListener("parts", showParts);
  source.addEventListener("log", showLog);
  source.addEventListener("trouble", (event) => lost(JSON.parse(event.data).message));
  source.onerror = () => lost("The dashboard does not answer.");
}

document.addEventListener("visibilitychange", () => {
  // A page that nobody sees costs nothing.
  if (document.hidden && source) {
    source.close();
    source = null;
  } else if (!document.hidden) listen();
});

const MESSAGE = "flowerpower-message";

function say(text, failed) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  if (failed) paragraph.className = "failed";
  document.getElementById("message").replaceChildren(paragraph);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || form.action.endsWith("/sign-out")) return;
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    const body = await answer.json();
    if (!answer.ok) {
      say([body.error.message, body.error.hint].filter(Boolean).join("\n"), true);
    } else if (body.location === location.pathname) {
      say(body.message, false);
      for (const opened of document.querySelectorAll("details.confirm[open]")) opened.open = false;
    } else {
      sessionStorage.setItem(MESSAGE, body.message);
      location.assign(body.location);
    }
  } catch {
    say("The dashboard does not answer.", true);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
});

// What was done on the page before, which led to this one.
const before = sessionStorage.getItem(MESSAGE);
if (before) {
  sessionStorage.removeItem(MESSAGE);
  say(before, false);
}

tick();
setInterval(tick, 1000);
listen();
