// Keeps an open page live. Without this script every page is complete; it only spares a reload.
"use strict";

(function () {
  let stream = null;
  let known = null; // the pulse of what is shown; it survives a lost stream
  let isFetching = false;

  function main() {
    return document.getElementById("main");
  }

  // Whoever has typed or stands in a field must not lose it.
  function isInUse(part) {
    const active = document.activeElement;
    if (active && part.contains(active) && active.matches("input, textarea, select")) {
      return true;
    }
    return Array.from(part.querySelectorAll("input, textarea")).some(function (field) {
      if (field.type === "hidden") {
        return false;
      }
      if (field.type === "checkbox" || field.type === "radio") {
        return field.checked !== field.defaultChecked;
      }
      return field.value !== field.defaultValue;
    });
  }

  async function refresh() {
    const before = main();
    if (isInUse(before)) {
      document.getElementById("changed").hidden = false;
      return;
    }
    if (isFetching) {
      return;
    }
    isFetching = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, cache: "no-store" });
      const isSame = answer.ok && !answer.redirected;
      const text = isSame ? await answer.text() : "";
      const after = new DOMParser().parseFromString(text, "text/html").getElementById("main");
      if (!after || isInUse(main())) {
        document.getElementById("changed").hidden = false;
        return;
      }
      main().replaceChildren(...after.childNodes);
      const announcer = document.getElementById("announcer");
      announcer.textContent = announcer.dataset.said;
    } catch (error) {
      document.getElementById("changed").hidden = false;
    } finally {
      isFetching = false;
    }
  }

  // A hidden tab holds no stream: browsers allow few to one place.
  function listen() {
    const live = main().dataset.live;
    if (!live || document.hidden || stream) {
      return;
    }
    stream = new EventSource(live);
    stream.addEventListener("pulse", function (event) {
      if (known !== null && known !== event.data) {
        refresh();
      }
      known = event.data;
    });
    stream.addEventListener("gone", function () {
      stop();
      document.getElementById("changed").hidden = false;
    });
  }

  function stop() {
    if (stream) {
      stream.close();
      stream = null;
    }
  }

  document.addEventListener("visibilitychange", function () {
    if (document.hidden) {
      stop();
    } else {
      listen();
    }
  });

  // A day or an hour that is typed means "until a day".
  document.addEventListener("input", function (event) {
    const choice = event.target.dataset && event.target.dataset.picks;
    if (choice) {
      document.getElementById(choice).checked = true;
    }
  });

  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", listen);
  listen();
})();

// Forms that need a passkey: the browser is asked for it, and its answer goes along.
(function () {
  function bytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (one) => one.charCodeAt(0));
  }

  function text(buffer) {
    const plain = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function described(listed) {
    return (listed || []).map((one) => ({ ...one, id: bytes(one.id) }));
  }

  async function asked(kind, options) {
    const publicKey = { ...options, challenge: bytes(options.challenge) };
    if (kind === "create") {
      publicKey.user = { ...options.user, id: bytes(options.user.id) };
      publicKey.excludeCredentials = described(options.excludeCredentials);
    } else {
      publicKey.allowCredentials = described(options.allowCredentials);
    }
    const made = await navigator.credentials[kind]({ publicKey });
    const response = {};
    for (const name of [
      "clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle",
    ]) {
      if (made.response[name]) {
        response[name] = text(made.response[name]);
      }
    }
    return { id: made.id, rawId: text(made.rawId), type: made.type, response };
  }

  document.addEventListener("submit", async function (event) {
    const form = event.target;
    if (!form.dataset.passkey) {
      return;
    }
    event.preventDefault();
    const failed = document.getElementById("passkey-failed");
    failed.hidden = true;
    try {
      const answer = await asked(form.dataset.passkey, JSON.parse(form.dataset.options));
      form.elements.answer.value = JSON.stringify(answer);
      form.submit();
    } catch (error) {
      failed.hidden = false;
    }
  });
})();
