"use strict";
// The film of samples: a slider and a play button show one of the stacked pictures.
const film = document.getElementById("film");
if (film) {
  const frames = [...film.querySelectorAll("img")];
  const slider = document.getElementById("frame");
  const shown = document.getElementById("shown");
  const button = document.getElementById("play");
  let timer = 0;

  const show = () => {
    frames.forEach((frame, index) => { frame.hidden = index !== slider.valueAsNumber; });
    const label = "step " + Number(frames[slider.valueAsNumber].dataset.step).toLocaleString("en");
    shown.textContent = label;
    slider.setAttribute("aria-valuetext", label);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  };
  const advance = () => {
    if (slider.valueAsNumber === frames.length - 1) { stop(); return; }
    slider.value = slider.valueAsNumber + 1;
    show();
  };
  slider.addEventListener("input", () => { stop(); show(); });
  button.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (slider.valueAsNumber === frames.length - 1) { slider.value = 0; show(); }
    button.textContent = "Pause";
    timer = setInterval(advance, 350);
  });
  document.getElementById("controls").hidden = frames.length < 2;
  show();
}
