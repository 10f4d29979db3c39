// Adds to pages that work without it: a link with the token, drag and drop, progress. Nothing is fetched but from here.
"use strict";

// A link may carry the token behind the #: that part of an address is never sent to a server, nor logged by one.
const entering = document.querySelector("[data-enter]");
if (entering && location.hash.startsWith("#token=")) {
  entering.elements.token.value = decodeURIComponent(location.hash.slice("#token=".length));
  history.replaceState(null, "", location.pathname + location.search);
  entering.requestSubmit();
}

const drop = document.querySelector("[data-drop]");
if (drop) {
  const field = drop.elements.file;
  const status = drop.querySelector("[data-status]");
  const button = drop.querySelector("button");

  const tell = (text) => { status.textContent = text; };

  const send = () => {
    const most = Number(drop.dataset.most);
    const size = Array.from(field.files).reduce((sum, one) => sum + one.size, 0);
    if (size > most) {
      tell(drop.dataset.large);
      return;
    }
    const request = new XMLHttpRequest();
    request.open("POST", drop.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) {
        tell(`${drop.dataset.sending}: ${Math.round(100 * event.loaded / event.total)} %`);
      }
    };
    request.onload = () => {
      const answer = request.response || {};
      if (answer.page) {
        location.assign(answer.page);
      } else {
        button.disabled = false;
        tell(answer.problem || drop.dataset.failed);
      }
    };
    request.onerror = () => {
      button.disabled = false;
      tell(drop.dataset.failed);
    };
    button.disabled = true;
    tell(drop.dataset.sending);
    request.send(new FormData(drop));
  };

  drop.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    drop.addEventListener(name, () => drop.classList.remove("over"));
  }
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) {
      field.files = event.dataTransfer.files;
      send();
    }
  });
  // A file that misses the field is not to take the page's place.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => event.preventDefault());
  }
}

const waiting = document.querySelector("[data-waiting]");
if (waiting) {
  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.waiting, { headers: { Accept: "application/json" } });
      const state = answer.ok ? await answer.json() : { done: true };
      if (state.done) {
        location.reload();
        return;
      }
      if (waiting.textContent !== state.words) {
        waiting.textContent = state.words;
      }
    } catch {
      // the server is away for a moment: look again
    }
    setTimeout(look, 700);
  };
  setTimeout(look, 400);
}
