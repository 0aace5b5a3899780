"use strict";
// Everything that a page can do without this script, it does without it.

// The program ends soon after its page is closed, and later if the browser puts the page to sleep.
const alive = () => fetch("/alive", { method: "POST" }).then(() => true, () => false);
setInterval(alive, 20000);
addEventListener("pagehide", () => navigator.sendBeacon("/closing"));

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const drop = document.querySelector(".drop");
if (drop) {
  const status = drop.querySelector(".status");
  const input = drop.querySelector("input");

  const send = async (files) => {
    let left = Number(drop.dataset.left), room = Number(drop.dataset.room), added = false;
    for (const file of files) {
      status.textContent = drop.dataset.sending;
      let problem = "";
      if (left < 1) problem = drop.dataset.many;
      else if (file.size > room) problem = drop.dataset.large;
      else {
        // The bytes alone: the name stays in the browser.
        const type = file.type || "application/octet-stream";
        const answer = await fetch(drop.dataset.to, { method: "POST", body: file, headers: { "Content-Type": type } })
          .catch(() => null);
        if (answer && answer.status === 403) problem = drop.dataset.gone;
        else if (answer && !answer.ok) problem = (await answer.text()) || drop.dataset.failed;
        else if (!answer) problem = (await alive()) ? drop.dataset.failed : drop.dataset.gone;
      }
      if (problem) {
        status.textContent = problem;
        sessionStorage.setItem("problem", problem);  // said again once the page shows what was taken
        if (problem === drop.dataset.large) continue;  // a smaller one may still find room
        break;
      }
      left -= 1;
      room -= file.size;
      added = true;
    }
    if (added) location.reload();
    else sessionStorage.removeItem("problem");
  };
  status.textContent = sessionStorage.getItem("problem") || "";
  sessionStorage.removeItem("problem");

  const chosen = () => {
    const files = [...input.files];
    input.value = "";  // or a browser that fills forms in again after a reload would send them twice
    send(files);
  };
  input.addEventListener("change", chosen);
  if (input.files.length) chosen();  // chosen before this script ran
  for (const kind of ["dragover", "drop", "dragleave"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();  // or the browser would open the file in place of the page
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") send(event.dataTransfer.files);
    });
  }
}

const progress = document.getElementById("progress");
if (progress) {
  const show = (id, text) => {
    const place = document.getElementById(id);
    if (place.textContent !== text) place.textContent = text;  // a screen reader says only what is new
  };
  const ask = async () => {
    const answer = await fetch(progress.dataset.from).catch(() => null);
    if (answer && answer.ok) {
      const now = await answer.json();
      if (now.finished) {
        location.assign("/result");
        return;
      }
      show("now", now.now);
      show("left", now.left);
      for (const file of now.files) {
        show("state-" + file.number, file.state);
        document.getElementById("stop-" + file.number).hidden = !file.open;
      }
      document.getElementById("stop-all").hidden = !now.files.some((file) => file.open);
    } else if (!answer) {
      show("now", progress.dataset.gone);
      show("left", "");
    }
    setTimeout(ask, 1000);
  };
  ask();
}
