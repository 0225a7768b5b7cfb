// The OpenAPI document in Swagger UI, with the reader's own tenant in every example.
"use strict";

const form = document.querySelector("form");
const field = document.querySelector("#tenant");
let written = "";

function show() {
  const sample = JSON.parse(written).components.parameters["identity.tenant_id"].example;
  const own = field.value.trim();
  const isOwn = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(own);
  field.setCustomValidity(own && !isOwn ? "An id has 32 hexadecimal digits, and dashes between them." : "");
  if (!field.reportValidity()) return;
  SwaggerUIBundle({
    spec: JSON.parse(isOwn ? written.replaceAll(sample, own) : written),
    dom_id: "#calls",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null, // the usual one is somebody else's
    queryConfigEnabled: false, // no address may make this page show another document
    persistAuthorization: false,
    onComplete: nameParts,
  });
}

/** Swagger UI leaves some of its parts without a name. A screen reader needs one, also of those that come later. */
function nameParts() {
  const calls = document.querySelector("#calls");
  const name = () => {
    const about = calls.querySelector(".information-container");
    about?.setAttribute("role", "region");
    about?.setAttribute("aria-label", "About");
    for (const one of calls.querySelectorAll("select:not([aria-label]), textarea:not([aria-label])")) {
      one.setAttribute("aria-label", one.matches("textarea") ? "Body" : "Choice");
    }
  };
  new MutationObserver(name).observe(calls, { childList: true, subtree: true });
  name();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});

(async () => {
  field.value = new URLSearchParams(location.search).get("tenant") ?? "";
  written = await (await fetch("/openapi.json")).text();
  show();
})();
