// The browser's part of passkeys: the server's question goes to the device, and its answer back.
(() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=/g, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function post(button, address, body) {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "X-CSRFToken": button.dataset.token, Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    // The password is to be given first.
    if (answer.status === 409) {
      location.assign(said.next);
      return new Promise(() => {});
    }
    if (!answer.ok) {
      throw new Error(said.error);
    }
    return said;
  }

  function written(credential) {
    const { response } = credential;
    const fields = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const told = fields.filter((name) => response[name]).map((name) => [name, text(response[name])]);
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      clientExtensionResults: credential.getClientExtensionResults(),
      response: Object.fromEntries(told),
    };
  }

  async function add(button) {
    const asked = await post(button, button.dataset.ask, {});
    const publicKey = {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
    };
    const credential = written(await navigator.credentials.create({ publicKey }));
    const name = document.getElementById("passkey-name").value;
    return post(button, button.dataset.answer, { credential, name });
  }

  async function signIn(button) {
    const asked = await post(button, button.dataset.ask, {});
    const publicKey = { ...asked, challenge: bytes(asked.challenge), allowCredentials: known(asked.allowCredentials) };
    const credential = written(await navigator.credentials.get({ publicKey }));
    const next = new URLSearchParams({ next: button.dataset.next || "" });
    return post(button, `${button.dataset.answer}?${next}`, credential);
  }

  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-passkey]");
    if (!button) {
      return;
    }
    const error = document.querySelector("[data-passkey-error]");
    error.hidden = true;
    button.disabled = true;
    try {
      const done = await (button.dataset.passkey === "add" ? add : signIn)(button);
      location.assign(done.next);
    } catch {
      error.textContent = button.dataset.failed;
      error.hidden = false;
      button.disabled = false;
    }
  });
})();
