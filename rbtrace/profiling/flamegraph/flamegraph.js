(function () {
  "use strict";
  var root = document.documentElement;
  var boxes = Array.prototype.slice.call(root.querySelectorAll(".box"));
  var found = document.getElementById("found");
  var field = document.getElementById("search");
  var WHOLE = 1000000;
  boxes.forEach(function (box) {
    box.left = Number(box.getAttribute("data-left"));
    box.right = box.left + Number(box.getAttribute("data-width"));
    box.level = Number(box.getAttribute("data-level"));
    box.name = box.getAttribute("data-name");
  });
  function percent(millionths) { return (millionths / (WHOLE / 100)).toFixed(4) + "%"; }
  function zoom(on) {
    var span = on.right - on.left;
    boxes.forEach(function (box) {
      var above = box.level < on.level && box.left <= on.left && box.right >= on.right;
      var inside = box.level >= on.level && box.left >= on.left && box.right <= on.right;
      box.style.display = above || inside ? "" : "none";
      box.classList.toggle("above", above);
      if (!(above || inside)) { return; }
      box.setAttribute("x", percent(above ? 0 : (box.left - on.left) / span * WHOLE));
      box.setAttribute("width", percent(above ? WHOLE : (box.right - box.left) / span * WHOLE));
    });
    root.classList.toggle("zoomed", on !== boxes[0]);
  }
  function search(text) {
    var wanted = text.toLowerCase();
    var end = [];
    var sum = 0;
    boxes.forEach(function (box) {
      var hit = wanted !== "" && box.name.toLowerCase().indexOf(wanted) >= 0;
      box.classList.toggle("hit", hit);
      if (!hit) { return; }
      var nested = end.some(function (one) { return one.left <= box.left && one.right >= box.right; });
      if (!nested) { end.push(box); sum += box.right - box.left; }
    });
    found.textContent = wanted === "" ? "" : (sum / (WHOLE / 100)).toFixed(2) + " %";
  }
  boxes.forEach(function (box) {
    box.addEventListener("click", function () { zoom(box); });
    box.addEventListener("keydown", function (event) {
      if (event.key === "Enter") { zoom(box); }
    });
  });
  document.getElementById("reset").addEventListener("click", function () { zoom(boxes[0]); });
  if (field) { field.addEventListener("input", function () { search(field.value); }); }
  root.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { zoom(boxes[0]); }
  });
})();
